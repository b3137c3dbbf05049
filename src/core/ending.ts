/** How a pool comes to rest and to its end: whom it still serves, what it calls off, and what it closes by force when time is up. */
import type { Clock, Timer } from '../base/clock.ts'
import type { Callers } from './callers.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Slots } from './slot.ts'

/** How a pool is to end. */
export interface EndOptions {
  /** How long leases may take to come back before their connections are closed. Milliseconds, 0 or more; default `endTimeoutMillis`. */
  readonly timeoutMillis?: number | undefined
}

/** What ending works with; the pool owns all of it. */
export interface EndingParts<T extends object> {
  readonly clock: Clock
  readonly slots: Slots<T>
  readonly callers: Callers<T>
  readonly lifecycle: Lifecycle<T>
  /** Slots have changed. */
  changed(now: number): void
}

export class Ending<T extends object> {
  readonly #parts: EndingParts<T>
  #atRest: (() => void)[] = []
  #promise: Promise<void> | undefined
  #finish: (() => void) | undefined
  #force: Timer | undefined
  #forceAt = Number.POSITIVE_INFINITY

  constructor(parts: EndingParts<T>) {
    this.#parts = parts
  }

  /** Settled when the pool has ended; undefined before `begin`. */
  get promise(): Promise<void> | undefined {
    return this.#promise
  }

  /** Resolves with true once nobody waits and nothing is lent but what is meant to be kept, with false after `millis`. */
  rest(millis: number): Promise<boolean> {
    const { clock } = this.#parts
    return new Promise((resolve) => {
      const rested = () => {
        clock.clearTimeout(timer)
        resolve(true)
      }
      const timer = clock.setTimeout(() => {
        this.#atRest = this.#atRest.filter((other) => other !== rested)
        resolve(false)
      }, millis)
      this.#atRest.push(rested)
    })
  }

  /** Begins the end. Callers with a connection on its way, or with room for one, are served; the others are turned away. */
  begin(room: number): Promise<void> {
    const { callers, slots } = this.#parts
    this.#promise = new Promise((resolve) => {
      this.#finish = resolve
    })
    const { checking, idle, opening } = slots.counts
    callers.endAllBut(idle + opening + checking + Math.max(0, room))
    this.callOffOpens(slots.counts.opening + slots.counts.checking - callers.size)
    return this.#promise
  }

  /** Cuts off in `millis` what is under way then, or earlier where that was said before. */
  cutOffIn(millis: number): void {
    const { clock } = this.#parts
    const at = clock.now() + millis
    if (at >= this.#forceAt) return
    if (this.#force !== undefined) clock.clearTimeout(this.#force)
    this.#forceAt = at
    this.#force = clock.setTimeout(() => this.#cutOff(), millis)
  }

  /** Calls opens off, as many as that. */
  callOffOpens(most: number): void {
    const { lifecycle, slots } = this.#parts
    const opening = [...slots].filter(({ state }) => state.kind === 'opening')
    for (const slot of opening.slice(0, Math.max(0, most))) lifecycle.callOff(slot)
  }

  /** Also what comes to rest by itself: a statement nobody waits for may take its time only until then. */
  #cutOff(): void {
    const { callers, changed, clock, lifecycle, slots } = this.#parts
    const now = clock.now()
    callers.endAllBut(0)
    this.callOffOpens(slots.counts.opening)
    for (const slot of [...slots]) {
      const { state } = slot
      if (state.kind !== 'opening' && state.kind !== 'idle' && state.kind !== 'closing')
        lifecycle.close(slot, state.connection, 'ended', now)
    }
    changed(now)
  }

  /** Looks whether the pool is at rest, and tells those who wait for that. Returns true when it has ended. */
  notice(): boolean {
    if (this.#atRest.length === 0 && this.#promise === undefined) return false
    const { callers, slots } = this.#parts
    const { leased, shared, cancelling, checking } = slots.counts
    if (callers.size > 0 || shared + cancelling + checking > 0) return false
    if (leased > 0 && leased > this.#longLived) return false
    const atRest = this.#atRest
    this.#atRest = []
    for (const tell of atRest) tell()
    return this.#promise !== undefined && slots.total === 0
  }

  get #longLived(): number {
    let count = 0
    for (const { state } of this.#parts.slots) if (state.kind === 'leased' && state.longLived) count += 1
    return count
  }

  /** The pool has ended. */
  finish(): void {
    if (this.#force !== undefined) this.#parts.clock.clearTimeout(this.#force)
    this.#finish?.()
  }
}
