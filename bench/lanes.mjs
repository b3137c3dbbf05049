/**
 * How many lookups by primary key 10 connections answer: through Sluice without any hint, through its peers, and on a
 * hand-written client that shows the limit.
 */
import pg from 'pg'
import postgres from 'postgres'
import { createPool, sql } from 'slonik'
import { Pool } from '../dist/index.js'
import { anyAid, LOOKUP, openAccounts } from './accounts.mjs'
import { atLeast, atMost, compare, fastest, figureOf, median, ratio, spread } from './harness.mjs'
import { WireClient } from './wire-client.mjs'

const CALLERS = [1, 10, 100, 1_000]
const MAX = 10
const WIRES = [1, 2, 4, 10]
const WIRE = 'wire client'
/** How much of a cell runs before it, uncounted. */
const WARM = 0.4

export const defaults = { rounds: 5, cellMillis: 1_000 }

/**
 * @typedef {(id: number) => PromiseLike<unknown>} Query
 *
 * @typedef {object} Path
 * @property {string} name
 * @property {(url: string) => Promise<{ query: Query, end: () => Promise<unknown> }>} open
 *
 * @typedef {import('./harness.mjs').Subject & { cpu: number[], p50: number[] }} Measured
 */

/** @param {import('./harness.mjs').Settings} settings */
export async function run(settings) {
  const server = await openAccounts()
  const rows = []
  const goals = []
  try {
    for (const callers of CALLERS) {
      const connections = await fastestWire(server.url, callers, settings)
      const subjects = [...PATHS, wireOn(connections)].map((path) =>
        subjectOf(server.url, path, callers, settings.cellMillis),
      )
      const figures = await compare(subjects, settings)
      rows.push(...rowsOf(callers, connections, figures, subjects))
      goals.push(...goalsOf(callers, figures), ...latencyGoals(callers, subjects))
    }
  } finally {
    await server.close()
  }
  const title = `Lookups in pgbench’s accounts, ${MAX} connections, PostgreSQL ${server.version}`
  const notes = [
    'CPU is this process’s alone; the server shares the machine’s cores. The wire client takes as many connections, 1 to 10, as are fastest for so many callers. Slonik sends `DISCARD ALL` after each query, as it does by default. postgres.js 3.4.9 slows down the longer it is never idle, so each cell has a fresh pool.',
  ]
  return { name: 'lanes', sections: [{ title, rows, notes }], goals }
}

// Paths ----------------------------------------------------------------------------------------------------------------

/** @type {Path[]} */
const PATHS = [
  {
    name: 'sluice',
    open: async (url) => {
      const pool = quiet(new Pool({ connectionString: url, max: MAX }))
      return { query: (id) => pool.query(LOOKUP, [id]), end: () => pool.end() }
    },
  },
  {
    name: 'pg.Pool',
    open: async (url) => {
      const pool = quiet(new pg.Pool({ connectionString: url, max: MAX }))
      return { query: (id) => pool.query(LOOKUP, [id]), end: () => pool.end() }
    },
  },
  {
    name: 'pg.Pool, named',
    open: async (url) => {
      const pool = quiet(new pg.Pool({ connectionString: url, max: MAX }))
      const query = (/** @type {number} */ id) => pool.query({ name: 'lookup', text: LOOKUP, values: [id] })
      return { query, end: () => pool.end() }
    },
  },
  {
    name: 'postgres.js',
    open: async (url) => {
      const sql = postgres(url, { max: MAX })
      const query = (/** @type {number} */ id) => sql`SELECT abalance FROM pgbench_accounts WHERE aid = ${id}`
      return { query, end: () => sql.end() }
    },
  },
  {
    name: 'slonik',
    open: async (url) => {
      const pool = await createPool(url, { maximumPoolSize: MAX })
      const query = (/** @type {number} */ id) =>
        pool.query(sql.unsafe`SELECT abalance FROM pgbench_accounts WHERE aid = ${id}`)
      return { query, end: () => pool.end() }
    },
  },
]

/**
 * A pool's end() may come before its connections are gone, and a server that stops then would crash the bench.
 * @param {pg.Pool} pool
 */
function quiet(pool) {
  return pool.on('error', () => {})
}

/** @param {number} connections @returns {Path} */
function wireOn(connections) {
  const open = async (/** @type {string} */ url) => {
    const wire = await WireClient.open(url, LOOKUP, connections)
    return { query: (/** @type {number} */ id) => wire.query(id), end: async () => wire.end() }
  }
  return { name: WIRE, open }
}

/** @param {string} url @param {number} callers @param {import('./harness.mjs').Settings} settings */
async function fastestWire(url, callers, settings) {
  const subjects = WIRES.map((count) => ({
    ...subjectOf(url, wireOn(count), callers, settings.cellMillis / 2),
    name: `${count}`,
  }))
  return Number(fastest(await compare(subjects, { ...settings, rounds: 1 })).name)
}

// Measuring ------------------------------------------------------------------------------------------------------------

/** @param {string} url @param {Path} path @param {number} callers @param {number} cellMillis @returns {Measured} */
function subjectOf(url, { name, open }, callers, cellMillis) {
  const cpu = /** @type {number[]} */ ([])
  const p50 = /** @type {number[]} */ ([])
  const measure = async () => {
    const { query, end } = await open(url)
    await loop(query, callers, cellMillis * WARM)
    const { wallMicros, cpuMicros, p50Micros } = await loop(query, callers, cellMillis)
    await end()
    cpu.push(cpuMicros)
    p50.push(p50Micros)
    return wallMicros
  }
  return { name, measure, cpu, p50 }
}

/**
 * Callers who each ask again as soon as they are answered. Latencies are taken of a lone caller only: among many they follow
 * from the throughput.
 * @param {Query} query @param {number} callers @param {number} cellMillis
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

/** @param {number} callers @param {number} connections @param {import('./harness.mjs').Figures[]} figures @param {Measured[]} subjects */
function rowsOf(callers, connections, figures, subjects) {
  return figures.map((one, i) => ({
    callers,
    path: one.name === WIRE ? `${WIRE} on ${connections}` : one.name,
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
