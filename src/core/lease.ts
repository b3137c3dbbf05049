import type { Deadline } from '../base/deadlines.ts'
import type { Connection, Leased, Slot, Use } from './slot.ts'

/** What a lease needs of its pool. */
export interface Lender<T> {
  release(lease: Lease<T>, error: unknown): void
  cancel(lease: Lease<T>): void
}

/** What a lease says that is used after its release. */
export const LEASE_OVER = 'This lease is over: its connection may belong to somebody else by now.'

/** What pg-pool says when a client is released twice; people match on it. */
export const RELEASED_TWICE = 'Release called on client which has already been released to the pool.'

/**
 * One loan of a connection, to one caller or shared by many; it is also the slot's state while it lasts. Single-use: once
 * released it can touch neither the connection nor its next owner.
 */
export class Lease<T> implements Leased<T> {
  readonly kind: 'leased' | 'shared'
  readonly limited: boolean
  readonly since: number
  readonly slot: Slot<T>
  readonly connection: Connection<T>
  /** The label that the caller works under; undefined for callers without one. */
  readonly agent: string | undefined
  /** Where it was taken; only with leak detection. */
  origin: Error | undefined = undefined
  /** When it counts as leaked; only with leak detection. */
  leak: Deadline<Lease<T>> | undefined = undefined
  /** Its holder means to keep it: nobody waits for it to come back before the pool ends. */
  longLived = false
  /** When it was reported as leaked. */
  leakedAt: number | undefined = undefined
  /** Why the pool has taken it back from its holder. */
  revoked: Error | undefined = undefined
  readonly #lender: Lender<T>
  #over = false

  constructor(
    lender: Lender<T>,
    slot: Slot<T>,
    connection: Connection<T>,
    since: number,
    agent: string | undefined,
    use: Use,
  ) {
    this.#lender = lender
    this.kind = use === 'shared' ? 'shared' : 'leased'
    this.limited = use === 'limited'
    this.slot = slot
    this.connection = connection
    this.since = since
    this.agent = agent
  }

  /** The connection. @throws once the lease is over */
  get resource(): T {
    if (this.revoked !== undefined) throw this.revoked
    if (this.released) throw new Error(LEASE_OVER)
    return this.connection.resource
  }

  get released(): boolean {
    return this.#over || this.slot.state !== this
  }

  /**
   * Ends the lease for its holder; only for the pool. Returns false when the pool has ended it before: `end()` may close a
   * connection that is not given back in time, and its holder's first release must not be called a second one.
   * @throws when the holder has released it already
   */
  finish(): boolean {
    if (this.#over) throw new Error(RELEASED_TWICE)
    this.#over = true
    return this.slot.state === this
  }

  /**
   * Gives the connection back. With an error, or `true`, it is closed instead of lent again.
   * @throws what pg-pool throws when it is released already
   */
  release(error?: unknown): void {
    this.#lender.release(this, error)
  }

  /** Gives the connection back while its statement still runs: the statement is cancelled, then the connection lent again. @throws as `release` */
  cancel(): void {
    this.#lender.cancel(this)
  }
}
