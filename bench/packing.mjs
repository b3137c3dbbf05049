/**
 * How many lanes are best, and what the pool chooses: statements of three lengths over 1, 2, 4 and 10 lanes, and over as many
 * as the pool takes of ten. With the server held to one core, and with all cores (Linux with `taskset`).
 */
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { Pool } from '../dist/index.js'
import { anyAid, LOOKUP, openAccounts } from './accounts.mjs'
import { compare, figureOf, median } from './harness.mjs'

const CALLERS = [1, 10, 100, 1_000]
const LANES = [1, 2, 4, 10]
const MAX = 10
const CHOSEN = 'the pool’s choice'
const WARM = 0.4

export const defaults = { rounds: 3, cellMillis: 800 }

/** @type {{ name: string, text: string, values: () => unknown[] }[]} */
const STATEMENTS = [
  { name: 'lookup', text: LOOKUP, values: () => [anyAid()] },
  {
    name: 'a third of a millisecond',
    text: 'SELECT sum(n) FROM generate_series(1, $1::int) AS n',
    values: () => [1_800],
  },
  {
    name: 'two milliseconds',
    text: 'SELECT sum(n) AS total FROM generate_series(1, $1::int) AS n',
    values: () => [11_000],
  },
]

/** @param {import('./harness.mjs').Settings} settings */
export async function run(settings) {
  const server = await openAccounts()
  const sections = []
  try {
    for (const cores of coreCounts(server.processId)) {
      if (server.processId !== undefined) hold(server.processId, cores)
      const rows = []
      for (const statement of STATEMENTS) {
        for (const callers of CALLERS) {
          const counts = LANES.filter((lanes) => lanes <= callers)
          const subjects = [
            ...counts.map((lanes) => subjectOf(server.url, `${lanes}`, statement, callers, lanes, settings)),
            subjectOf(server.url, CHOSEN, statement, callers, undefined, settings),
          ]
          const figures = await compare(subjects, settings)
          const rate = (/** @type {string} */ name) => 1e6 / figureOf(figures, name).median
          const best = Math.max(...counts.map((lanes) => rate(`${lanes}`)))
          rows.push({
            statement: statement.name,
            callers,
            ...Object.fromEntries(
              LANES.map((lanes) => [`${lanes} lanes`, lanes <= callers ? rate(`${lanes}`) : undefined]),
            ),
            [CHOSEN]: rate(CHOSEN),
            lanes: median(subjects.at(-1)?.lanes ?? []),
            '÷ best': rate(CHOSEN) / best,
          })
        }
      }
      sections.push({
        title: `Statements a second by the number of lanes, server on ${cores} of ${cpus().length} cores`,
        rows,
      })
    }
  } finally {
    await server.close()
  }
  return { name: 'packing', sections, goals: [] }
}

/** @param {number | undefined} processId of the server, where it is ours */
function coreCounts(processId) {
  if (processId === undefined || process.platform !== 'linux' || cpus().length < 2) return [cpus().length]
  return [1, cpus().length]
}

/** Lets the server's new backends use so many cores, the last ones. @param {number} processId @param {number} cores */
function hold(processId, cores) {
  const last = cpus().length - 1
  execFileSync('taskset', ['-p', '-c', `${last - cores + 1}-${last}`, String(processId)], { stdio: 'ignore' })
}

/**
 * @param {string} url
 * @param {string} name
 * @param {{ text: string, values: () => unknown[] }} statement
 * @param {number} callers
 * @param {number | undefined} lanes
 * @param {import('./harness.mjs').Settings} settings
 */
function subjectOf(url, name, statement, callers, lanes, { cellMillis }) {
  const subject = {
    name,
    lanes: /** @type {number[]} */ ([]),
    measure: async () => {
      const size = lanes === undefined ? { max: MAX } : { max: lanes, laneDepth: Math.ceil(callers / lanes) }
      const pool = new Pool({ connectionString: url, ...size })
      try {
        const query = () => pool.query(statement.text, statement.values())
        await micros(query, callers, WARM * cellMillis)
        const most = watch(pool)
        const each = await micros(query, callers, cellMillis)
        subject.lanes.push(most())
        return each
      } finally {
        await pool.end()
      }
    },
  }
  return subject
}

/** How many lanes there were, looked at every few milliseconds: the median. @param {Pool} pool */
function watch(pool) {
  const seen = /** @type {number[]} */ ([])
  const timer = setInterval(() => seen.push(pool.stats().shared), 5)
  return () => {
    clearInterval(timer)
    return seen.length === 0 ? 0 : median(seen)
  }
}

/** @param {() => PromiseLike<unknown>} query @param {number} callers @param {number} cellMillis */
async function micros(query, callers, cellMillis) {
  let answered = 0
  const begin = performance.now()
  const until = begin + cellMillis
  const call = async () => {
    while (performance.now() < until) {
      await query()
      answered++
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  return (1e3 * (performance.now() - begin)) / answered
}
