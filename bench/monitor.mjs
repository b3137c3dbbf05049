/**
 * What watching costs: lookups by primary key through one pool of Sluice, with nothing attached, then with one watcher, then with
 * nothing again, and so on. Each watcher is held against the cells before and after its own, so that what drifts meets both; client and
 * server have a core each where there is `taskset`. `SLUICE_BENCH_BASE=FOLDER` also holds this build against that of another commit (its
 * `dist`), with nothing attached, in turns of a process each.
 */
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Pool } from '../dist/index.js'
import { openAccounts } from './accounts.mjs'
import { atLeast, median, spread } from './harness.mjs'
import { CALLERS, lookups } from './lookups.mjs'
import { endViewer, WATCHERS } from './watchers.mjs'

const MAX = 10
/** How much of a cell runs before it, uncounted. */
const WARM = 0.2

export const defaults = { rounds: 20, cellMillis: 500 }

/**
 * @typedef {import('./lookups.mjs').Cell} Cell
 * @typedef {{ name: string, rates: number[], cpus: number[], cells: Cell[] }} Taken each by the cells around it
 */

/** @param {import('./harness.mjs').Settings} settings */
export async function run(settings) {
  const server = await openAccounts()
  const { SLUICE_BENCH_BASE: base } = process.env
  const isApart = keepApart(server.processId)
  const pool = open(Pool, server.url)
  const subjects = [
    // The same again: what differs is noise.
    { name: 'nothing, for comparison', pool, watch: async () => async () => {} },
    ...WATCHERS.map((watcher) => ({ ...watcher, pool })),
  ]
  try {
    await cell(pool, 2_000)
    const taken = subjects.map(({ name }) => /** @type {Taken} */ ({ name, rates: [], cpus: [], cells: [] }))
    const bare = /** @type {Cell[]} */ ([])
    for (let round = 0; round < settings.rounds; round++)
      for (let n = 0; n < subjects.length; n++) {
        const place = (round + n) % subjects.length
        await measure(subjects[place], taken[place], bare, pool, settings.cellMillis)
      }
    const report = reportOf(taken, bare, server.version, isApart)
    return base === undefined ? report : withBuilds(report, builds(server.url, base, settings))
  } finally {
    endViewer()
    await pool.end()
    await server.close()
  }
}

/** @param {typeof Pool} Class @param {string} url */
function open(Class, url) {
  return new Class({ connectionString: url, max: MAX }).on('error', () => {})
}

/** Gives the server one core and this process another. @param {number | undefined} server */
function keepApart(server) {
  if (server === undefined || cpus().length < 2) return false
  try {
    execFileSync('taskset', ['-acp', '1', String(server)], { stdio: 'ignore' })
    execFileSync('taskset', ['-acp', '0', String(process.pid)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/**
 * @param {import('./watchers.mjs').Watcher & { pool: Pool }} subject
 * @param {Taken} taken
 * @param {Cell[]} bare
 * @param {Pool} plain
 * @param {number} millis
 */
async function measure(subject, taken, bare, plain, millis) {
  const before = await cell(plain, millis)
  const stop = await subject.watch(subject.pool)
  const own = await cell(subject.pool, millis)
  await stop()
  const after = await cell(plain, millis)
  bare.push(before, after)
  taken.cells.push(own)
  taken.rates.push((2 * own.rate) / (before.rate + after.rate))
  taken.cpus.push((2 * own.cpuMicros) / (before.cpuMicros + after.cpuMicros))
}

/** @param {Pool} pool @param {number} millis @returns {Promise<Cell>} */
async function cell(pool, millis) {
  await lookups(pool, millis * WARM)
  return lookups(pool, millis)
}

const ONE_BUILD = fileURLToPath(new URL('monitor-cell.mjs', import.meta.url))

/** This build and another one, a process each in turns. @param {string} url @param {string} base @param {import('./harness.mjs').Settings} settings */
function builds(url, base, { rounds }) {
  const own = fileURLToPath(new URL('../dist', import.meta.url))
  const once = (/** @type {string} */ folder) =>
    /** @type {Cell} */ (
      JSON.parse(execFileSync(process.execPath, [ONE_BUILD, folder, url], { encoding: 'utf8' }))
    )
  const pairs = Array.from({ length: rounds }, (_, round) => {
    const first = once(round % 2 === 0 ? own : base)
    const second = once(round % 2 === 0 ? base : own)
    return round % 2 === 0 ? { own: first, other: second } : { own: second, other: first }
  })
  const of = (/** @type {'own' | 'other'} */ name, /** @type {keyof Cell} */ figure) =>
    median(pairs.map((pair) => pair[name][figure]))
  const rows = [
    {
      build: 'this one',
      'lookups/s': Math.round(1_000 * of('own', 'rate')),
      'CPU µs/lookup': of('own', 'cpuMicros'),
      'rate ÷ the other': median(pairs.map((pair) => pair.own.rate / pair.other.rate)),
    },
    {
      build: 'the other',
      'lookups/s': Math.round(1_000 * of('other', 'rate')),
      'CPU µs/lookup': of('other', 'cpuMicros'),
      'rate ÷ the other': 1,
    },
  ]
  return { title: 'Nothing attached: this build, and one without anything to attach to', rows }
}

/** @template {{ sections: import('./harness.mjs').Section[] }} R @param {R} report @param {import('./harness.mjs').Section} section */
function withBuilds(report, section) {
  return { ...report, sections: [...report.sections, section] }
}

/** @param {Taken[]} taken @param {Cell[]} bare @param {string} version @param {boolean} isApart */
function reportOf(taken, bare, version, isApart) {
  const rowOf = (/** @type {string} */ name, /** @type {Cell[]} */ cells) => ({
    watched: name,
    'lookups/s': Math.round(1_000 * median(cells.map(({ rate }) => rate))),
    'CPU µs/lookup': median(cells.map(({ cpuMicros }) => cpuMicros)),
  })
  const rows = [
    { ...rowOf('nothing', bare), 'rate ÷ nothing': 1, '± %': '', 'CPU ÷ nothing': 1 },
    ...taken.map(({ cells, cpus: ratios, name, rates }) => ({
      ...rowOf(name, cells),
      'rate ÷ nothing': median(rates),
      '± %': (spread(rates) / Math.sqrt(rates.length)).toFixed(1),
      'CPU ÷ nothing': median(ratios),
    })),
  ]
  const where = isApart ? 'Client and server have a core each.' : 'Client and server share the cores.'
  const title = `Lookups in pgbench’s accounts, ${CALLERS} callers, ${MAX} connections, PostgreSQL ${version}`
  const notes = [
    `${where} CPU is this process’s alone, which also does what the exporters do; the viewer of the dashboard is another process. Exporters that work now and then do so every second here. ± is that of the median, by the quartiles of the rounds.`,
  ]
  const goals = taken
    .filter(({ name }) => name.startsWith('dashboard'))
    .map(({ name, rates }) => atLeast(`${name}: rate ÷ nothing`, median(rates), 0.98))
  return { name: 'monitor', sections: [{ title, rows, notes }], goals }
}
