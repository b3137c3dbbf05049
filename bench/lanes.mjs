/**
 * How many lookups by primary key 10 connections answer: through Sluice without any hint, through its peers, and on a
 * hand-written client that shows the limit.
 */
import pg from 'pg'
import postgres from 'postgres'
import { createPool, sql as slonik } from 'slonik'
import { Pool } from '../dist/index.js'
import { anyAid, LOOKUP, openAccounts } from './accounts.mjs'
import { atLeast, atMost, compare, fastest, figureOf, median, ratio, spread } from './harness.mjs'
import { WireClient } from './wire-client.mjs'

const CALLERS = [1, 10, 100, 1_000]
const MAX = 10
const WIRES = [1, 2, 4, 10]
const WIRE = 'wire client'

export const defaults = { rounds: 5, cellMillis: 1_000 }

/**
 * @typedef {object} Path
 * @property {string} name
 * @property {(id: number) => PromiseLike<unknown>} query
 * @property {() => Promise<unknown>} end
 *
 * @typedef {import('./harness.mjs').Subject & { cpu: number[], p50: number[] }} Measured
 */

/** @param {import('./harness.mjs').Settings} settings */
export async function run(settings) {
  const server = await openAccounts()
  const paths = await openPaths(server.url)
  const rows = []
  const goals = []
  try {
    for (const callers of CALLERS) {
      const wire = await openFastestWire(server.url, callers, settings)
      const subjects = [...paths, wire].map((path) => subjectOf(path, callers, settings.cellMillis))
      await compare(subjects, { ...settings, rounds: 1 })
      for (const { cpu, p50 } of subjects) cpu.length = p50.length = 0
      const figures = await compare(subjects, settings)
      await wire.end()
      const renamed = figures.map((one) => (one.name === WIRE ? { ...one, label: wire.label } : one))
      rows.push(...rowsOf(callers, renamed, subjects))
      goals.push(...goalsOf(callers, figures), ...latencyGoals(callers, subjects))
    }
  } finally {
    for (const { end } of paths) await end()
    await server.close()
  }
  const title = `Lookups in pgbench’s accounts, ${MAX} connections, PostgreSQL ${server.version}`
  const notes = [
    'CPU is this process’s alone; the server shares the machine’s cores. The wire client takes as many connections, 1 to 10, as are fastest for so many callers. Slonik sends `DISCARD ALL` after each query, as it does by default.',
  ]
  return { name: 'lanes', sections: [{ title, rows, notes }], goals }
}

// Paths ----------------------------------------------------------------------------------------------------------------

/** @param {string} url @returns {Promise<Path[]>} */
async function openPaths(url) {
  const sluice = new Pool({ connectionString: url, max: MAX })
  const plain = new pg.Pool({ connectionString: url, max: MAX })
  const named = new pg.Pool({ connectionString: url, max: MAX })
  const sql = postgres(url, { max: MAX })
  const slonikPool = await createPool(url, { maximumPoolSize: MAX })
  return [
    { name: 'sluice', query: (id) => sluice.query(LOOKUP, [id]), end: () => sluice.end() },
    { name: 'pg.Pool', query: (id) => plain.query(LOOKUP, [id]), end: () => plain.end() },
    {
      name: 'pg.Pool, named',
      query: (id) => named.query({ name: 'lookup', text: LOOKUP, values: [id] }),
      end: () => named.end(),
    },
    {
      name: 'postgres.js',
      query: (id) => sql`SELECT abalance FROM pgbench_accounts WHERE aid = ${id}`,
      end: () => sql.end(),
    },
    {
      name: 'slonik',
      query: (id) => slonikPool.query(slonik.unsafe`SELECT abalance FROM pgbench_accounts WHERE aid = ${id}`),
      end: () => slonikPool.end(),
    },
  ]
}

/** @param {string} url @param {number} callers @param {import('./harness.mjs').Settings} settings */
async function openFastestWire(url, callers, { cellMillis }) {
  const tried = []
  for (const count of WIRES) {
    const path = await openWire(url, count)
    const { measure } = subjectOf(path, callers, cellMillis / 2)
    await measure()
    tried.push({ name: path.name, count, rounds: [], median: await measure() })
    await path.end()
  }
  const best = /** @type {typeof tried[0]} */ (fastest(tried))
  return { ...(await openWire(url, best.count)), label: `${WIRE} on ${best.count}` }
}

