import type { Clock, Timer } from './clock.ts'

/** One timer that is asked for many times: it fires by the earliest time asked for, then is silent until asked again. */
export class Alarm {
  readonly #clock: Clock
  readonly #fire: () => void
  readonly #held: boolean
  #timer: Timer | undefined
  #at = Number.POSITIVE_INFINITY

  /** @param held whether an armed alarm keeps the process up */
  constructor(clock: Clock, fire: () => void, held: boolean) {
    this.#clock = clock
    this.#fire = fire
    this.#held = held
  }

  /** Makes sure that the alarm fires at `at` or before. */
  by(at: number, now: number): void {
    if (at >= this.#at) return
    this.stop()
    this.#at = at
    this.#timer = this.#clock.setTimeout(() => this.#ring(), Math.max(1, Math.ceil(at - now)))
    if (!this.#held) this.#timer.unref()
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#at = Number.POSITIVE_INFINITY
  }

  #ring(): void {
    this.#timer = undefined
    this.#at = Number.POSITIVE_INFINITY
    this.#fire()
  }
}
