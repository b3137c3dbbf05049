/**
 * What the pool costs around a real query: a lookup by primary key, through Sluice, through pg.Pool, on bare clients and on a
 * connection of its own. On DATABASE_URL, else on the embedded Postgres.
 */
import pg from 'pg'
import { startPostgres } from '../dist/demo/embedded.js'
import { Pool } from '../dist/index.js'
import { atLeast, atMost, compare, figureOf, median, ratio, spread } from './harness.mjs'

const CALLERS = [1, 10, 100, 1_000]
const SLOTS = 10
const ROWS = 10_000
const TABLE = 'sluice_bench'
const TEXT = `SELECT payload FROM ${TABLE} WHERE id = $1`

/**
 * @typedef {object} Path
 * @property {string} name
 * @property {number} most callers whom it can carry
 * @property {(id: number, caller: number) => Promise<unknown>} query
 * @property {() => Promise<unknown>} end
 */

/** @param {import('./harness.mjs').Settings} settings */
export async function run(settings) {
  const server = process.env.DATABASE_URL === undefined ? await startPostgres() : undefined
  const connectionString = server?.url ?? process.env.DATABASE_URL
  try {
    await fill(connectionString)
    const queries = await measureQueries(connectionString, settings)
    const getting = await measureGetting(connectionString, settings)
    await once(connectionString, `DROP TABLE ${TABLE}`)
    return {
      name: 'postgres',
      sections: [queries.section, getting.section],
      goals: [...queries.goals, ...getting.goals],
    }
  } finally {
    await server?.stop()
  }
}

async function fill(/** @type {string | undefined} */ connectionString) {
  await once(connectionString, `DROP TABLE IF EXISTS ${TABLE}`)
  await once(connectionString, `CREATE TABLE ${TABLE} (id int PRIMARY KEY, payload text NOT NULL)`)
  const rows = `SELECT id, repeat(md5(id::text), 4) FROM generate_series(0, ${ROWS - 1}) AS id`
  await once(connectionString, `INSERT INTO ${TABLE} ${rows}`)
  await once(connectionString, `ANALYZE ${TABLE}`)
}

/** @param {string | undefined} connectionString @param {string} text @param {unknown[]} [values] */
async function once(connectionString, text, values) {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return await client.query(text, values)
  } finally {
    await client.end()
  }
}

// Queries --------------------------------------------------------------------------------------------------------------

/** @param {string | undefined} connectionString @param {import('./harness.mjs').Settings} settings */
async function measureQueries(connectionString, settings) {
  const rows = []
  const goals = []
  const paths = await openPaths(connectionString)
  try {
    for (const callers of CALLERS) {
      const subjects = paths
        .filter(({ most }) => callers <= most)
        .map(({ name, query }) => ({ name, measure: () => microsEach(query, callers, settings.cellMillis) }))
      await compare(subjects, { ...settings, rounds: 1 })
      const figures = await compare(subjects, settings)
      rows.push(...rowsOf(callers, figures))
      goals.push(...goalsOf(callers, figures))
    }
  } finally {
    for (const { end } of paths) await end()
  }
  const title = `A row by its primary key, ${SLOTS} connections`
  const notes = [
    'Wall time by queries answered, so the inverse of the throughput; the server shares the machine’s cores.',
  ]
  return { section: { title, rows, notes }, goals }
}

/** @param {number} callers @param {import('./harness.mjs').Figures[]} figures */
function rowsOf(callers, figures) {
  return figures.map((one) => ({
    callers,
    path: one.name,
    'µs/query': one.median,
    'queries/s': Math.round(1e6 / one.median),
    '± %': spread(one.rounds),
    '÷ pg.Pool': ratio(one, figureOf(figures, 'pg.Pool')),
  }))
}

