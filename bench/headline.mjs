/**
 * The headline figures, side by side in one run: connecting for each statement, pg.Pool and Sluice, near and far away. On an
 * embedded Postgres, whose processes it looks into and which it restarts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { drive } from '../dist/cli/load/drive.js'
import { lookup } from '../dist/cli/load/statements.js'
import { Tally } from '../dist/cli/load/tally.js'
import { labels, openWay, wayNames } from '../dist/cli/load/ways.js'
import { openSessionWatch } from '../dist/cli/sessions.js'
import { Pool } from '../dist/index.js'
import { atLeast, atMost, compare, figureOf, median } from './harness.mjs'
import { memory } from './headline-memory.mjs'
import { once, openServer, settled } from './headline-server.mjs'

const MAX = 10
const TENFOLD = 10 * MAX
const WATCH = 'headline-watch'

export const defaults = { rounds: 3, cellMillis: 2_000 }

/**
 * @typedef {import('./harness.mjs').Settings} Settings
 * @typedef {{ section: import('./harness.mjs').Section, goals: import('./harness.mjs').Goal[] }} Part
 * @typedef {import('../dist/cli/load/ways.js').WayName} WayName
 */

/** @param {Settings} settings */
export async function run(settings) {
  const server = await openServer()
  try {
    const url = server.near.url
    /** @type {Part[]} */
    const parts = [
      await gettingConnections(server.far, settings),
      await throughput(url, settings),
      await overhead(url, settings),
      await tenfoldCallers(url, settings),
      await memory(server.near, MAX),
      await recovery(server.near),
    ]
    return {
      name: 'headline',
      sections: parts.map(({ section }) => section),
      goals: parts.flatMap(({ goals }) => goals),
    }
  } finally {
    await server.close()
  }
}

// Getting a connection -------------------------------------------------------------------------------------------------

const GETS = 10

/** @param {Parameters<typeof openWay>[1] extends infer O ? Pick<O, 'url' | 'detour'> : never} far @param {Settings} settings @returns {Promise<Part>} */
async function gettingConnections(far, settings) {
  const ways = wayNames.map((name) => ({
    name: labels[name],
    way: openWay(name, { ...far, max: MAX, applicationName: 'headline' }),
  }))
  const subjects = ways.map(({ name, way }) => ({ name, measure: () => medianGet(way) }))
  try {
    // The pools' first one is their way of connecting, which is not what is asked here.
    await compare(subjects, { ...settings, rounds: 1 })
    const figures = await compare(subjects, settings)
    const [connecting, sluice] = [labels.connect, labels.sluice].map((name) => figureOf(figures, name).median)
    return {
      section: {
        title: 'Getting a connection from a server behind TLS and SCRAM, 25 ms a round trip away',
        rows: figures.map((one) => ({ way: one.name, 'median, ms': one.median })),
      },
      goals: [
        atMost('Getting a connection, where connecting takes about 150 ms: milliseconds', sluice, 5),
        atLeast('Connection overhead: percent less', 100 * (1 - sluice / connecting), 80),
      ],
    }
  } finally {
    for (const { way } of ways) await way.end()
  }
}

/** @param {ReturnType<typeof openWay>} way */
async function medianGet(way) {
  const taken = []
  for (let n = 0; n < GETS; n++) taken.push(await way.get())
  return median(taken)
}

// Throughput -----------------------------------------------------------------------------------------------------------

/**
 * @typedef {object} Cell
 * @property {WayName} name
 * @property {number} callers
 * @property {string} url
 */

/**
 * Rounds of a closed loop, the ways in turns.
 * @param {string} url where sessions are counted
 * @param {readonly Cell[]} cells
 * @param {Settings} settings
 */
async function drivenBy(url, cells, { rounds, cellMillis }) {
  const sessions = await openSessionWatch(url, WATCH)
  const tallies = cells.map(() => new Tally((text) => text))
  const turn = async (/** @type {number} */ n, /** @type {Tally} */ tally, /** @type {number} */ seconds) => {
    const { callers, name, url: own } = cells[n]
    const way = openWay(name, { url: own, detour: undefined, max: MAX, applicationName: `headline-${n}` })
    const stop = sessions.watch(`headline-${n}`)
    const signal = new AbortController().signal
    await drive(way, tally, { callers, statements: [lookup], seconds, signal, onTick: () => {} })
    await stop()
    await way.end()
    await settled(url, WATCH)
  }
  try {
    // For caches and compilers.
    for (const n of cells.keys()) await turn(n, new Tally((text) => text), 0.5)
    for (let round = 0; round < rounds; round++) {
      for (const i of cells.keys()) {
        const n = (round + i) % cells.length
        await turn(n, tallies[n], cellMillis / 1_000)
      }
    }
    return cells.map((cell, n) => ({
      ...cell,
      ...tallies[n].figures(),
      sessions: sessions.most(`headline-${n}`),
    }))
  } finally {
    await sessions.end()
  }
}

/** @param {Awaited<ReturnType<typeof drivenBy>>[number]} cell */
function rowOf(cell) {
  return {
    way: labels[cell.name],
    callers: cell.callers,
    'statements/s': Math.round(cell.perSecond),
    'answered, %': 100 * cell.success,
    'p50, ms': cell.p50,
    'p99, ms': cell.p99,
    'sessions at most': cell.sessions,
    opened: cell.opened,
    'reuse, %': 100 * cell.reuse,
    timeouts: cell.timeouts,
  }
}

