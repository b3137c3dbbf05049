/** What can be found out about a database over one ordinary connection. */
import { PgClient, processIdOf } from '../../postgres/driver.ts'
import type { Target } from '../target.ts'
import { withoutName } from '../target.ts'

/** What `sluice check` found. Times in milliseconds. */
export interface Findings {
  readonly server: {
    readonly version: string
    /** True on a server that is in recovery: it can only be read from. */
    readonly replica: boolean
  }
  readonly user: string
  readonly database: string
  readonly endpoint: Endpoint
  readonly limits: {
    readonly maxConnections: number
    /** For roles with pg_use_reserved_connections. Postgres 16 and later, else 0. */
    readonly reserved: number
    readonly superuserReserved: number
    /** `undefined` where there is none. */
    readonly roleLimit: number | undefined
    readonly databaseLimit: number | undefined
    /** Sessions of clients now, over all databases, this one included. */
    readonly sessions: number
  }
  /** Of the server's side of the connection; `undefined` for none. */
  readonly tls: { readonly version: string; readonly cipher: string } | undefined
  readonly latency: {
    /** A new connection: name, TCP, TLS, login. */
    readonly connect: number
    /** The median of `samples` times SELECT 1. */
    readonly statement: number
    readonly slowest: number
    readonly samples: number
  }
  /** 0 is none. */
  readonly timeouts: { readonly statement: number; readonly idleInTransaction: number }
}

/** What answers at the other end, as far as one connection can tell. */
export type Endpoint = 'direct' | 'pooler'

/** The target is PgBouncer's administration console: it talks, but not SQL. */
export class AdminConsole extends Error {
  readonly version: string

  constructor(version: string) {
    super(`This is the administration console of ${version}`)
    this.version = version
  }
}

const samples = 20

const facts = `
  SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS replica, current_user AS "user",
    current_database() AS database, pg_backend_pid() AS pid,
    current_setting('max_connections')::int AS "maxConnections",
    coalesce(current_setting('reserved_connections', true), '0')::int AS reserved,
    current_setting('superuser_reserved_connections')::int AS "superuserReserved",
    (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS "roleLimit",
    (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS "databaseLimit",
    (SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout') AS "statementTimeout",
    (SELECT setting::int FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout') AS "idleTimeout"`

// Of the sessions of others a role without pg_read_all_stats sees who they are but not their kind.
const sessions = `
  SELECT count(*)::int AS sessions FROM pg_stat_activity
  WHERE usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'`

const tls = 'SELECT version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl'

type Row = Record<string, unknown>

/**
 * Connects, asks, and closes the connection again.
 *
 * @throws AdminConsole, and what pg throws
 */
export async function probe(
  target: Target,
  timeoutMillis: number,
  applicationName = 'sluice-check',
): Promise<Findings> {
  const client = openClient(target, timeoutMillis, applicationName)
  const began = performance.now()
  let connect: number | undefined
  try {
    await client.connect()
    connect = performance.now() - began
    const ask = async (text: string): Promise<Row[]> => (await client.query<Row>(text)).rows
    const [found = {}] = await ask(facts)
    const [counted = {}] = await ask(sessions)
    const [secured] = await ask(tls)
    const times = await timeStatements(() => ask('SELECT 1'))
    return findings({ ...found, ...counted }, secured, processIdOf(client), { connect, ...times })
  } catch (error) {
    const version =
      connect === undefined ? undefined : await consoleVersion(target, timeoutMillis, applicationName)
    throw version === undefined ? error : new AdminConsole(version)
  } finally {
    await client.end().catch(() => {})
  }
}

function openClient(
  target: Target,
  timeoutMillis: number,
  applicationName: string,
): InstanceType<typeof PgClient> {
  const client = new PgClient({
    connectionString: withoutName(target.url),
    connectionTimeoutMillis: timeoutMillis,
    query_timeout: timeoutMillis,
    application_name: applicationName,
  })
  // An error between two statements shows in the next one.
  client.on('error', () => {})
  return client
}

/**
 * What PgBouncer's console calls itself, in a row or, in older versions, in a notice; `undefined` for anything else.
 * Over a connection of its own: on what it does not understand the console hangs up.
 */
async function consoleVersion(
  target: Target,
  timeoutMillis: number,
  applicationName: string,
): Promise<string | undefined> {
  const client = openClient(target, timeoutMillis, applicationName)
  const said: unknown[] = []
  client.on('notice', ({ message }) => said.push(message))
  try {
    await client.connect()
    const { rows } = await client.query<Row>('SHOW VERSION')
    said.push(...rows.flatMap((row) => Object.values(row)))
  } catch {
    // Then it is something else, and the first error says what is wrong.
  } finally {
    await client.end().catch(() => {})
  }
  return said.find((text): text is string => typeof text === 'string' && /pgbouncer/i.test(text))
}

async function timeStatements(
  statement: () => Promise<unknown>,
): Promise<Omit<Findings['latency'], 'connect'>> {
  const times: number[] = []
  for (let i = 0; i < samples; i++) {
    const began = performance.now()
    await statement()
    times.push(performance.now() - began)
  }
  times.sort((a, b) => a - b)
  const middle = samples / 2
  return {
    statement: ((times[middle - 1] as number) + (times[middle] as number)) / 2,
    slowest: times.at(-1) as number,
    samples,
  }
}

function findings(
  row: Row,
  secured: Row | undefined,
  greeter: number | undefined,
  latency: Findings['latency'],
): Findings {
  const limit = (value: unknown): number | undefined => (Number(value) < 0 ? undefined : Number(value))
  return {
    server: { version: String(row.version), replica: row.replica === true },
    user: String(row.user),
    database: String(row.database),
    // A pooler greets in its own name and hands the statements to a server process with another number.
    endpoint: greeter === row.pid ? 'direct' : 'pooler',
    limits: {
      maxConnections: Number(row.maxConnections),
      reserved: Number(row.reserved),
      superuserReserved: Number(row.superuserReserved),
      roleLimit: limit(row.roleLimit),
      databaseLimit: limit(row.databaseLimit),
      sessions: Number(row.sessions),
    },
    tls: secured && { version: String(secured.version), cipher: String(secured.cipher) },
    latency,
    timeouts: { statement: Number(row.statementTimeout), idleInTransaction: Number(row.idleTimeout) },
  }
}
