/** Who holds connections for too long, and which task waits for one while it holds another. Costs a stack trace a lease, so it is off unless asked for. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '../base/clock.ts'
import { Deadlines } from '../base/deadlines.ts'
import type { HookList } from './hooks.ts'
import type { Lease } from './lease.ts'
import type { Settings } from './options.ts'
import type { Tally } from './stats.ts'

/** One acquire as its task sees it: what it asked for, inside what it held already. */
export interface Holding<T> {
  readonly origin: Error
  readonly outer: Holding<T> | undefined
  /** The synchronous turn in which it was asked for. */
  readonly turn: object
  lease: Lease<T> | undefined
  /** The task has stopped waiting without a lease. */
  over: boolean
}

/** What leak detection works with; the pool owns all of it. */
export interface LeaksParts<T> {
  readonly clock: Clock
  readonly settings: Settings
  readonly hooks: HookList<T>
  readonly tally: Tally
}

/** How many frames of a stack at most lead from a caller through Sluice to here. */
const OWN_FRAMES = 12

export class Leaks<T> {
  readonly #parts: LeaksParts<T>
  readonly #deadlines: Deadlines<Lease<T>>
  readonly #tasks = new AsyncLocalStorage<Holding<T> | undefined>()
  #turn: object | undefined
  #stopped = false

  constructor(parts: LeaksParts<T>) {
    this.#parts = parts
    this.#deadlines = new Deadlines(parts.clock, (lease) => this.#leaked(lease))
  }

  #leaked(lease: Lease<T>): void {
    const { clock, hooks, tally } = this.#parts
    lease.leakedAt = clock.now()
    tally.leaked += 1
    tally.leaking += 1
    hooks.emit('leaked', lease, lease.leakedAt - lease.since)
  }

  /** Notes that the running task asks for a connection. */
  ask(): Holding<T> {
    const origin = this.#here()
    const turn = this.#thisTurn()
    let outer = this.#tasks.getStore()
    // What is over must not be kept alive by a task that leases in a loop. What was asked for in this same turn belongs to a
    // task beside this one: nobody holds a lease before an await.
    while (outer !== undefined && (outer.turn === turn || outer.over || outer.lease?.released === true))
      outer = outer.outer
    const holding: Holding<T> = { origin, outer, turn, lease: undefined, over: false }
    if (!this.#stopped) this.#tasks.enterWith(holding)
    return holding
  }

  #here(): Error {
    const origin = new Error('taken here')
    // Ten frames, the usual limit, may all be Sluice's own: a transaction asks from deep inside.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = stackTraceLimit + OWN_FRAMES
    Error.captureStackTrace(origin, this.ask)
    Error.stackTraceLimit = stackTraceLimit
    return origin
  }

  #thisTurn(): object {
    if (this.#turn === undefined) {
      this.#turn = {}
      queueMicrotask(() => {
        this.#turn = undefined
      })
    }
    return this.#turn
  }

  /** Reports it when the task that waits holds a lease already. Returns a hint for the error that it may end with. */
  waits(holding: Holding<T>): string | undefined {
    const held = holding.outer?.lease
    if (held === undefined || held.released) return undefined
    this.#parts.tally.nested += 1
    this.#parts.hooks.emit('nested', held, this.#parts.clock.now() - held.since)
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
    lease.leak = this.#deadlines.add(lease, this.#parts.settings.leakDetectionMillis, this.#parts.clock.now())
  }

  /** The lease comes back after `heldMillis`. */
  unwatch(lease: Lease<T>, heldMillis: number): void {
    if (lease.leak !== undefined) this.#deadlines.remove(lease.leak)
    if (lease.leakedAt === undefined) return
    this.#parts.tally.leaking -= 1
    this.#parts.hooks.emit('unleaked', lease, heldMillis)
  }

  stop(): void {
    this.#deadlines.clear()
    // Node carries every storage in use along every promise, for as long as the process lives.
    this.#stopped = true
    this.#tasks.disable()
  }
}
