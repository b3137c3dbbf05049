/** The two pools behind one face, so that one load fits both. */
import { Socket } from 'node:net'
import pg from 'pg'
import type { PoolConfig, QueryOptions } from '../../src/index.ts'
import { Pool } from '../../src/index.ts'
import { Failure, failureOf } from './failure.ts'
import type { PoolKind } from './scenario.ts'

/** What one call asks for besides its statement. pg.Pool knows none of it: it gets what its callers would do themselves. */
export interface Ask {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMillis?: number | undefined
  readonly priority?: 'high' | 'medium' | 'low' | undefined
  readonly agent?: string | undefined
}

export type Query = (text: string, values?: unknown[], ask?: Ask) => Promise<pg.QueryResult>

/** A socket of a pool. */
export interface Made {
  /** As performance.now(). */
  readonly at: number
  /** It carried no more than a request to cancel a statement. */
  cancel: boolean
}

/** A pool under test. Everything rejects with a {@link Failure}. */
export interface Subject {
  readonly kind: PoolKind
  /** Each socket that it has made. */
  readonly sockets: readonly Made[]
  readonly query: Query
  lease<R>(work: (query: Query) => Promise<R>): Promise<R>
  transaction<R>(work: (query: Query) => Promise<R>): Promise<R>
  end(): Promise<void>
}

/** How a subject is made. */
export interface SubjectOptions {
  readonly kind: PoolKind
  /** Undefined where `config` says it all. */
  readonly url: string | undefined
  readonly name: string
  readonly config?: (pg.PoolConfig & PoolConfig) | undefined
  /** Options that only Sluice has. */
  readonly sluice?: PoolConfig | undefined
  /** Where the next connection leads, whatever the connection string says. */
  readonly target: () => { readonly host: string; readonly port: number }
  /**
   * What a caller of pg.Pool does with a statement that it gives up: `leave` lets it run to its end, `destroy` drops its
   * connection, the one way that pg.Pool has to end it.
   */
  readonly givenUp?: 'leave' | 'destroy' | undefined
}

/** The code in place of a protocol version that says so. */
const CANCEL_REQUEST = 80_877_102

export const MAX = 10
const COMMON = { max: MAX, connectionTimeoutMillis: 5_000 }

export function subjectOf(options: SubjectOptions): Subject {
  const sockets: Made[] = []
  const { target } = options
  class Watched extends Socket {
    readonly #made: Made = { at: performance.now(), cancel: false }

    override connect(): this {
      sockets.push(this.#made)
      const { host, port } = target()
      return super.connect(port, host)
    }

    // Not `write`, which connect() puts back to what it was.
    override _write(bytes: unknown, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
      if (Buffer.isBuffer(bytes) && bytes.length === 16 && bytes.readInt32BE(4) === CANCEL_REQUEST)
        this.#made.cancel = true
      super._write(bytes, encoding, done)
    }
  }
  const config = {
    ...COMMON,
    ...(options.url !== undefined && { connectionString: options.url }),
    application_name: options.name,
    stream: () => new Watched(),
    ...options.config,
  }
  return options.kind === 'sluice'
    ? sluice({ ...config, ...options.sluice } as PoolConfig, sockets)
    : pgPool(config as pg.PoolConfig, sockets, options.givenUp ?? 'leave')
}

function sluice(config: PoolConfig, sockets: Made[]): Subject {
  const pool = new Pool(config)
  pool.on('error', () => undefined)
  const optionsOf = ({ signal, timeoutMillis, priority, agent }: Ask = {}): QueryOptions => ({
    signal,
    timeout: timeoutMillis,
    priority,
    agent,
  })
  return {
    kind: 'sluice',
    sockets,
    query: (text, values, ask) => failing(() => pool.query(text, values ?? [], optionsOf(ask))),
    lease: (work) =>
      failing(async () => {
        await using lease = await pool.lease()
        return await work((text, values, ask) => lease.query(text, values ?? [], optionsOf(ask)))
      }),
    transaction: (work) =>
      failing(() => pool.transaction((tx) => work((text, values) => tx.query(text, values ?? [])))),
    end: () => pool.end(),
  }
}

function pgPool(config: pg.PoolConfig, sockets: Made[], givenUp: 'leave' | 'destroy'): Subject {
  const pool = new pg.Pool(config)
  pool.on('error', () => undefined)
  // A client that fails while it is lent tells nobody else, and would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined))
  const connect = (): Promise<pg.PoolClient> =>
    pool.connect().catch((error: unknown) => {
      throw failureOf(error, 'none')
    })
  const lent = async <R>(work: (client: pg.PoolClient) => Promise<R>): Promise<R> => {
    const client = await connect()
    try {
      const result = await work(client)
      client.release()
      return result
    } catch (error) {
      client.release(endsConnection(error))
      throw error
    }
  }
  const query = (text: string, values: unknown[], ask: Ask): Promise<pg.QueryResult> =>
    givingUp(ask, givenUp, connect, (client) => client.query(text, values))
  return {
    kind: 'pg',
    sockets,
    query: (text, values, ask = {}) => failing(() => query(text, values ?? [], ask)),
    lease: (work) => failing(() => lent((client) => work((text, values) => client.query(text, values)))),
    transaction: (work) =>
      failing(() =>
        lent(async (client) => {
          await client.query('BEGIN')
          const result = await work((text, values) => client.query(text, values))
          await client.query('COMMIT')
          return result
        }),
      ),
    end: () => pool.end(),
  }
}

/** pg.Pool's `query()` drops a connection after any error; so does everybody who is careful with a transaction. */
function endsConnection(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

/** What a caller of pg.Pool writes who wants to be able to give a statement up. */
function givingUp(
  { signal, timeoutMillis }: Ask,
  how: 'leave' | 'destroy',
  connect: () => Promise<pg.PoolClient>,
  run: (client: pg.PoolClient) => Promise<pg.QueryResult>,
): Promise<pg.QueryResult> {
  return new Promise((resolve, reject) => {
    let lent: pg.PoolClient | undefined
    let over = false
    const giveUp = (kind: string): void => {
      if (over) return
      over = true
      clearTimeout(timer)
      reject(new Failure(kind, lent === undefined ? 'none' : 'unknown', undefined))
      if (how === 'destroy') lent?.release(true)
    }
    const abort = (): void => giveUp('ABORTED')
    const timer =
      timeoutMillis === undefined ? undefined : setTimeout(() => giveUp('DEADLINE'), timeoutMillis)
    signal?.addEventListener('abort', abort, { once: true })
    const asked = async (): Promise<void> => {
      const client = await connect()
      if (over) return client.release()
      lent = client
      try {
        const result = await run(client)
        if (!over || how === 'leave') client.release()
        resolve(result)
      } catch (error) {
        if (!over || how === 'leave') client.release(endsConnection(error))
        throw error
      }
    }
    asked()
      .catch((error: unknown) => (over ? undefined : reject(error)))
      .finally(() => {
        over = true
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
      })
  })
}

async function failing<R>(work: () => Promise<R>): Promise<R> {
  try {
    return await work()
  } catch (error) {
    throw failureOf(error)
  }
}
