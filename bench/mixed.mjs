/**
 * What lookups at a steady rate wait when slow statements share their pool, and what the slow ones lose by it. Sluice is given
 * no hint of which statements are slow.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { anyAid, LOOKUP, openAccounts, withClient } from './accounts.mjs'
import { atLeast, atMost, median } from './harness.mjs'
import { endOrCut, MAX, PATHS } from './mixed-peers.mjs'
import { underLoad } from './open-loop.mjs'

const SLOW_LOOPS = [0, 8, 12, 30]
const SLOW_SECONDS = 0.2
const LOCK_MILLIS = 300
const WARM_MILLIS = 2_000

export const defaults = { rounds: 1, cellMillis: 6_000 }

/**
 * @typedef {import('./mixed-peers.mjs').Query} Query
 * @typedef {import('./mixed-peers.mjs').Path} Path
 *
 * @typedef {object} Work
 * @property {string} name
 * @property {number} slowLoops
 * @property {(query: Query, n: number) => PromiseLike<unknown>} lookup
 * @property {(n: number) => boolean} [aside]
 * @property {(query: Query, n: number) => PromiseLike<unknown>} slow
 * @property {boolean} [locks] whether a client outside the pool keeps a row locked that two loops update
 *
 * @typedef {import('./open-loop.mjs').Outcome & { slowRate: number, updateRate: number }} Cell
 */

/** @param {import('./harness.mjs').Settings} settings */
export async function run(settings) {
  const server = await openAccounts()
  try {
    const plain = await measure(server.url, settings, SLOW_LOOPS.map(plainWork), PATHS)
    const variants = await measure(server.url, settings, VARIANTS, PATHS.slice(0, 2))
    const title = `2,000 lookups/s beside loops of a slow statement of 200 ms, ${MAX} connections, PostgreSQL ${server.version}`
    const notes = [
      'Milliseconds from the moment a lookup was due. The lookups come whether or not earlier ones are answered; those unanswered or refused at the end count at their age.',
    ]
    return {
      name: 'mixed',
      sections: [
        { title, notes, rows: plain.rows },
        { title: `The same with 12 slow loops, where a text does not tell`, rows: variants.rows },
      ],
      goals: [...plain.goals, ...variants.goals],
    }
  } finally {
    await server.close()
  }
}

// Works ----------------------------------------------------------------------------------------------------------------

const SLOW = 'SELECT pg_sleep($1), count(*) FROM pgbench_branches'

/** @param {number} slowLoops @returns {Work} */
function plainWork(slowLoops) {
  return {
    name: `${slowLoops} slow loops`,
    slowLoops,
    lookup: (query) => query(LOOKUP, [anyAid()]),
    slow: (query) => query(SLOW, [SLOW_SECONDS]),
  }
}

const SOMETIMES =
  'SELECT abalance, CASE WHEN $2::float8 > 0 THEN pg_sleep($2::float8) END FROM pgbench_accounts WHERE aid = $1'
const oneIn200 = (/** @type {number} */ n) => n % 200 === 199

/** @type {Work[]} */
const VARIANTS = [
  {
    ...plainWork(12),
    name: '1 in 200 lookups slow by its parameter',
    lookup: (query, n) => query(SOMETIMES, [anyAid(), oneIn200(n) ? SLOW_SECONDS : 0]),
    aside: oneIn200,
  },
  {
    ...plainWork(12),
    name: 'every text another',
    lookup: (query) => query(`SELECT abalance FROM pgbench_accounts WHERE aid = ${anyAid()}`),
    slow: (query, n) =>
      query(`SELECT pg_sleep(${SLOW_SECONDS}), count(*) FROM pgbench_branches WHERE bid < ${1_000 + n}`),
  },
  { ...plainWork(12), name: '2 loops wait for a locked row', locks: true },
]

// Measuring ------------------------------------------------------------------------------------------------------------

