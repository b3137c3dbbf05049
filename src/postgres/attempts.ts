/** Calls that are run again: after which errors that is safe and of use, after what pause, and within what is left of their time. */
import type { Clock } from '../base/clock.ts'
import { codeOf, messageOf, SluiceError } from '../base/errors.ts'
import { pause } from '../base/pause.ts'
import type { RetryBudget, RetrySettings } from '../resilience/retry.ts'
import { pauseBefore } from '../resilience/retry.ts'
import type { Call, Told } from './call.ts'
import type { Gate } from './gate.ts'
import { poolerSays } from './pooler.ts'
import { isOfOpening, isSaturated, troubleOf } from './trouble.ts'

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
  /** Whether calls need more than to be started: without either option nothing has to be kept of them. */
  readonly areKept: boolean
  readonly #parts: AttemptsParts
  /** Calls between two attempts. */
  readonly #paused = new Set<() => void>()
  #retries = 0
  #over = false

  constructor(parts: AttemptsParts) {
    this.#parts = parts
    this.areKept = parts.gate !== undefined || parts.retry !== undefined
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
    if (!this.areKept) return start(call, told)
    const { budget, clock, retry } = this.#parts
    const askedAt = clock.now()
    if (retry !== undefined) budget.call(askedAt)
    this.#attempt({ call, atomic, start, told, askedAt }, call, 1)
  }

  /** Nothing is run again from now on; calls between two attempts end now, as the pool ends what comes after it has ended. */
  stop(): void {
    this.#over = true
    for (const go of this.#paused) go()
  }

  #attempt<R>(attempt: Attempt<R>, call: Call, number: number): void {
    const { start, told } = attempt
    const { gate } = this.#parts
    const once = (done: Told<R>) => start(call, done)
    const ended: Told<R> = (error, result) => {
      if (error === undefined) return told(error, result)
      let millis: number | undefined
      try {
        millis = this.#pauseAfter(attempt, error, number)
      } catch (thrown) {
        return told(unanswered(thrown, error), undefined)
      }
      if (millis === undefined) told(error, result)
      else this.#pause(attempt, error, millis, number + 1)
    }
    // What its caller has given up is told so at once, and proves nothing.
    if (gate === undefined || call.signal?.aborted === true) once(ended)
    else gate.pass(once, ended)
  }

  /** How long to wait before a call is run again after `error`; undefined where it is not. @throws what `retry.on` throws */
  #pauseAfter<R>({ atomic, askedAt, call }: Attempt<R>, error: unknown, number: number): number | undefined {
    const { budget, clock, random, retry } = this.#parts
    if (retry === undefined || number >= retry.attempts || this.#over || call.signal?.aborted === true)
      return undefined
    if (!(call.idempotent || isUndone(error, atomic)) || !isOfUse(error, retry)) return undefined
    const now = clock.now()
    const millis = Math.max(pauseBefore(number + 1, retry, random), retryAfter(error))
    return leftOf(call, askedAt, now + millis) > 0 && budget.take(now) ? millis : undefined
  }

  /** A caller who gives up does not wait for its end, nor does the end of the pool: the next attempt tells. */
  #pause<R>(attempt: Attempt<R>, error: unknown, millis: number, next: number): void {
    const go = pause(this.#parts.clock, millis, attempt.call.signal, () => {
      this.#paused.delete(go)
      this.#again(attempt, error, next)
    })
    this.#paused.add(go)
  }

  #again<R>(attempt: Attempt<R>, error: unknown, number: number): void {
    const { askedAt, call, told } = attempt
    const { timeoutMillis: askedMillis } = call
    const left = leftOf(call, askedAt, this.#parts.clock.now())
    // A process that was busy elsewhere has slept through it.
    if (left <= 0) return told(error, undefined)
    // Who was aborted in the pause is only told so.
    if (!this.#over && call.signal?.aborted !== true) this.#retries += 1
    const rest = askedMillis === undefined ? call : { ...call, timeoutMillis: left, askedMillis }
    this.#attempt(attempt, rest, number)
  }
}

/** Milliseconds that a call has left at a moment. */
function leftOf({ timeoutMillis }: Call, askedAt: number, at: number): number {
  return (timeoutMillis ?? Number.POSITIVE_INFINITY) - (at - askedAt)
}

/** Errors that another try may not meet: a server that was away, and the losers of a collision. */
function isOfUse(error: unknown, { on }: RetrySettings): boolean {
  if (on !== undefined) return on(error)
  const code = codeOf(error)
  if (code === '40001' || code === '40P01' || isSaturated(error)) return true
  return troubleOf(error) === 'away' && !isTimeout(error)
}

function isTimeout(error: unknown): boolean {
  return SluiceError.is(error, 'SLUICE_QUERY_TIMEOUT')
}

/** Whether nothing of a call has taken effect, for certain: it was not sent, or the server has refused it as one transaction. */
function isUndone(error: unknown, atomic: boolean): boolean {
  if (SluiceError.is(error)) return error.outcome === 'not-sent'
  if (isOfOpening(error) || isSaturated(error)) return true
  // A pooler that has ended a statement does not know what the server made of it.
  if (poolerSays(error) !== undefined) return false
  return atomic && /^[0-9A-Z]{5}$/.test(codeOf(error) ?? '') && troubleOf(error) === 'none'
}

function retryAfter(error: unknown): number {
  return SluiceError.is(error) ? (error.retryAfterMillis ?? 0) : 0
}

/** What a call ends with whose error the function of `retry.on` could not judge. The text of that error may hold what the statement did. */
function unanswered(thrown: unknown, error: unknown): SluiceError {
  const code = codeOf(error)
  const about = code === undefined ? 'the error of a call' : `the error of a call (${code})`
  return new SluiceError(
    'SLUICE_BAD_OPTION',
    `retry.on threw when it was asked about ${about}: ${messageOf(thrown)}; that error is the cause of this one, and the call was not run again`,
    { cause: error, outcome: SluiceError.is(error) ? error.outcome : undefined },
  )
}