/** @param {number} callers @param {import('./harness.mjs').Figures[]} figures */
function goalsOf(callers, figures) {
  if (callers > SLOTS) return []
  const [sluice, bare, apart] = ['sluice', 'bare clients', 'connect per query'].map((name) =>
    figureOf(figures, name),
  )
  const overhead = median(sluice.rounds.map((micros, round) => micros - bare.rounds[round])) / 1_000
  const who = `${callers} ${callers === 1 ? 'caller' : 'callers'}`
  return [
    atMost(`${who}: milliseconds a query more than on a bare client`, overhead, 0.2),
    atLeast(`${who}: times as fast as connecting for each query`, ratio(apart, sluice), 10),
  ]
}

/** @param {string | undefined} connectionString @returns {Promise<Path[]>} */
async function openPaths(connectionString) {
  const sluice = new Pool({ connectionString, max: SLOTS })
  const pgPool = new pg.Pool({ connectionString, max: SLOTS })
  const clients = Array.from({ length: SLOTS }, () => new pg.Client({ connectionString }))
  await Promise.all(clients.map((client) => client.connect()))
  const apart = (/** @type {number} */ id) => once(connectionString, TEXT, [id])
  return [
    { name: 'sluice', most: Infinity, query: (id) => sluice.query(TEXT, [id]), end: () => sluice.end() },
    { name: 'pg.Pool', most: Infinity, query: (id) => pgPool.query(TEXT, [id]), end: () => pgPool.end() },
    {
      name: 'bare clients',
      most: SLOTS,
      query: (id, caller) => clients[caller].query(TEXT, [id]),
      end: () => Promise.all(clients.map((client) => client.end())),
    },
    { name: 'connect per query', most: SLOTS, query: apart, end: async () => {} },
  ]
}

/** @param {Path['query']} query @param {number} callers @param {number} cellMillis */
async function microsEach(query, callers, cellMillis) {
  let answered = 0
  const begin = performance.now()
  const until = begin + cellMillis
  const call = async (/** @type {number} */ caller) => {
    while (performance.now() < until) {
      await query((answered * 7_919) % ROWS, caller)
      answered++
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)))
  return (1e3 * (performance.now() - begin)) / answered
}

// Getting a connection -------------------------------------------------------------------------------------------------

/** @param {string | undefined} connectionString @param {import('./harness.mjs').Settings} settings */
async function measureGetting(connectionString, settings) {
  const pools = [
    { name: 'sluice', open: () => new Pool({ connectionString, max: SLOTS }) },
    { name: 'pg.Pool', open: () => new pg.Pool({ connectionString, max: SLOTS }) },
  ]
  const subjects = pools.flatMap(({ name, open }) => [
    { name: `${name} cold`, measure: () => coldMicros(open) },
    { name: `${name} warm`, measure: () => warmMicros(open) },
  ])
  const figures = await compare(subjects, settings)
  const rows = pools.map(({ name }) => {
    const [cold, warm] = ['cold', 'warm'].map((state) => figureOf(figures, `${name} ${state}`))
    return {
      pool: name,
      'cold, µs': cold.median,
      'warm, µs': warm.median,
      'warm is less by, %': 100 * (1 - ratio(warm, cold)),
    }
  })
  const goals = [
    atLeast('getting a connection, warm against cold: percent less', rows[0]['warm is less by, %'], 80),
  ]
  return { section: { title: 'Getting a connection: the first one, and one that is open', rows }, goals }
}

const GETS = 20

/** @param {() => pg.Pool} open */
async function coldMicros(open) {
  let millis = 0
  for (let n = 0; n < GETS; n++) {
    const pool = open()
    const begin = performance.now()
    const client = await pool.connect()
    millis += performance.now() - begin
    client.release()
    await pool.end()
  }
  return (1e3 * millis) / GETS
}

/** @param {() => pg.Pool} open */
async function warmMicros(open) {
  const pool = open()
  let millis = 0
  for (let n = 0; n <= 10 * GETS; n++) {
    const begin = performance.now()
    const client = await pool.connect()
    if (n > 0) millis += performance.now() - begin
    client.release()
  }
  await pool.end()
  return (1e3 * millis) / (10 * GETS)
}
