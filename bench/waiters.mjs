/** What one caller in a long queue costs to add, to serve and to let go, and what it weighs. */
import pg from 'pg'
import { Pool } from '../dist/core/index.js'
import { atMost, compare, cpuMillis, median, tidy } from './harness.mjs'
import { driver, FakeClient, openSluice, peers } from './peers.mjs'
import { StillClock } from './still-clock.mjs'

const SIZES = [1_000, 10_000, 100_000]
/** Room for what a hundred times the memory costs in caches and garbage collection; linear work would show 100. */
const FLAT = 10
const WEIGHED = 100_000

/**
 * @typedef {object} Queue
 * @property {{ release(): void }} held the lease that all wait for
 * @property {Promise<{ release(): void }>[]} waiting
 * @property {number} addMillis what adding them took
 * @property {AbortController[]} controllers
 * @property {StillClock} clock
 *
 * @typedef {object} Act
 * @property {(queue: Queue) => Promise<number>} time ends all waiters; returns the milliseconds of CPU in question
 * @property {(index: number) => object} [ask] what a caller says
 * @property {'none' | 'one' | 'each'} [signals] whose signals the callers hand in; default none
 * @property {boolean} [still] on a clock that moves when told
 */

/** @type {Record<string, Act>} */
const SLUICE = {
  add: { time: added },
  'add, with a signal each': { time: added, signals: 'each' },
  serve: { time: served },
  'serve 100 agents on 3 priorities': {
    time: served,
    ask: (i) => ({ agent: `agent ${i % 100}`, priority: 1 + (i % 3) }),
  },
  'abort, a signal each': { time: aborted, signals: 'each' },
  'abort, one signal for all': { time: aborted, signals: 'one' },
  'time out': { time: expired, still: true, ask: () => ({ timeoutMillis: 1_000 }) },
  'time out, each after another time': {
    time: expired,
    still: true,
    ask: (i) => ({ timeoutMillis: 1_000 + i / 1_000 }),
  },
}

/** @type {Record<string, Act>} */
const PG_POOL = { 'pg-pool: add': { time: added }, 'pg-pool: serve': { time: served } }

/** @param {import('./harness.mjs').Settings} settings */
export async function run(settings) {
  const acts = { ...SLUICE, ...PG_POOL }
  const subjects = Object.entries(acts).flatMap(([name, act]) =>
    SIZES.map((size) => ({
      name: `${name} @ ${size}`,
      measure: () =>
        nanosEach(act, size, settings.cellMillis, name in SLUICE ? openSluiceQueue : openPgQueue),
    })),
  )
  await compare(subjects, { ...settings, rounds: 1 })
  const figures = await compare(subjects, settings)
  const rows = []
  const goals = []
  for (const name of Object.keys(acts)) {
    const bySize = SIZES.map((size) => figures.find((one) => one.name === `${name} @ ${size}`)?.rounds ?? [])
    const growth = median(bySize[0].map((small, round) => bySize[SIZES.length - 1][round] / small))
    const columns = SIZES.map((size, i) => [
      `ns at ${size.toLocaleString('en-US')}`,
      Math.round(median(bySize[i])),
    ])
    rows.push({ act: name, ...Object.fromEntries(columns), growth })
    if (name in SLUICE) goals.push(atMost(`100,000 waiters ÷ 1,000, each to ${name}`, growth, FLAT))
  }
  const weights = weigh()
  goals.push(atMost('bytes of heap a waiter, its promise included', weights[0].bytes, 1_000))
  return {
    name: 'waiters',
    sections: [
      { title: 'Waiters in the queue of a full pool, nanoseconds of CPU time each', rows },
      {
        title: `Heap a waiting caller, of ${WEIGHED.toLocaleString('en-US')}: waiter, promise and async function`,
        rows: weights,
      },
    ],
    goals,
  }
}

/**
 * @param {Act} act
 * @param {number} size
 * @param {number} cellMillis
 * @param {(act: Act, clock: StillClock) => Promise<Opened>} open
 */
