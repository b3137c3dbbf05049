/** Calls that are run again: after which errors that is safe and of use, after what pause, and within what is left of their time. */
import { onAbort } from '../base/aborts.ts'
import type { Clock } from '../base/clock.ts'
import { codeOf, SluiceError } from '../base/errors.ts'
import type { RetryBudget, RetrySettings } from '../resilience/retry.ts'
import { pauseBefore } from '../resilience/retry.ts'
import type { Call, Told } from './call.ts'
import type { Gate } from './gate.ts'
import { troubleOf } from './trouble.ts'

/** What attempts work with. */
export interface AttemptsParts {
  readonly clock: Clock
  /** A number from 0 up to 1, as `Math.random`. */
  readonly random: () => number
  readonly gate: Gate | undefined
  readonly retry: RetrySettings | undefined
  readonly budget: RetryBudget
}

/** A call under way. */
interface Attempt<R> {
  readonly call: Call
  /** Whether it is one transaction of its own: then an error of the server has undone all of it. */
  readonly atomic: boolean
  readonly start: (call: Call, told: Told<R>) => void
  readonly told: Told<R>
  readonly askedAt: number
}

export class Attempts {
  readonly #parts: AttemptsParts
  #retries = 0

  constructor(parts: AttemptsParts) {
    this.#parts = parts
  }

  /** Calls that were run again so far. */
  get retries(): number {
    return this.#retries
  }

  /**
   * Runs a call, again where that is asked for.
   * @param start runs it once, with the options that are handed in
   */
  run<R>(call: Call, atomic: boolean, start: Attempt<R>['start'], told: Told<R>): void {
    const { budget, clock, gate, retry } = this.#parts
    if (gate === undefined && retry === undefined) return start(call, told)
    const askedAt = clock.now()
    if (retry !== undefined) budget.call(askedAt)
    this.#attempt({ call, atomic, start, told, askedAt }, call, 1)
  }

  #attempt<R>(attempt: Attempt<R>, call: Call, number: number): void {
    const { start, told } = attempt
    const { gate } = this.#parts
    const once = (done: Told<R>) => start(call, done)
    const ended: Told<R> = (error, result) => {
      if (error === undefined || !this.#again(attempt, error, number)) told(error, result)
    }
    if (gate === undefined) once(ended)
    else gate.pass(once, ended)
  }

  /** Runs a call again after `error`, where it may be. */
  #again<R>(attempt: Attempt<R>, error: unknown, number: number): boolean {
    const { budget, clock, random, retry } = this.#parts
    const { atomic, call } = attempt
    if (retry === undefined || number >= retry.attempts || call.signal?.aborted === true) return false
    if (!isOfUse(error, retry) || !(call.idempotent || isUndone(error, atomic))) return false
    const now = clock.now()
    const millis = Math.max(pauseBefore(number + 1, retry, random), retryAfter(error))
    const left = (call.timeoutMillis ?? Number.POSITIVE_INFINITY) - (now - attempt.askedAt) - millis
    if (left <= 0 || !budget.take(now)) return false
    this.#retries += 1
    this.#pause(millis, call.signal, () => {
      const rest = call.timeoutMillis === undefined ? call : { ...call, timeoutMillis: left }
      this.#attempt(attempt, rest, number + 1)
    })
    return true
  }

  /** A caller who gives up does not wait for the end of the pause: the next attempt tells it so. */
  #pause(millis: number, signal: AbortSignal | undefined, then: () => void): void {
    const { clock } = this.#parts
    const go = () => {
      clock.clearTimeout(timer)
      stop?.()
      then()
    }
    const timer = clock.setTimeout(go, millis)
    const stop = signal && onAbort(signal, go)
  }
}

/** Errors that another try may not meet: a server that was away, and the losers of a collision. */
function isOfUse(error: unknown, { on }: RetrySettings): boolean {
  if (on !== undefined) return on(error)
  const code = codeOf(error)
  return code === '40001' || code === '40P01' || (troubleOf(error) === 'away' && !isTimeout(error))
}

function isTimeout(error: unknown): boolean {
  return SluiceError.is(error, 'SLUICE_QUERY_TIMEOUT')
}

/** Whether nothing of a call has taken effect, for certain: it was not sent, or the server has refused it as one transaction. */
function isUndone(error: unknown, atomic: boolean): boolean {
  if (SluiceError.is(error)) return error.outcome === 'not-sent'
  return atomic && /^[0-9A-Z]{5}$/.test(codeOf(error) ?? '') && troubleOf(error) === 'none'
}

function retryAfter(error: unknown): number {
  return SluiceError.is(error) ? (error.retryAfterMillis ?? 0) : 0
}
