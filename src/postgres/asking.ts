/** Asks a pooler what it is: at PgBouncer's console where the role may, else by watching which sessions two connections get. */

import type { PoolMode } from '../profiles/endpoint.ts'
import type { Client } from './driver.ts'
import { processIdOf } from './driver.ts'
import { isConsoleRefusal } from './pooler.ts'

/** What asking has brought. */
export type Answer =
  /** no pooler: the session is the one that the server named */
  | { readonly is: 'direct' }
  | {
      readonly is: 'pooler'
      readonly pooler: 'pgbouncer' | 'unknown'
      readonly version: string | undefined
      /** Undefined where nobody would say. */
      readonly mode: PoolMode | undefined
      /** Whether named statements find their way to whatever session is lent. */
      readonly preparedStatements: boolean
      /** How the mode is known, in a clause. */
      readonly evidence: string
    }

/** What asking works with. */
export interface AskingParts {
  /** Opens a connection beside the pool's, to the pool's database or another. */
  open(database: string | undefined): Promise<Client>
  /** Closes one; never fails. */
  close(client: Client): Promise<void>
}

/** The session that a statement runs in. */
export const ASK_SESSION = { text: 'SELECT pg_catalog.pg_backend_pid()', rowMode: 'array' } as const

/** The session that a connection has got for one statement. @throws what the server says */
async function sessionOf(client: Client): Promise<number> {
  const { rows } = await client.query<unknown[]>(ASK_SESSION)
  return Number(rows[0]?.[0])
}

/** Asks. @throws when neither console nor database lets anybody in */
export async function askPooler(parts: AskingParts): Promise<Answer> {
  const atConsole = await askConsole(parts)
  if (atConsole?.mode !== undefined) return atConsole
  return askSessions(parts, atConsole?.pooler ?? 'unknown')
}

interface PoolRow {
  readonly database?: string
  readonly user?: string
  readonly pool_mode?: string | null
}

interface ConfigRow {
  readonly key?: string
  readonly value?: string | null
}

type Console = Extract<Answer, { is: 'pooler' }>

/** PgBouncer's console is a database of this name, for its `admin_users` and `stats_users`. */
async function askConsole(parts: AskingParts): Promise<Console | undefined> {
  let client: Client
  try {
    client = await parts.open('pgbouncer')
  } catch (error) {
    if (!isConsoleRefusal(error)) return undefined
    return pgbouncer(undefined, undefined, false, 'its console is not for this role')
  }
  try {
    const { rows: versions } = await client.query<{ version?: string }>('SHOW VERSION')
    const said = /^PgBouncer (\S+)/i.exec(versions[0]?.version ?? '')
    if (said === null) return undefined
    const { rows: config } = await client.query<ConfigRow>('SHOW CONFIG')
    const { rows: pools } = await client.query<PoolRow>('SHOW POOLS')
    const setting = (key: string) => config.find((row) => row.key === key)?.value ?? undefined
    const mode = modeFor(client, pools) ?? setting('pool_mode')
    const prepares = Number(setting('max_prepared_statements') ?? 0) > 0
    return pgbouncer(said[1], isMode(mode) ? mode : undefined, prepares, 'its console says so')
  } catch {
    // A database that is called so, and is none of PgBouncer's.
    return undefined
  } finally {
    await parts.close(client)
  }
}

/** What PgBouncer has settled on for this user and database, which may each have a mode of their own. */
function modeFor(client: Client, pools: readonly PoolRow[]): string | undefined {
  const { user, database } = client as { user?: string; database?: string }
  const own = pools.filter((row) => row.database === database)
  const row = own.find((one) => one.user === user) ?? (own.length === 1 ? own[0] : undefined)
  return row?.pool_mode ?? undefined
}

function isMode(mode: string | undefined): mode is PoolMode {
  return mode === 'session' || mode === 'transaction' || mode === 'statement'
}

function pgbouncer(
  version: string | undefined,
  mode: PoolMode | undefined,
  preparedStatements: boolean,
  evidence: string,
): Console {
  return { is: 'pooler', pooler: 'pgbouncer', version, mode, preparedStatements, evidence }
}

/** How often two connections are compared: others may be lent sessions in between. */
const ROUNDS = 5

/**
 * Two connections that get the same session one after the other share it, as does one that gets another one than before: transaction
 * or statement mode, which BEGIN tells apart. Where neither happens they may be lent a session each, or some of many: then nothing is known.
 */
async function askSessions(parts: AskingParts, pooler: 'pgbouncer' | 'unknown'): Promise<Answer> {
  const first = await parts.open(undefined)
  try {
    const one = await sessionOf(first)
    if (one === processIdOf(first)) return { is: 'direct' }
    const known = { is: 'pooler', pooler, version: undefined, preparedStatements: false } as const
    const second = await parts.open(undefined)
    try {
      if (!(await areShared(first, second, one)))
        return { ...known, mode: undefined, evidence: 'nobody says for how long it lends sessions' }
      const evidence = 'its connections are not lent one session each'
      return { ...known, mode: await modeOf(second), evidence }
    } finally {
      await parts.close(second)
    }
  } finally {
    await parts.close(first)
  }
}

async function areShared(first: Client, second: Client, one: number): Promise<boolean> {
  const two = await sessionOf(second)
  if (two === one) return true
  for (let round = 1; round < ROUNDS; round++)
    if ((await sessionOf(first)) !== one || (await sessionOf(second)) !== two) return true
  return false
}

async function modeOf(client: Client): Promise<PoolMode> {
  try {
    await client.query('BEGIN')
    await client.query('ROLLBACK')
    return 'transaction'
  } catch {
    // PgBouncer refuses transactions in statement mode, and hangs up.
    return 'statement'
  }
}