/** @param {string} url @param {number} count @returns {Promise<Path>} */
async function openWire(url, count) {
  const wire = await WireClient.open(url, LOOKUP, count)
  return { name: WIRE, query: (id) => wire.query(id), end: async () => wire.end() }
}

// Measuring ------------------------------------------------------------------------------------------------------------

/** @param {Path} path @param {number} callers @param {number} cellMillis @returns {Measured} */
function subjectOf({ name, query }, callers, cellMillis) {
  const cpu = /** @type {number[]} */ ([])
  const p50 = /** @type {number[]} */ ([])
  const measure = async () => {
    const { wallMicros, cpuMicros, p50Micros } = await loop(query, callers, cellMillis)
    cpu.push(cpuMicros)
    p50.push(p50Micros)
    return wallMicros
  }
  return { name, measure, cpu, p50 }
}

/**
 * Callers who each ask again as soon as they are answered. Latencies are taken of a lone caller only: among many they follow
 * from the throughput.
 * @param {Path['query']} query @param {number} callers @param {number} cellMillis
 */
async function loop(query, callers, cellMillis) {
  let answered = 0
  const latencies = /** @type {number[]} */ ([])
  const cpu = process.cpuUsage()
  const begin = performance.now()
  const until = begin + cellMillis
  const call = async () => {
    for (let now = performance.now(); now < until; ) {
      await query(anyAid())
      answered++
      const before = now
      now = performance.now()
      if (callers === 1) latencies.push(now - before)
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  const wallMicros = (1e3 * (performance.now() - begin)) / answered
  const { user, system } = process.cpuUsage(cpu)
  const p50Micros = callers === 1 ? 1e3 * median(latencies) : Number.NaN
  return { wallMicros, cpuMicros: (user + system) / answered, p50Micros }
}

// Telling --------------------------------------------------------------------------------------------------------------

/** @param {number} callers @param {(import('./harness.mjs').Figures & { label?: string })[]} figures @param {Measured[]} subjects */
function rowsOf(callers, figures, subjects) {
  return figures.map((one, i) => ({
    callers,
    path: one.label ?? one.name,
    'queries/s': Math.round(1e6 / one.median),
    '± %': spread(one.rounds),
    'CPU µs/query': median(subjects[i].cpu),
    ...(callers === 1 ? { 'p50 µs': median(subjects[i].p50) } : {}),
    '× pg.Pool': ratio(figureOf(figures, 'pg.Pool'), one),
    '× postgres.js': ratio(figureOf(figures, 'postgres.js'), one),
    '× wire client': ratio(figureOf(figures, WIRE), one),
  }))
}

/** @param {number} callers @param {import('./harness.mjs').Figures[]} figures */
function goalsOf(callers, figures) {
  const [sluice, pool, js, wire] = ['sluice', 'pg.Pool', 'postgres.js', WIRE].map((name) =>
    figureOf(figures, name),
  )
  const who = `${callers.toLocaleString('en-US')} ${callers === 1 ? 'caller' : 'callers'}`
  if (callers <= MAX) {
    const rounds = pool.rounds.map((micros, round) => Math.min(micros, js.rounds[round]))
    const better = { name: 'the better', rounds, median: median(rounds) }
    return [atLeast(`${who}: rate ÷ the better of pg.Pool’s and postgres.js’s`, ratio(better, sluice), 0.95)]
  }
  return [
    atLeast(`${who}: rate ÷ pg.Pool’s`, ratio(pool, sluice), 3),
    atLeast(`${who}: rate ÷ postgres.js’s`, ratio(js, sluice), callers === 100 ? 2 : 1.3),
    atLeast(`${who}: rate ÷ the wire client’s`, ratio(wire, sluice), 0.6),
  ]
}

/** @param {number} callers @param {Measured[]} subjects */
function latencyGoals(callers, subjects) {
  if (callers > 1) return []
  const [sluice, pool] = ['sluice', 'pg.Pool'].map((name) => {
    const { p50 } = /** @type {Measured} */ (subjects.find((one) => one.name === name))
    return { name, rounds: p50, median: median(p50) }
  })
  return [atMost('1 caller: p50 latency ÷ pg.Pool’s', ratio(sluice, pool), 1)]
}
