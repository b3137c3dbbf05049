/**
 * What it costs to borrow and give back, without a database behind it. Each figure comes from a process of its own
 * (acquire-cell.mjs): within one, what the engine has learned and what lies on the heap from the pool before decides up to a
 * factor of two.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { atLeast, atMost, compare, fastest, ratio, spread } from './harness.mjs'
import { peers } from './peers.mjs'

const CELL = fileURLToPath(new URL('acquire-cell.mjs', import.meta.url))

const TABLES = [
  {
    title: 'Acquire and release: an idle timer in all, other options as each peer has them by default',
    short: 'defaults',
    acquireTimeoutMillis: undefined,
    chosen: peers,
    cases: [
      { callers: 5, max: 10 },
      { callers: 100, max: 10 },
      { callers: 1_000, max: 10 },
      { callers: 100, max: 100 },
    ],
  },
  {
    title: 'Acquire and release: an idle timer and an acquire timeout of 30 s in all',
    short: 'timeouts in all',
    acquireTimeoutMillis: 30_000,
    chosen: peers.filter(({ aside }) => !aside),
    cases: [
      { callers: 5, max: 10 },
      { callers: 100, max: 10 },
      { callers: 1_000, max: 10 },
    ],
  },
]

/** @param {import('./harness.mjs').Settings} settings */
export async function run(settings) {
  const sections = []
  const goals = []
  for (const { title, short, acquireTimeoutMillis, chosen, cases } of TABLES) {
    const rows = []
    for (const { callers, max } of cases) {
      const subjects = chosen.map(({ name }) => ({
        name,
        measure: () =>
          inOwnProcess({ name, callers, max, acquireTimeoutMillis, cellMillis: settings.cellMillis }),
      }))
      const figures = await compare(subjects, settings)
      const what = `${callers.toLocaleString('en-US')} callers, ${max} slots`
      rows.push(...rowsOf(what, figures))
      goals.push(...goalsOf(`${what}, ${short}`, callers, figures))
    }
    sections.push({ title, rows, notes: ['Nanoseconds of CPU time an operation: no cell ever waits.'] })
  }
  return { name: 'acquire', sections, goals }
}

/** @returns {Promise<number>} nanoseconds of CPU time an operation */
async function inOwnProcess(/** @type {object} */ cell) {
  const { stdout } = await promisify(execFile)(process.execPath, [CELL, JSON.stringify(cell)])
  return Number(stdout)
}

/** Promises against promises: whom the goals speak of. */
function rivals(/** @type {import('./harness.mjs').Figures[]} */ figures) {
  return figures.filter(
    ({ name }) => name !== 'sluice' && peers.some((peer) => peer.name === name && !peer.aside),
  )
}

/** @param {string} what @param {import('./harness.mjs').Figures[]} figures */
function rowsOf(what, figures) {
  const best = fastest(rivals(figures))
  return figures.map((one) => ({
    case: what,
    pool: one.name,
    'ns/op': Math.round(one.median),
    '± %': spread(one.rounds),
    '÷ fastest peer': ratio(one, best),
    'fastest peer': best.name,
  }))
}

/** @param {string} what @param {number} callers @param {import('./harness.mjs').Figures[]} figures */
function goalsOf(what, callers, figures) {
  const [sluice, pgPool] = ['sluice', 'pg-pool'].map((name) => figures.find((one) => one.name === name))
  if (sluice === undefined || pgPool === undefined) throw new Error('BUG: a pool was not measured')
  const goals = [atMost(`${what}: time ÷ fastest peer’s`, ratio(sluice, fastest(rivals(figures))), 1.15)]
  if (callers === 5) goals.push(atLeast(`${what}: times as fast as pg-pool`, ratio(pgPool, sluice), 3))
  return goals
}
