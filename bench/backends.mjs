/** What a connection costs the server in memory, read from /proc: of the embedded server on Linux, where it may be read. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { anyAid, LOOKUP } from './accounts.mjs'

const BACKENDS = 50
const SETTLE_MILLIS = 500
/** In kilobytes, as /proc has them. */
const MEGABYTE = 1_024

/** What each backend does, one after the other, and what it then takes. @type {{ name: string, act: (client: pg.Client) => Promise<unknown> }[]} */
const STEPS = [
  { name: 'has connected', act: async () => {} },
  { name: 'has run a lookup', act: (client) => client.query(LOOKUP, [anyAid()]) },
  { name: 'holds 100 prepared statements', act: prepareMany },
  {
    name: 'has sorted 100,000 rows',
    act: (client) =>
      client.query(
        'SELECT aid FROM (SELECT aid FROM pgbench_accounts WHERE aid <= 100000 ORDER BY filler, aid DESC) AS sorted OFFSET 99999',
      ),
  },
]

/**
 * @param {{ url: string, processId: number | undefined }} server
 * @returns {Promise<import('./harness.mjs').Section | undefined>}
 */
export async function backendRows({ url, processId }) {
  if (processId === undefined || !isReadable(processId)) return undefined
  const clients = /** @type {pg.Client[]} */ ([])
  const rows = []
  try {
    for (let n = 0; n < BACKENDS; n++) {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      clients.push(client)
    }
    for (const { name, act } of STEPS) {
      for (const client of clients) await act(client)
      await sleep(SETTLE_MILLIS)
      const total = totalOf(clients.map((client) => client.processID))
      const each = (/** @type {keyof Memory} */ key) => total[key] / BACKENDS / MEGABYTE
      rows.push({
        'a backend that': name,
        'MB of its own': each('own'),
        'page tables, MB': each('tables'),
        'RSS, MB': each('resident'),
      })
    }
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
  return {
    title: `Memory of a connection, mean of ${BACKENDS}`,
    notes: [
      '“Of its own” is PSS without shared memory: what the machine has less for each connection; page tables come on top. RSS, which top and ps show, counts what all backends share once for each.',
    ],
    rows,
  }
}

async function prepareMany(/** @type {pg.Client} */ client) {
  for (let n = 0; n < 100; n++)
    await client.query({
      name: `s${n}`,
      text: `SELECT abalance + ${n} FROM pgbench_accounts WHERE aid = $1`,
      values: [anyAid()],
    })
}

/** Kilobytes. @typedef {{ own: number, tables: number, resident: number }} Memory */

/** Of all backends together. @param {readonly number[]} ids @returns {Memory} */
function totalOf(ids) {
  const total = { own: 0, tables: 0, resident: 0 }
  for (const id of ids) {
    const one = memoryOf(id)
    total.own += one.own
    total.tables += one.tables
    total.resident += one.resident
  }
  return total
}

/** @param {number} id @returns {Memory} */
function memoryOf(id) {
  const [rollup, status] = ['smaps_rollup', 'status'].map((file) =>
    readFileSync(`/proc/${id}/${file}`, 'utf8'),
  )
  const own = kilobytesOf(rollup, 'Pss') - kilobytesOf(rollup, 'Pss_Shmem')
  return { own, tables: kilobytesOf(status, 'VmPTE'), resident: kilobytesOf(rollup, 'Rss') }
}

/** @param {string} text @param {string} name */
function kilobytesOf(text, name) {
  const [, value] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text) ?? []
  if (value === undefined) throw new Error(`the kernel tells no ${name}`)
  return Number(value)
}

/** @param {number} id */
function isReadable(id) {
  try {
    memoryOf(id)
    return true
  } catch {
    return false
  }
}