async function nanosEach(act, size, cellMillis, open) {
  tidy()
  let millis = 0
  let waiters = 0
  for (; millis < cellMillis; waiters += size) {
    const clock = new StillClock()
    const { held, wait } = await open(act, clock)
    const controllers = Array.from(
      { length: { none: 0, one: 1, each: size }[act.signals ?? 'none'] },
      () => new AbortController(),
    )
    const wishes = Array.from({ length: size }, (_, i) => wish(act, i, controllers))
    const waiting = []
    const begin = cpuMillis()
    for (const one of wishes) waiting.push(wait(one))
    const addMillis = cpuMillis() - begin
    millis += await act.time({ held, waiting, addMillis, controllers, clock })
  }
  return (1e6 * millis) / waiters
}

/** @param {Act} act @param {number} index @param {AbortController[]} controllers */
function wish({ ask, signals }, index, controllers) {
  const signal = signals === 'each' ? controllers[index] : controllers[0]
  return { ...ask?.(index), signal: signal?.signal }
}

/**
 * @typedef {object} Opened a pool without timers whose one connection is lent; forgotten after use, since ending it would be measured with the next
 * @property {{ release(): void }} held
 * @property {(wishes: object) => Promise<{ release(): void }>} wait
 */

/** @param {Act} act @param {StillClock} clock @returns {Promise<Opened>} */
async function openSluiceQueue(act, clock) {
  const pool = new Pool(driver, { max: 1, idleTimeoutMillis: 0 }, act.still === true ? { clock } : {})
  return { held: await pool.acquire(), wait: (wishes) => pool.acquire(wishes) }
}

/** @returns {Promise<Opened>} */
async function openPgQueue() {
  const pool = new pg.Pool({ max: 1, Client: FakeClient, idleTimeoutMillis: 0 })
  return { held: await pool.connect(), wait: () => pool.connect() }
}

async function added(/** @type {Queue} */ queue) {
  await served(queue)
  return queue.addMillis
}

/** Everybody goes through the one connection, and gives it back at once. */
async function served(/** @type {Queue} */ { held, waiting }) {
  const all = Promise.all(waiting.map((one) => one.then((lease) => lease.release())))
  const begin = cpuMillis()
  held.release()
  await all
  return cpuMillis() - begin
}

function aborted(/** @type {Queue} */ queue) {
  return ended(queue, () => {
    for (const controller of queue.controllers) controller.abort()
  })
}

function expired(/** @type {Queue} */ queue) {
  return ended(queue, () => queue.clock.advance(2_000))
}

/** Every wait ends with an error. */
async function ended(/** @type {Queue} */ { held, waiting }, /** @type {() => void} */ act) {
  const settled = Promise.allSettled(waiting)
  const begin = cpuMillis()
  act()
  const results = await settled
  const millis = cpuMillis() - begin
  if (results.some(({ status }) => status !== 'rejected'))
    throw new Error('BUG: a waiter was served that should have ended')
  held.release()
  return millis
}

/** Nothing is awaited in here, so that nobody is served while the scales settle. */
function weigh() {
  const bare = {
    pool: 'sluice',
    what: 'waiter and promise',
    bytes: bytesEach(
      () => openSluice(1),
      (pool) => pool.acquire(),
    ),
  }
  const callers = peers
    .filter(({ aside }) => !aside)
    .map(({ name, open }) => ({
      pool: name,
      what: 'the same in an async function that awaits it',
      bytes: bytesEach(
        () => open(1),
        ({ caller }) => caller(1),
      ),
    }))
  return [bare, ...callers]
}

/**
 * @template P
 * @param {() => P} open
 * @param {(pool: P) => Promise<void | { release(): void }>} wait
 */
function bytesEach(open, wait) {
  letGo(fill(open(), wait, 1_000))
  const pool = open()
  tidy()
  const before = process.memoryUsage().heapUsed
  const waiting = fill(pool, wait, WEIGHED)
  tidy()
  const bytes = Math.round((process.memoryUsage().heapUsed - before) / waiting.length)
  letGo(waiting)
  return bytes
}

/**
 * @template P, R
 * @param {P} pool
 * @param {(pool: P) => R} wait
 * @param {number} callers
 */
function fill(pool, wait, callers) {
  return Array.from({ length: callers }, () => wait(pool))
}

function letGo(/** @type {Promise<void | { release(): void }>[]} */ waiting) {
  for (const one of waiting) void one.then((lease) => lease?.release())
}
