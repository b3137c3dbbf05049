/** Clients as the pool makes them, and connections beside the pool's own: for a question to whoever is at the other end. */
import { AsyncResource } from 'node:async_hooks'
import type { Client, ClientClass, ClientConfig } from './driver.ts'
import { destroy, hasWire, keepProcess } from './driver.ts'
import { leadTo } from './startup.ts'

/** From so long without traffic on the kernel asks the other side. */
const KEEP_ALIVE_MILLIS = 10_000

/** The pool keeps the deadline of an open; a second timer in the client would answer first and with less to say. */
export function clientOptions(options: ClientConfig): ClientConfig {
  const copy = { ...options, ...keepAlive(options), connectionTimeoutMillis: 0 }
  const password = Object.getOwnPropertyDescriptor(options, 'password')
  if (password !== undefined) Object.defineProperty(copy, 'password', password)
  return copy
}

/** A peer that is gone should be noticed while the connection is idle, and a firewall not forget it. A socket of the caller's own making may not have it. */
function keepAlive({ keepAlive, keepAliveInitialDelayMillis, stream }: ClientConfig): ClientConfig {
  if (keepAlive !== undefined || stream !== undefined) return {}
  return {
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveInitialDelayMillis ?? KEEP_ALIVE_MILLIS,
  }
}

/** What {@link connectBeside} makes its client of. */
export interface BesideSource {
  readonly Client: ClientClass
  readonly options: ClientConfig
  /** Where it leads to; default the pool's own database. */
  readonly database: string | undefined
  readonly before: (client: Client) => void
  /** Cuts the connection, whatever it is doing. */
  readonly signal: AbortSignal
}

/** Connects without a place in the pool and without its hooks. It never keeps the process up. @throws what the other end says */
export async function connectBeside({
  Client,
  options,
  database,
  before,
  signal,
}: BesideSource): Promise<Client> {
  signal.throwIfAborted()
  const client = new AsyncResource('SluiceBeside').runInAsyncScope(
    () => new Client(clientOptions(options)) as Client,
  )
  before(client)
  if (database !== undefined) leadTo(client, database)
  // Whoever waits for an answer hears of it.
  client.on('error', () => undefined)
  signal.addEventListener('abort', () => destroy(client), { once: true })
  try {
    await new Promise<void>((resolve, reject) => {
      client.connect((error: Error | null | undefined) => (error ? reject(error) : resolve()))
      keepProcess(client, false)
    })
    return client
  } catch (error) {
    destroy(client)
    throw error
  }
}

/** Says goodbye to one. Never fails. */
export async function closeBeside(client: Client): Promise<void> {
  if (!hasWire(client)) return
  await new Promise<void>((resolve) => {
    client.end(() => resolve())
  })
}
