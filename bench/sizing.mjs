/**
 * How large a pool should be: what as many callers as ever get done through pools of 1 to 128 connections, for statements that
 * are tiny, that wait, and that compute; and what a connection costs the server in memory (Linux, the embedded server).
 */
import { Pool } from '../dist/index.js'
import { ACCOUNTS, anyAid, LOOKUP, openAccounts } from './accounts.mjs'
import { backendRows } from './backends.mjs'
import { compare, median, spread } from './harness.mjs'

const SIZES = [1, 2, 4, 8, 16, 32, 64, 128]
const CALLERS = 128
/** How much of a cell runs before it, uncounted: as much, since a pool first has to learn which statements are short. */
const WARM = 1
const RANGE = 10_000

export const defaults = { rounds: 2, cellMillis: 500 }

/**
 * @typedef {object} Work
 * @property {string} name
 * @property {string} text
 * @property {() => unknown[]} values
 * @property {import('../dist/index.js').PoolConfig} options
 *
 * @typedef {Record<string, string | number>} Row
 *
 * @typedef {import('./harness.mjs').Subject & { size: number, p50: number[], p99: number[] }} Measured
 */

/** Every connection for itself, and all of them for whoever asks. */
const ALONE = { pipelining: false, slowShare: 1 }

/** @type {Work[]} */
const WORKS = [
  { name: 'lookup, lanes', text: LOOKUP, values: () => [anyAid()], options: {} },
  { name: 'lookup, no lanes', text: LOOKUP, values: () => [anyAid()], options: ALONE },
  { name: 'waits 10 ms', text: 'SELECT pg_sleep(0.01)', values: () => [], options: ALONE },
  {
    name: 'computes',
    text: 'SELECT count(*), sum(abalance + bid) FROM pgbench_accounts WHERE aid BETWEEN $1::int AND $2::int',
    values: () => {
      const from = 1 + Math.floor(Math.random() * (ACCOUNTS - RANGE))
      return [from, from + RANGE - 1]
    },
    options: ALONE,
  },
]

/** @param {import('./harness.mjs').Settings} settings */
export async function run(settings) {
  const server = await openAccounts()
  try {
    const memory = await backendRows(server)
    const rows = /** @type {Row[]} */ ([])
    for (const work of WORKS) rows.push(...(await measure(server.url, work, settings)))
    const title = `Statements of ${CALLERS} callers through pools of 1 to ${SIZES.at(-1)} connections, PostgreSQL ${server.version}`
    const notes = [
      `p50 and p99 in milliseconds, as the callers see them, waiting for a connection included. “In the server” is connections ÷ rate (Little’s law): how long a statement has a connection while all are busy. Without lanes: \`pipelining: false, slowShare: 1\`. “Computes” adds up ${RANGE.toLocaleString('en-US')} rows of an index range. The client shares the machine’s cores with the server.`,
    ]
    const sections = [
      { title: 'Statements a second, and how long each has its connection', rows: glance(rows) },
      { title, notes, rows },
    ]
    if (memory !== undefined) sections.push(memory)
    return { name: 'sizing', sections, goals: [] }
  } finally {
    await server.close()
  }
}

/** One line for each size. @param {Row[]} rows */
function glance(rows) {
  return SIZES.map((size) => {
    const own = rows.filter((row) => row.connections === size)
    const computes = own.find((row) => row.statement === 'computes')
    return {
      connections: size,
      ...Object.fromEntries(own.map((row) => [`${row.statement}, /s`, row['per second']])),
      'computes, ms in the server': computes?.['in the server'] ?? Number.NaN,
    }
  })
}

/** @param {string} url @param {Work} work @param {import('./harness.mjs').Settings} settings */
async function measure(url, work, settings) {
  const subjects = SIZES.map((size) => subjectOf(url, work, size, settings.cellMillis))
  const figures = await compare(subjects, settings)
  const best = Math.min(...figures.map((one) => one.median))
  return figures.map(({ median: micros, rounds }, i) => {
    const { size, p50, p99 } = subjects[i]
    return {
      statement: work.name,
      connections: size,
      'per second': Math.round(1e6 / micros),
      '± %': spread(rounds),
      '% of best': Math.round((100 * best) / micros),
      p50: median(p50),
      p99: median(p99),
      ...(work.options.pipelining === false ? { 'in the server': (size * micros) / 1e3 } : {}),
    }
  })
}

/** @param {string} url @param {Work} work @param {number} size @param {number} cellMillis @returns {Measured} */
function subjectOf(url, work, size, cellMillis) {
  /** @type {Measured} */
  const subject = {
    name: `${size}`,
    size,
    p50: [],
    p99: [],
    measure: async () => {
      const pool = new Pool({ connectionString: url, max: size, min: size, ...work.options })
      pool.on('error', () => {})
      try {
        await openAll(pool, size)
        const query = () => pool.query(work.text, work.values())
        await loop(query, cellMillis * WARM)
        const { micros, times } = await loop(query, cellMillis)
        subject.p50.push(quantile(times, 0.5))
        subject.p99.push(quantile(times, 0.99))
        return micros
      } finally {
        await pool.end()
      }
    },
  }
  return subject
}

/** Opening is no part of what is measured. @param {Pool} pool @param {number} size */
async function openAll(pool, size) {
  const clients = await Promise.all(Array.from({ length: size }, () => pool.connect()))
  for (const client of clients) client.release()
}

/** Callers who each ask again as soon as they are answered. @param {() => Promise<unknown>} query @param {number} millis */
async function loop(query, millis) {
  const times = /** @type {number[]} */ ([])
  const begin = performance.now()
  const until = begin + millis
  const call = async () => {
    for (let before = performance.now(); before < until; ) {
      await query()
      const now = performance.now()
      times.push(now - before)
      before = now
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, call))
  return { micros: (1e3 * (performance.now() - begin)) / times.length, times }
}

/** @param {number[]} times @param {number} q */
function quantile(times, q) {
  const sorted = Float64Array.from(times).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]
}
