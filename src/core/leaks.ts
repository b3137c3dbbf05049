/** Who holds connections for too long, and which task waits for one while it holds another. Costs a stack trace a lease, so it is off unless asked for. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '../base/clock.ts'
import { Deadlines } from '../base/deadlines.ts'
import type { Lease } from './lease.ts'

/** One acquire as its task sees it: what it asked for, inside what it held already. */
export interface Holding<T> {
  readonly origin: Error
  readonly outer: Holding<T> | undefined
  lease: Lease<T> | undefined
  over: boolean
}

/** What {@link Leaks} reports to. */
export interface LeakReports<T> {
  leaked(lease: Lease<T>): void
  nested(holding: Lease<T>): void
}

export class Leaks<T> {
  readonly #clock: Clock
  readonly #millis: number
  readonly #reports: LeakReports<T>
  readonly #deadlines: Deadlines<Lease<T>>
  readonly #tasks = new AsyncLocalStorage<Holding<T> | undefined>()
  #stopped = false

  constructor(clock: Clock, millis: number, reports: LeakReports<T>) {
    this.#clock = clock
    this.#millis = millis
    this.#reports = reports
    this.#deadlines = new Deadlines(clock, (lease) => this.#reports.leaked(lease))
  }

  /** Notes that the running task asks for a connection. */
  ask(): Holding<T> {
    const origin = new Error('taken here')
    Error.captureStackTrace(origin, this.ask)
    let outer = this.#tasks.getStore()
    // What is over must not be kept alive by a task that leases in a loop.
    while (outer !== undefined && (outer.over || outer.lease?.released === true)) outer = outer.outer
    const holding: Holding<T> = { origin, outer, lease: undefined, over: false }
    if (!this.#stopped) this.#tasks.enterWith(holding)
    return holding
  }

  /** Reports it when the task that waits holds a lease already. Returns a hint for the error that it may end with. */
  waits(holding: Holding<T>): string | undefined {
    const held = holding.outer?.lease
    if (held === undefined || held.released) return undefined
    this.#reports.nested(held)
    return (
      'the caller waits for a second connection while it holds one, which can never end when all do; ' +
      'pass the connection that it has down to where the second one is asked for. It holds the one ' +
      String(held.origin?.stack).replace(/^Error: /, '')
    )
  }

  /** The task has its lease. */
  watch(holding: Holding<T>, lease: Lease<T>): void {
    holding.lease = lease
    lease.origin = holding.origin
    lease.leak = this.#deadlines.add(lease, this.#millis, this.#clock.now())
  }

  /** The task has stopped waiting without a lease. */
  dismiss(holding: Holding<T>): void {
    holding.over = true
  }

  unwatch(lease: Lease<T>): void {
    if (lease.leak !== undefined) this.#deadlines.remove(lease.leak)
  }

  stop(): void {
    this.#deadlines.clear()
    // Node carries every storage in use along every promise, for as long as the process lives.
    this.#stopped = true
    this.#tasks.disable()
  }
}
