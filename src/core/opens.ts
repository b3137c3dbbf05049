import { fullJitter } from '../base/backoff.ts'
import type { OpenFailure } from '../base/errors.ts'
import { codeOf, messageOf } from '../base/errors.ts'
import type { OpenFault } from './driver.ts'

/** Opens under way at once. More of them reach a struggling server as a storm, and most of a burst is served by returned slots before they finish. */
const AT_ONCE = 4
const BACKOFF_BASE_MILLIS = 50
/** Low, because callers wait behind it: a server that is back should be found within a second, whatever the dice say. */
const BACKOFF_CAP_MILLIS = 500
/** How many opens the typical time of one looks back on. */
const TYPICAL_OPENS = 8

/** When the next connection may be opened, and what became of the last ones. */
export class Opens {
  readonly #random: () => number
  #succeeded = false
  #failures = 0
  #retryAt = 0
  /** When the first of the opens failed that have failed together last. */
  #waveAt = 0
  #atOnce = AT_ONCE
  #typical: number | undefined
  #last: { error: unknown; at: number } | undefined

  constructor(random: () => number) {
    this.#random = random
  }

  /** Whether any open has ever succeeded: from then on failures are ridden out. */
  get succeeded(): boolean {
    return this.#succeeded
  }

  /** Waves of failures since the last success. */
  get failures(): number {
    return this.#failures
  }

  get lastError(): unknown {
    return this.#last?.error
  }

  /** When the back-off is over. */
  get retryAt(): number {
    return this.#retryAt
  }

  /** Milliseconds that an open takes; undefined before the first one has succeeded. */
  get typicalMillis(): number | undefined {
    return this.#typical
  }

  /** How many more may start now. */
  allowance(opening: number, now: number): number {
    return now < this.#retryAt ? 0 : Math.max(0, this.#atOnce - opening)
  }

  succeed(millis: number): void {
    this.#succeeded = true
    this.#failures = 0
    this.#retryAt = 0
    this.#atOnce = Math.min(AT_ONCE, this.#atOnce + 1)
    this.#typical =
      this.#typical === undefined ? millis : this.#typical + (millis - this.#typical) / TYPICAL_OPENS
  }

  /** @param begunAt when the open that failed had begun: those that were under way together fail as one */
  fail(error: unknown, fault: OpenFault, begunAt: number, now: number): void {
    this.#last = { error, at: now }
    // Only what had begun before the first of them failed: else opens that overlap would put off the back-off for ever.
    if (this.#failures > 0 && begunAt < this.#waveAt) return
    this.#waveAt = now
    if (fault === 'crowded') this.#atOnce = Math.max(1, Math.floor(this.#atOnce / 2))
    this.#retryAt = now + fullJitter(this.#failures, BACKOFF_BASE_MILLIS, BACKOFF_CAP_MILLIS, this.#random)
    this.#failures += 1
  }

  /** Forgets the back-off: the next open deserves its own answer, because all who waited were told, or because the way is known to be open. */
  forgive(): void {
    this.#failures = 0
    this.#retryAt = 0
  }

  lastFailure(now: number): OpenFailure | undefined {
    if (this.#last === undefined) return undefined
    const { error, at } = this.#last
    return { message: messageOf(error), code: codeOf(error), ageMillis: Math.round(now - at) }
  }
}