/** @param {string} url @param {import('./harness.mjs').Settings} settings @param {Work[]} works @param {Path[]} paths */
async function measure(url, { rounds, cellMillis }, works, paths) {
  const rows = []
  const goals = []
  for (const work of works) {
    const cells = paths.map(() => /** @type {Cell[]} */ ([]))
    for (let round = 0; round < rounds; round++) {
      for (let n = 0; n < paths.length; n++) {
        const turn = (round + n) % paths.length
        cells[turn].push(await cellOf(url, work, paths[turn], cellMillis))
      }
    }
    const pool = cells[paths.findIndex(({ name }) => name === 'pg.Pool')]
    rows.push(...paths.map(({ name }, i) => rowOf(work, name, cells[i], pool)))
    goals.push(...goalsOf(work, cells[0], pool))
  }
  return { rows, goals }
}

/** @param {string} url @param {Work} work @param {Path} path @param {number} cellMillis @returns {Promise<Cell>} */
async function cellOf(url, work, path, cellMillis) {
  const { query, end } = await path.open(url)
  let nextSlow = 0
  const slow = () => work.slow(query, nextSlow++)
  const update = () => query('UPDATE pgbench_branches SET bbalance = bbalance + $1 WHERE bid = $2', [1, 1])
  const loops = [...Array(work.slowLoops).fill(slow), ...(work.locks ? [update, update] : [])]
  const lockUntil = performance.now() + WARM_MILLIS + cellMillis
  const [outcome] = await Promise.all([
    underLoad({
      lookup: (n) => work.lookup(query, n),
      ...(work.aside === undefined ? {} : { aside: work.aside }),
      loops,
      warmMillis: WARM_MILLIS,
      cellMillis,
    }),
    work.locks ? keepLocking(url, lockUntil) : undefined,
  ])
  await endOrCut(url, end)
  const rateOf = (/** @type {number[]} */ rates) => rates.reduce((sum, rate) => sum + rate, 0)
  return {
    ...outcome,
    slowRate: rateOf(outcome.perSecond.slice(0, work.slowLoops)),
    updateRate: rateOf(outcome.perSecond.slice(work.slowLoops)),
  }
}

/** @param {string} url @param {number} until */
async function keepLocking(url, until) {
  await withClient(url, async (client) => {
    while (performance.now() < until) {
      await client.query('BEGIN')
      await client.query('UPDATE pgbench_branches SET bbalance = bbalance WHERE bid = 1')
      await sleep(LOCK_MILLIS)
      await client.query('COMMIT')
    }
  })
}

// Telling --------------------------------------------------------------------------------------------------------------

/** @param {Cell[]} cells @param {(cell: Cell) => number} figure */
function medianOf(cells, figure) {
  return median(cells.map(figure))
}

/** @param {Cell[]} cells @param {Cell[]} pool */
function slowShare(cells, pool) {
  return median(cells.map(({ slowRate }, round) => slowRate / pool[round].slowRate))
}

/** @param {Work} work @param {string} path @param {Cell[]} cells @param {Cell[]} pool */
function rowOf(work, path, cells, pool) {
  return {
    beside: work.name,
    path,
    p50: medianOf(cells, ({ p50 }) => p50),
    p95: medianOf(cells, ({ p95 }) => p95),
    p99: medianOf(cells, ({ p99 }) => p99),
    max: medianOf(cells, ({ max }) => max),
    ...(work.slowLoops > 0
      ? { 'slow/s': medianOf(cells, ({ slowRate }) => slowRate), '÷ pg.Pool': slowShare(cells, pool) }
      : {}),
    ...(work.locks ? { 'updates/s': medianOf(cells, ({ updateRate }) => updateRate) } : {}),
    unanswered: medianOf(cells, ({ unanswered }) => unanswered),
    refused: medianOf(cells, ({ refused }) => refused),
    failed: medianOf(cells, ({ failed }) => failed),
  }
}

/** @param {Work} work @param {Cell[]} sluice @param {Cell[]} pool */
function goalsOf({ name, slowLoops, aside, locks }, sluice, pool) {
  const goals = [
    atMost(
      `${name}: p50 of a lookup, ms`,
      medianOf(sluice, ({ p50 }) => p50),
      2,
    ),
    atMost(
      `${name}: p99 of a lookup, ms`,
      medianOf(sluice, ({ p99 }) => p99),
      25,
    ),
  ]
  if (slowLoops >= 12 && aside === undefined && !locks)
    goals.push(atLeast(`${name}: slow statements ÷ pg.Pool’s`, slowShare(sluice, pool), 0.8))
  return goals
}
