import type { SluiceError } from '../base/errors.ts'
import type { CloseReason } from './driver.ts'
import type { Lease } from './lease.ts'
import type { Operation, OperationEnd } from './operation.ts'

/**
 * What a pool tells whoever attaches: facts, after they happened. A hook returns nothing and may not veto; what it throws
 * becomes an uncaught exception of its own turn and never reaches the pool.
 */
export interface Hooks<T> {
  /** A connection is open; `millis` is what the whole open took. */
  opened?(resource: T, millis: number): void
  openFailed?(error: unknown, millis: number): void
  acquired?(lease: Lease<T>, waitedMillis: number): void
  /** `error` is what the caller released with. */
  released?(lease: Lease<T>, error: unknown, heldMillis: number): void
  /** A connection begins to close. */
  closing?(resource: T, reason: CloseReason): void
  /** The other side has let go of a connection. */
  closed?(resource: T, reason: CloseReason): void
  /** A close was given up: the connection may still live at the server. */
  lost?(resource: T, reason: CloseReason): void
  /** A waiter left without a lease: timeout, full queue, abort, ended pool. */
  rejected?(error: SluiceError, waitedMillis: number): void
  /** A lease is out for longer than `leakDetectionMillis`. */
  leaked?(lease: Lease<T>, heldMillis: number): void
  /** A lease that was reported as leaked has come back. */
  unleaked?(lease: Lease<T>, heldMillis: number): void
  /** A task that holds a lease waits for another on a full pool; `holding` is the lease it has. */
  nested?(holding: Lease<T>, heldMillis: number): void
  /** Somebody asks for work on the pool's connections, in that caller's turn; waiting for a connection is part of it. */
  asked?(operation: Operation): void
  /** The same object comes back when the caller is told how it ended. */
  answered?(operation: Operation, end: OperationEnd): void
  /** A second has passed while the pool has connections. */
  beat?(now: number): void
  /** The pool has closed its last connection after `end()`. */
  ended?(): void
}

type Arguments<T, K extends keyof Hooks<T>> = Parameters<NonNullable<Hooks<T>[K]>>

/** Everybody who has attached to one pool. */
export class HookList<T> {
  #attached: readonly Hooks<T>[] = []
  #hearers: readonly Hooks<T>[] = []

  /** Returns the way to detach; once is enough. Who attaches twice is told twice, and detaches each by itself. */
  attach(hooks: Hooks<T>): () => void {
    let isAttached = true
    this.#set([...this.#attached, hooks])
    return () => {
      if (!isAttached) return
      isAttached = false
      const place = this.#attached.indexOf(hooks)
      this.#set(this.#attached.filter((_, other) => other !== place))
    }
  }

  #set(attached: readonly Hooks<T>[]): void {
    this.#attached = attached
    this.#hearers = attached.filter((hooks) => hooks.asked ?? hooks.answered)
  }

  /** Those who want to hear of single operations: see operations.ts. */
  get hearers(): readonly Hooks<T>[] {
    return this.#hearers
  }

  emit<K extends keyof Hooks<T>>(name: K, ...facts: Arguments<T, K>): void {
    if (this.#attached.length === 0) return
    for (const hooks of this.#attached) {
      try {
        ;(hooks[name] as ((...facts: Arguments<T, K>) => void) | undefined)?.apply(hooks, facts)
      } catch (error) {
        this.failed(error)
      }
    }
  }

  /** What a hook throws is an error of its own turn. */
  failed(error: unknown): void {
    queueMicrotask(() => {
      throw error
    })
  }
}