/** @param {string} url @param {Settings} settings @returns {Promise<Part>} */
async function throughput(url, settings) {
  const cells = await drivenBy(
    url,
    wayNames.map((name) => ({ name, callers: MAX, url })),
    settings,
  )
  const [connecting, , sluice] = cells
  return {
    section: {
      title: `Connection-heavy work: a lookup at a time, ${MAX} callers, the server near`,
      rows: cells.map(rowOf),
    },
    goals: [
      atLeast('Times as fast as connecting for each statement', sluice.perSecond / connecting.perSecond, 10),
    ],
  }
}

/** @param {string} url @param {Settings} settings @returns {Promise<Part>} */
async function overhead(url, settings) {
  const pool = new Pool({ connectionString: url, max: MAX })
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const cell = Math.min(500, settings.cellMillis)
  const subjects = [
    { name: 'a bare client', measure: () => millisEach(() => client.query(lookup), cell) },
    { name: 'Sluice', measure: () => millisEach(() => pool.query(lookup), cell) },
  ]
  try {
    await compare(subjects, { ...settings, rounds: 1 })
    const figures = await compare(subjects, { ...settings, rounds: 2 * settings.rounds + 1 })
    const [bare, sluice] = figures
    const more = median(sluice.rounds.map((millis, round) => millis - bare.rounds[round]))
    return {
      section: {
        title: 'One caller, one lookup after the other',
        rows: figures.map((one) => ({ way: one.name, 'a lookup, ms': one.median })),
      },
      goals: [atMost('Pool overhead: milliseconds a query', more, 0.2)],
    }
  } finally {
    await client.end()
    await pool.end()
  }
}

/** @param {() => Promise<unknown>} ask @param {number} cellMillis */
async function millisEach(ask, cellMillis) {
  const began = performance.now()
  let count = 0
  for (; performance.now() - began < cellMillis; count++) await ask()
  return (performance.now() - began) / count
}

// Ten times the callers ------------------------------------------------------------------------------------------------

/** @param {string} url @param {Settings} settings @returns {Promise<Part>} */
async function tenfoldCallers(url, settings) {
  await once(url, `CREATE ROLE ten LOGIN PASSWORD 'ten' CONNECTION LIMIT ${MAX}`)
  const limited = new URL(url)
  limited.username = 'ten'
  limited.password = 'ten'
  const cells = await drivenBy(
    url,
    [
      { name: 'connect', callers: MAX, url },
      ...wayNames.map((name) => ({ name, callers: TENFOLD, url: limited.href })),
    ],
    settings,
  )
  const [few, , , sluice] = cells
  return {
    section: {
      title: `${TENFOLD} callers as a role that may have ${MAX} connections`,
      notes: [
        `The first row is for comparison: ${MAX} callers, without the limit. A caller who was refused asks again after 10 ms.`,
      ],
      rows: cells.map(rowOf),
    },
    goals: [
      atLeast(
        `${TENFOLD} callers over at most ${MAX} connections: percent answered`,
        100 * sluice.success,
        100,
      ),
      atMost(
        `their median wait by that of ${MAX} callers who connect for themselves`,
        sluice.p50 / few.p50,
        1,
      ),
      atLeast('Reuse: percent', 100 * sluice.reuse, 95),
      atMost('Acquire timeouts under this load', sluice.timeouts, 0),
    ],
  }
}

// Recovery -------------------------------------------------------------------------------------------------------------

const CALLERS = 20

/** @param {import('../dist/demo/embedded.js').EmbeddedPostgres} server @returns {Promise<Part>} */
async function recovery(server) {
  const pool = new Pool({ connectionString: server.url, max: MAX })
  pool.on('error', () => {})
  try {
    await asked(pool, TENFOLD)
    const cut = `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
    await once(server.url, cut)
    const killed = await asked(pool, TENFOLD)
    const restarted = await duringRestart(pool, server)
    return {
      section: {
        title: 'Recovery, with nobody doing anything about it',
        rows: [
          { what: 'every backend is ended while the pool is idle', ...killed },
          { what: `the server restarts under ${CALLERS} callers; asked once it is back`, ...restarted },
        ],
      },
      goals: [
        atMost('Statements that fail after all backends were ended', killed.failed, 0),
        atMost('Statements that fail once a restarted server is back', restarted.failed, 0),
      ],
    }
  } finally {
    await pool.end()
  }
}

/** @param {Pool} pool @param {number} count */
async function asked(pool, count) {
  const began = performance.now()
  /** @type {number[]} */
  const answers = []
  const answersOf = await Promise.allSettled(
    Array.from({ length: count }, async () => {
      await pool.query(lookup)
      answers.push(performance.now() - began)
    }),
  )
  return {
    asked: count,
    failed: answersOf.filter(({ status }) => status === 'rejected').length,
    'first answer, ms': Math.min(...answers),
    'all answered, ms': performance.now() - began,
  }
}

/** @param {Pool} pool @param {import('../dist/demo/embedded.js').EmbeddedPostgres} server */
async function duringRestart(pool, server) {
  let over = false
  const callers = Array.from({ length: CALLERS }, async () => {
    while (!over) await pool.query(lookup).catch(() => sleep(10))
  })
  await sleep(200)
  await server.restart()
  const after = await asked(pool, TENFOLD)
  over = true
  await Promise.all(callers)
  return after
}
