/** Why a connection was closed. Every close has one, and it reaches hooks, statistics and logs. */
export type CloseReason =
  /** idle for longer than the pool keeps idle connections */
  | 'idle'
  /** past its lifetime */
  | 'lifetime'
  /** lent as often as `maxUses` allows */
  | 'max-uses'
  /** more connections than `max`: an overflow slot, or the pool was made smaller */
  | 'above-max'
  /** given up for another pool under the same budget */
  | 'yielded'
  /** older than the last `clear()` */
  | 'cleared'
  /** the pool ends */
  | 'ended'
  /** the caller released it with an error or `true` */
  | 'destroyed'
  /** the server or the network ended it, or so many others that it cannot be trusted */
  | 'lost'
  /** an error on it says that it should not be used again: another role of the server, a plan that no longer fits */
  | 'unfit'
  /** its holder left it doing nothing inside a transaction for too long */
  | 'abandoned'
  /** it did not answer its check */
  | 'check-failed'
  /** given back inside a transaction, a COPY or another state that must not reach the next caller */
  | 'dirty'
  /** given back with a statement still running that did not end in time */
  | 'busy'
  /** a cancelled statement that the server did not give up in time */
  | 'cancel-failed'
  /** it was opened too late: the attempt had passed its deadline or was called off */
  | 'late'

/**
 * What an open failure means: `permanent` will not be mended by trying again (wrong password, refused port), `crowded` is a
 * server that has no place left, and `passing` is anything else.
 */
export type OpenFault = 'permanent' | 'passing' | 'crowded'

/** What {@link Driver.reusable} says of a connection that comes back. */
export type Reusable = true | CloseReason

/**
 * The port to whatever is pooled. The engine puts a deadline on every promise that a driver returns and counts the slot
 * until the promise has settled or `closeTimeoutMillis` has passed.
 */
export interface Driver<T extends object> {
  /** Opens a connection, ready for use. Makes its client in the same turn. Rejects soon after `signal` aborts, leaving nothing behind. */
  open(signal: AbortSignal): Promise<T>
  /** Closes a connection, also a busy one; resolves when the other side has let go. `signal` aborts when it is given up: then it destroys what is left. */
  close(resource: T, signal: AbortSignal): Promise<void>
  /** Resolves when the connection answers, rejects when it does not. */
  check(resource: T, signal: AbortSignal): Promise<void>
  /** Whether a connection that comes back may be lent again, or why not; a promise while it must first come to rest. */
  reusable(resource: T): Reusable | Promise<Reusable>
  /** Stops what the connection is doing; resolves when it is at rest and no late cancellation can hit what comes next. */
  cancel(resource: T, signal: AbortSignal): Promise<void>
  /** What an open failure means for the next open. */
  openFault(error: unknown): OpenFault
}
