/** The ways to a database that a load test compares, each behind the same few calls and with the same patience. */
import type { Pool as PlainPool } from 'pg'
import { PgClient, PgPool } from '../../postgres/driver.ts'
import { Pool } from '../../postgres/pool.ts'
import type { Detour } from './detour.ts'

export const wayNames = ['connect', 'pg', 'sluice'] as const

/** Which way. */
export type WayName = (typeof wayNames)[number]

/** What each is called on the screen. */
export const labels: Readonly<Record<WayName, string>> = {
  connect: 'connect/query',
  pg: 'pg.Pool',
  sluice: 'Sluice',
}

/** One way, open. */
export interface Way {
  ask(text: string): Promise<unknown>
  /** Gets a connection and gives it back. Resolves with the milliseconds until it was there. */
  get(): Promise<number>
  /** Connections opened so far. */
  opened(): number
  /** Callers turned away because no connection was free in time. */
  timeouts(): number
  /** Begins nothing more. Resolves once no connection is left. */
  end(): Promise<void>
}

/** What a way is opened with. */
export interface WayOptions {
  readonly url: string
  /** Connections at most, of either pool. */
  readonly max: number
  readonly applicationName: string
  readonly detour: Detour | undefined
}

/** How long a caller waits for a connection, whichever way. */
const patienceMillis = 30_000

/** Opens one; connections are made when they are needed. */
export function openWay(name: WayName, options: WayOptions): Way {
  switch (name) {
    case 'connect':
      return connecting(options)
    case 'pg':
      return plainPool(options)
    case 'sluice':
      return sluicePool(options)
  }
}

function configOf({ url, applicationName, detour }: WayOptions) {
  return {
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: patienceMillis,
    ...(detour === undefined ? {} : { stream: detour.stream }),
  }
}

/** A connection for each statement: as many at once as there are callers. */
function connecting(options: WayOptions): Way {
  const config = configOf(options)
  const active = new Set<Promise<unknown>>()
  let opened = 0
  let ended = false
  const withClient = async <R>(work: (client: InstanceType<typeof PgClient>) => Promise<R>): Promise<R> => {
    const client = new PgClient(config)
    client.on('error', () => {})
    try {
      await client.connect()
      opened++
      if (ended) throw new Error('The test is over.')
      return await work(client)
    } finally {
      await client.end().catch(() => {})
    }
  }
  const tracked = async <R>(work: Promise<R>): Promise<R> => {
    active.add(work)
    try {
      return await work
    } finally {
      active.delete(work)
    }
  }
  return {
    ask: (text) => tracked(withClient((client) => client.query(text))),
    get: async () => {
      const began = performance.now()
      return tracked(withClient(async () => performance.now() - began))
    },
    opened: () => opened,
    timeouts: () => 0,
    end: async () => {
      ended = true
      await Promise.allSettled(active)
    },
  }
}

function plainPool(options: WayOptions): Way {
  const pool = new PgPool({ ...configOf(options), max: options.max }) as unknown as PlainPool
  let opened = 0
  let timeouts = 0
  pool.on('connect', () => {
    opened++
  })
  // Its end() resolves before its sockets have closed; the server's goodbye to one of them would end the process.
  pool.on('error', () => {})
  const noted = (error: unknown): never => {
    if (error instanceof Error && error.message.startsWith('timeout exceeded when trying to connect'))
      timeouts++
    throw error
  }
  return {
    ask: (text) => pool.query(text).catch(noted),
    get: () => timeToConnect(pool),
    opened: () => opened,
    timeouts: () => timeouts,
    end: () => pool.end(),
  }
}

/** How long getting a connection takes, in milliseconds. */
async function timeToConnect(pool: { connect(): Promise<{ release(): void }> }): Promise<number> {
  const began = performance.now()
  const client = await pool.connect()
  const millis = performance.now() - began
  client.release()
  return millis
}

function sluicePool(options: WayOptions): Way {
  const { max } = options
  const pool = new Pool({ ...configOf(options), max, acquireTimeoutMillis: patienceMillis })
  pool.on('error', () => {})
  return {
    ask: (text) => pool.query(text),
    get: () => timeToConnect(pool),
    opened: () => pool.stats().opened,
    timeouts: () => pool.stats().timeouts,
    end: () => pool.end({ timeoutMillis: 500 }),
  }
}
