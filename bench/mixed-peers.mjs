/** The pools of the mixed bench, and ten clients that pipeline in turn. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import postgres from 'postgres'
import { Pool } from '../dist/index.js'
import { withClient } from './accounts.mjs'

export const MAX = 10
const END_MILLIS = 5_000
const NAME = `sluice mixed bench ${process.pid}`

/**
 * @typedef {(text: string, values?: unknown[]) => PromiseLike<unknown>} Query
 *
 * @typedef {object} Path
 * @property {string} name
 * @property {(url: string) => Promise<{ query: Query, end: () => Promise<unknown> }>} open
 */

/** @type {Path[]} */
export const PATHS = [
  { name: 'sluice', open: async (url) => opened(new Pool(configOf(url))) },
  { name: 'pg.Pool', open: async (url) => opened(new pg.Pool(configOf(url))) },
  {
    name: 'postgres.js',
    open: async (url) => {
      const sql = postgres(url, { max: MAX, connection: { application_name: NAME } })
      // What a tagged template does, too: it prepares the statement once a connection.
      const query = (/** @type {string} */ text, /** @type {any[]} */ values = []) =>
        sql.unsafe(text, values, { prepare: true })
      return { query, end: () => sql.end() }
    },
  },
  {
    name: 'naive pipelining',
    open: async (url) => {
      const clients = Array.from({ length: MAX }, () => new pg.Client({ ...configOf(url), pipeline: true }))
      for (const client of clients) client.on('error', () => {})
      await Promise.all(clients.map((client) => client.connect()))
      let turn = 0
      return {
        query: (text, values) => clients[turn++ % MAX].query(text, values),
        end: () => Promise.all(clients.map((client) => client.end())),
      }
    },
  },
]

function configOf(/** @type {string} */ url) {
  return { connectionString: url, max: MAX, application_name: NAME }
}

function opened(/** @type {pg.Pool} */ pool) {
  pool.on('error', () => {})
  /** @type {Query} */
  const query = (text, values) => pool.query(text, values)
  return { query, end: () => pool.end() }
}

/** A pool with a long queue would hold up the next cell: its connections are cut. @param {string} url @param {() => Promise<unknown>} end */
export async function endOrCut(url, end) {
  const ended = end().then(
    () => true,
    () => true,
  )
  const late = new AbortController()
  const inTime = await Promise.race([
    ended,
    sleep(END_MILLIS, false, { signal: late.signal }).catch(() => false),
  ])
  late.abort()
  if (inTime) return
  await withClient(url, (client) =>
    client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      NAME,
    ]),
  )
}
