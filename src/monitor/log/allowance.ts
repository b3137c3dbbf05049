/** How many lines of one kind are written: the first ones, and then one a window that says how many were left out. */
import { Alarm } from '../../base/alarm.ts'
import type { Clock } from '../../base/clock.ts'

/** What an {@link Allowance} works with. */
export interface AllowanceParts {
  readonly clock: Clock
  /** Lines that a window begins with. */
  readonly first: number
  readonly windowMillis: number
}

/** The lines of one kind. A window begins with the first line after the last window, or with what was left out of it. */
export class Allowance {
  readonly #parts: AllowanceParts
  readonly #summarise: (leftOut: number) => void
  readonly #alarm: Alarm
  #endsAt = Number.NEGATIVE_INFINITY
  #left = 0
  #leftOut = 0

  /** @param summarise writes that lines were left out */
  constructor(parts: AllowanceParts, summarise: (leftOut: number) => void) {
    this.#parts = parts
    this.#summarise = summarise
    this.#alarm = new Alarm(parts.clock, () => this.#turn(), false)
  }

  /** Whether the line that there is now may be written; else it is counted. */
  take(): boolean {
    const { clock, first, windowMillis } = this.#parts
    const now = clock.now()
    if (now >= this.#endsAt) {
      // The process stood still over the alarm.
      this.flush()
      this.#endsAt = now + windowMillis
      this.#left = first
    }
    if (this.#left > 0) {
      this.#left -= 1
      return true
    }
    this.#leftOut += 1
    this.#alarm.by(this.#endsAt, now)
    return false
  }

  /** A window is over that has left something out: while it goes on, the next one has no lines but its last. */
  #turn(): void {
    this.flush()
    this.#endsAt = this.#parts.clock.now() + this.#parts.windowMillis
    this.#left = 0
  }

  /** Says what was left out so far. */
  flush(): void {
    this.#alarm.stop()
    const leftOut = this.#leftOut
    this.#leftOut = 0
    if (leftOut > 0) this.#summarise(leftOut)
  }
}
