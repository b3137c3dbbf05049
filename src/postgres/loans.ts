/** How whole connections are lent: as pg's clients by `connect()`, and as revocable leases. */
import { systemClock } from '../base/clock.ts'
import { readWord } from '../base/options.ts'
import { within } from '../base/within.ts'
import type { Lease } from '../core/lease.ts'
import type { AcquireOptions, RequestOptions } from '../core/options.ts'
import type { Settle } from '../core/waiter.ts'
import type { Assembly } from './assembly.ts'
import type { Call, QueryOptions } from './call.ts'
import { least, readCall } from './call.ts'
import type { ReadConfig } from './config.ts'
import type { Client } from './driver.ts'
import type { LeaseParts } from './lease.ts'
import { PoolLease } from './lease.ts'

/** Options of one `lease()`. */
export interface LeaseOptions extends AcquireOptions {
  /**
   * `'direct'`: a session that is one's own for as long as the lease lasts, for LISTEN, settings, locks, temporary tables and
   * migrations: on the way of `directConnectionString` where that is given. Default: any connection of the pool.
   */
  readonly endpoint?: 'direct' | undefined
}

/** A client that `connect()` lends: pg's, and `await using` gives it back. */
export interface LeasedClient extends Client {
  [Symbol.asyncDispose](): Promise<void>
}

type Leased = (error: unknown, lease?: PoolLease) => void

type CheckedOut = (error: unknown, client: LeasedClient | undefined, done: (error?: unknown) => void) => void

const NOOP = (): void => undefined

const NO_OPTIONS = Object.freeze({})

export class Loans {
  readonly #parts: Assembly
  readonly #config: ReadConfig

  constructor(parts: Assembly, config: ReadConfig) {
    this.#parts = parts
    this.#config = config
  }

  /** A client as pg-pool lends it. */
  client(settle: CheckedOut): void {
    this.#request(NO_OPTIONS, (error, lease) => {
      if (lease === undefined) return settle(error, undefined, NOOP)
      const client = dressed(lease)
      settle(undefined, client, client.release as (error?: unknown) => void)
    })
  }

  /** A lease for whoever asks. @throws SLUICE_BAD_OPTION, SLUICE_UNSUPPORTED_ON_ENDPOINT */
  lease(options: LeaseOptions, settle: Leased): void {
    const { endpoint, ...acquire } = options
    if (readWord({ ...options }, 'endpoint', ['direct']) === undefined)
      return this.#lend(acquire, false, settle)
    const isDirect = this.#config.directConnectionString !== undefined
    this.#parts.listening
      .acquire(`lease({ endpoint: '${endpoint}' })`, acquire)
      .then((lease) => settle(undefined, new PoolLease(lease, this.#leaseParts(isDirect, false))), settle)
  }

  /** A lease for the pool's own work, which sets the session's limits itself. */
  own(options: RequestOptions, settle: Leased): void {
    this.#lend(options, true, settle)
  }

  #lend(options: RequestOptions, isOwn: boolean, settle: Leased): void {
    this.#request(options, (error, lease) => {
      if (lease === undefined) settle(error)
      else settle(undefined, new PoolLease(lease, this.#leaseParts(false, isOwn)))
    })
  }

  /** Asks for a connection, where the circuit breaker lets the caller. */
  #request(options: RequestOptions, settle: Settle<Client>): void {
    const { checkout, gate } = this.#parts
    if (gate === undefined) return checkout.request(options, settle)
    gate.pass<Lease<Client>>(
      (done) => checkout.request(options, done),
      (error, lease) => settle(error, lease),
    )
  }

  /** Of a lease for whoever asks: a limit that the server does not keep is kept here. */
  #leaseParts(isDirect: boolean, isOwn: boolean): LeaseParts {
    const { knowledge, sessions, statements } = this.#parts
    return {
      knowledge: isDirect ? undefined : knowledge,
      run: (start, bounds, ends) => statements.run(start, bounds, ends),
      read: (options: QueryOptions): Call => {
        const call = readCall(options, this.#config)
        const { statementMillis } = knowledge
        if (isDirect || isOwn || statementMillis === undefined) return call
        return { ...call, statementMillis: least(call.statementMillis, statementMillis) }
      },
      operations: this.#parts.operations,
      cancel: (client) => {
        const { cancelTimeoutMillis } = this.#config.settings
        return within(systemClock, cancelTimeoutMillis, (signal) => sessions.cancel(client, signal))
      },
    }
  }
}

/** Gives a client what its holder needs to give it back. */
function dressed(lease: Lease<Client>): LeasedClient {
  const client = lease.resource as LeasedClient
  client.release = (error?: unknown): void => lease.release(error)
  client[Symbol.asyncDispose] = () => {
    if (!lease.released) lease.release()
    return Promise.resolve()
  }
  return client
}
