/** pgbench's tables at scale 10, on DATABASE_URL, else on the embedded Postgres. */
import pg from 'pg'
import { startPostgres } from '../dist/demo/embedded.js'

export const ACCOUNTS = 1_000_000
const BRANCHES = 10

export const LOOKUP = 'SELECT abalance FROM pgbench_accounts WHERE aid = $1'

/** A random account. */
export function anyAid() {
  return 1 + Math.floor(Math.random() * ACCOUNTS)
}

/**
 * Tables that are there already, pgbench's own say, are used as they are and stay.
 * @returns {Promise<{ url: string, version: string, processId: number | undefined, close: () => Promise<void> }>}
 */
export async function openAccounts() {
  const server = process.env.DATABASE_URL === undefined ? await startPostgres() : undefined
  const url = server?.url ?? /** @type {string} */ (process.env.DATABASE_URL)
  let drop = ''
  try {
    const version = await withClient(url, async (client) => {
      const { rows } = await client.query(`SELECT to_regclass('pgbench_accounts') AS there`)
      if (rows[0].there === null) {
        drop = 'DROP TABLE IF EXISTS pgbench_accounts, pgbench_branches'
        await fill(client)
      }
      await requireAccounts(client)
      return (await client.query('SHOW server_version')).rows[0].server_version
    })
    const close = async () => {
      if (server === undefined && drop !== '') await withClient(url, (client) => client.query(drop))
      await server?.stop()
    }
    return { url, version, processId: server?.processId, close }
  } catch (error) {
    await server?.stop()
    throw error
  }
}

/** @template R @param {string} url @param {(client: pg.Client) => Promise<R>} act */
export async function withClient(url, act) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await act(client)
  } finally {
    await client.end()
  }
}

async function fill(/** @type {pg.Client} */ client) {
  await client.query(
    `CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88)) WITH (fillfactor = 100)`,
  )
  await client.query(
    `CREATE TABLE pgbench_accounts (aid int NOT NULL, bid int, abalance int, filler char(84)) WITH (fillfactor = 100)`,
  )
  await client.query(
    `INSERT INTO pgbench_branches SELECT bid, 0, '' FROM generate_series(1, ${BRANCHES}) AS bid`,
  )
  const bid = `1 + (aid - 1) / ${ACCOUNTS / BRANCHES}`
  await client.query(
    `INSERT INTO pgbench_accounts SELECT aid, ${bid}, 0, '' FROM generate_series(1, ${ACCOUNTS}) AS aid`,
  )
  await client.query('ALTER TABLE pgbench_accounts ADD PRIMARY KEY (aid)')
  await client.query('VACUUM ANALYZE pgbench_branches')
  await client.query('VACUUM ANALYZE pgbench_accounts')
  // The first checkpoint after the filling would otherwise fall into some cell and slow it alone.
  await client.query('CHECKPOINT').catch(() => {})
}

async function requireAccounts(/** @type {pg.Client} */ client) {
  const { rows } = await client.query('SELECT max(aid) AS most FROM pgbench_accounts')
  if (!(rows[0].most >= ACCOUNTS))
    throw new Error(`pgbench_accounts holds fewer than ${ACCOUNTS} accounts: fill it with pgbench -i -s 10`)
}
