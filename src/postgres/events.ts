/** What the engine tells, as the events and log lines of a Postgres pool. */
import type { EventEmitter } from 'node:events'
import type { CloseReason } from '../core/driver.ts'
import type { Hooks } from '../core/hooks.ts'
import type { Lease } from '../core/lease.ts'
import type { Client } from './driver.ts'
import { keepProcess, processIdOf } from './driver.ts'

/** What the events `leak`, `unleak` and `nested` tell. */
export interface LeakReport {
  readonly processId: number | undefined
  readonly agent: string | undefined
  readonly heldMillis: number
  /** How long no statement has run on it, to the second: a lease held over a wait for something else than the database. */
  readonly restingMillis: number
  /** Where the connection was taken. */
  readonly stack: string | undefined
}

/** What pg-pool logs when it closes a connection; people look for these lines. */
const CLOSE_LOG: Partial<Record<CloseReason, string>> = {
  'max-uses': 'remove expended client',
  idle: 'remove idle client',
  lifetime: 'remove expired client',
}

/**
 * Hooks that emit pg-pool's events (`connect`, `acquire`, `release`, `remove`) and Sluice's (`leak`, `unleak`, `nested`).
 * @param mayExit whether idle connections let the process end
 * @param restingMillis how long no statement has run on a lent connection
 */
export function eventHooks(
  pool: EventEmitter & { log: (...messages: unknown[]) => void },
  mayExit: boolean,
  restingMillis: (client: Client) => number,
): Hooks<Client> {
  const hold = (client: Client, on: boolean) => {
    if (mayExit) keepProcess(client, on)
  }
  const report = reportWith(restingMillis)
  return {
    opened: (client) => {
      pool.log('new client connected')
      hold(client, false)
      pool.emit('connect', client)
    },
    openFailed: (error) => pool.log('client failed to connect', error),
    acquired: ({ connection }) => {
      hold(connection.resource, true)
      pool.emit('acquire', connection.resource)
    },
    released: ({ connection }, error) => {
      hold(connection.resource, false)
      pool.emit('release', error, connection.resource)
    },
    closing: (_, reason) => pool.log(CLOSE_LOG[reason] ?? `remove client: ${reason}`),
    closed: (client) => pool.emit('remove', client),
    leaked: (lease, heldMillis) => pool.emit('leak', report(lease, heldMillis)),
    unleaked: (lease, heldMillis) => pool.emit('unleak', report(lease, heldMillis)),
    nested: (lease, heldMillis) => pool.emit('nested', report(lease, heldMillis)),
  }
}

function reportWith(restingMillis: (client: Client) => number) {
  return (lease: Lease<Client>, heldMillis: number): LeakReport =>
    Object.freeze({
      processId: processIdOf(lease.connection.resource),
      agent: lease.agent,
      heldMillis: Math.round(heldMillis),
      restingMillis: Math.round(Math.min(heldMillis, restingMillis(lease.connection.resource))),
      stack: lease.origin?.stack,
    })
}
