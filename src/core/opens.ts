import { fullJitter } from '../base/backoff.ts'
import type { OpenFailure } from '../base/errors.ts'
import { codeOf, messageOf } from '../base/errors.ts'

/** Opens under way at once. More of them reach a struggling server as a storm, and most of a burst is served by returned slots before they finish. */
const AT_ONCE = 4
const BACKOFF_BASE_MILLIS = 50
/** Low, because callers wait behind it: a server that is back should be found within a second. */
const BACKOFF_CAP_MILLIS = 1_000

/** When the next connection may be opened, and what became of the last ones. */
export class Opens {
  readonly #random: () => number
  #succeeded = false
  #failures = 0
  #retryAt = 0
  #last: { error: unknown; at: number } | undefined

  constructor(random: () => number) {
    this.#random = random
  }

  /** Whether any open has ever succeeded: from then on failures are ridden out. */
  get succeeded(): boolean {
    return this.#succeeded
  }

  /** Failures since the last success. */
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

  /** How many more may start now. */
  allowance(opening: number, now: number): number {
    return now < this.#retryAt ? 0 : Math.max(0, AT_ONCE - opening)
  }

  succeed(): void {
    this.#succeeded = true
    this.#failures = 0
    this.#retryAt = 0
  }

  fail(error: unknown, now: number): void {
    this.#last = { error, at: now }
    this.#retryAt = now + fullJitter(this.#failures, BACKOFF_BASE_MILLIS, BACKOFF_CAP_MILLIS, this.#random)
    this.#failures += 1
  }

  /** Forgets the back-off: the callers behind a permanent failure have been told, and the next one deserves its own answer. */
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
