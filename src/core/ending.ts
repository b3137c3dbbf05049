/** How a pool comes to rest and to its end: whom it still serves, what it calls off, and what it closes by force when time is up. */
import type { Clock } from '../base/clock.ts'
import type { Callers } from './callers.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Settings } from './options.ts'
import type { Slots } from './slot.ts'

/** What ending works with; the pool owns all of it. */
export interface EndingParts<T extends object> {
  readonly clock: Clock
  readonly settings: Settings
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

  constructor(parts: EndingParts<T>) {
    this.#parts = parts
  }

  /** Settled when the pool has ended; undefined before `begin`. */
  get promise(): Promise<void> | undefined {
    return this.#promise
  }

  /** Resolves with true once nobody waits and nothing is lent, with false after `millis`. */
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
    const { callers, clock, settings, slots } = this.#parts
    const timer = clock.setTimeout(() => this.#force(), settings.endTimeoutMillis)
    this.#promise = new Promise((resolve) => {
      this.#finish = () => {
        clock.clearTimeout(timer)
        resolve()
      }
    })
    const { checking, idle, opening } = slots.counts
    callers.endAllBut(idle + opening + checking + Math.max(0, room))
    this.callOffOpens(slots.counts.opening + slots.counts.checking - callers.size)
    return this.#promise
  }

  /** Calls opens off, as many as that. */
  callOffOpens(most: number): void {
    const { lifecycle, slots } = this.#parts
    const opening = [...slots].filter(({ state }) => state.kind === 'opening')
    for (const slot of opening.slice(0, Math.max(0, most))) lifecycle.callOff(slot)
  }

  #force(): void {
    const { callers, changed, clock, lifecycle, slots } = this.#parts
    const now = clock.now()
    callers.endAllBut(0)
    this.callOffOpens(slots.counts.opening)
    for (const slot of [...slots]) {
      if (slot.state.kind === 'leased' || slot.state.kind === 'shared')
        lifecycle.close(slot, slot.state.connection, 'ended', now)
    }
    changed(now)
  }

  /** Looks whether the pool is at rest, and tells those who wait for that. Returns true when it has ended. */
  notice(): boolean {
    if (this.#atRest.length === 0 && this.#promise === undefined) return false
    const { callers, slots } = this.#parts
    const { leased, shared, cancelling, checking } = slots.counts
    if (callers.size > 0 || leased + shared + cancelling + checking > 0) return false
    const atRest = this.#atRest
    this.#atRest = []
    for (const tell of atRest) tell()
    return this.#promise !== undefined && slots.total === 0
  }

  /** The pool has ended. */
  finish(): void {
    this.#finish?.()
  }
}
