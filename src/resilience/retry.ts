/** Running a call again: how often, after what pause, upon which errors, and within which budget. */
import { fullJitter } from '../base/backoff.ts'
import { codeOf, SluiceError } from '../base/errors.ts'
import { readGroup, readMillis, readNumber, readWord } from '../base/options.ts'
import { Window } from './window.ts'

/** How a call that failed is run again. */
export interface RetryOptions {
  /** Tries in all, the first one included. 1 to 100; default 3. */
  readonly attempts?: number | undefined
  /** The pause before the second try, in milliseconds; doubled with each further one. 0 or more; default 50. */
  readonly backoff?: number | undefined
  /** The longest pause, in milliseconds. `backoff` or more; default 1,000, or `backoff` where that is more. */
  readonly maxBackoff?: number | undefined
  /** `'full'` makes each pause a random part of itself, so that those who failed together do not return together; `'none'` does not. Default `'full'`. */
  readonly jitter?: 'full' | 'none' | undefined
  /**
   * Which errors: their codes (an SQLSTATE such as `'40001'`, the two characters of an SQLSTATE class such as `'08'`,
   * `'ECONNRESET'`, `'SLUICE_CONNECTION_LOST'`), or a function that tells. Default: what the pool knows to be passing.
   */
  readonly on?: readonly string[] | ((error: unknown) => boolean) | undefined
}

/** {@link RetryOptions}, complete. */
export interface RetrySettings {
  readonly attempts: number
  readonly backoff: number
  readonly maxBackoff: number
  readonly jitter: 'full' | 'none'
  /** Undefined where the caller leaves it to the pool. */
  readonly on: ((error: unknown) => boolean) | undefined
}

const NAMES = [
  'attempts',
  'backoff',
  'maxBackoff',
  'jitter',
  'on',
] as const satisfies readonly (keyof RetryOptions)[]

/**
 * Reads the option of that name: {@link RetryOptions}, `true` for the defaults; undefined and `false` are no retry.
 * @throws SLUICE_BAD_OPTION naming the option, its value and its range
 */
export function readRetry(value: unknown, name = 'retry'): RetrySettings | undefined {
  const given = readGroup(value, name, NAMES)
  if (given === undefined) return undefined
  const backoff = readMillis(given, `${name}.backoff`) ?? 50
  return {
    attempts: readNumber(given, `${name}.attempts`, { min: 1, max: 100 }) ?? 3,
    backoff,
    maxBackoff: readMillis(given, `${name}.maxBackoff`, backoff) ?? Math.max(1_000, backoff),
    jitter: readWord(given, `${name}.jitter`, ['full', 'none']) ?? 'full',
    on: readOn(given[`${name}.on`], `${name}.on`),
  }
}

function readOn(value: unknown, name: string): RetrySettings['on'] {
  if (value === undefined) return undefined
  if (typeof value === 'function') return value as (error: unknown) => boolean
  const isCode = (code: unknown) => typeof code === 'string' && code !== ''
  if (!Array.isArray(value) || value.length === 0 || !value.every(isCode))
    throw new SluiceError(
      'SLUICE_BAD_OPTION',
      `${name} must be a list of one or more error codes, or a function that tells whether an error is one to try again after`,
    )
  const codes = new Set(value as string[])
  return (error) => {
    const code = codeOf(error)
    return code !== undefined && (codes.has(code) || (code.length === 5 && codes.has(code.slice(0, 2))))
  }
}

/**
 * Milliseconds to wait before try number `attempt`; the first one that waits is the second.
 * @param attempt 2 or more
 * @param random a number from 0 up to 1
 */
export function pauseBefore(attempt: number, settings: RetrySettings, random: () => number): number {
  const { backoff, maxBackoff, jitter } = settings
  return fullJitter(attempt - 2, backoff, maxBackoff, jitter === 'full' ? random : () => 1)
}

const WINDOW_MILLIS = 10_000
const SHARE = 0.2
const FLOOR_PER_SECOND = 5

/**
 * Bounds the retries of a pool, so that a storm of failures is not multiplied by them: over the last 10 s at most a fifth of the
 * calls, and 5 a second besides, for pools with few calls. Source: Finagle's RetryBudget, a token bucket whose deposits (calls)
 * and withdrawals (retries) expire.
 */
export class RetryBudget {
  readonly #window = new Window(WINDOW_MILLIS)

  /** Notes a call; its retries are none. */
  call(now: number): void {
    this.#window.call(now)
  }

  /** Takes one retry out of the budget. False when none is left: the call's error stands. */
  take(now: number): boolean {
    if (this.left(now) < 1) return false
    this.#window.mark(now)
    return true
  }

  /** How many retries are left; whole and fractions. */
  left(now: number): number {
    const { calls, marked } = this.#window.sum(now)
    return SHARE * calls + (FLOOR_PER_SECOND * WINDOW_MILLIS) / 1_000 - marked
  }
}
