/** One statement on one client, under a deadline and a signal. */
import { onAbort } from '../base/aborts.ts'
import type { Clock } from '../base/clock.ts'
import type { Deadline } from '../base/deadlines.ts'
import { Deadlines } from '../base/deadlines.ts'
import type { PoolNumbers } from '../base/errors.ts'
import { messageOf, SluiceError } from '../base/errors.ts'
import type { Client } from './driver.ts'
import { hasWire, plainQuery } from './driver.ts'

/** How long a statement may take, and who may end it. */
export interface Bounds {
  readonly millis: number | undefined
  /** What the caller asked for, where `millis` is what waiting has left of it. */
  readonly askedMillis?: number | undefined
  readonly signal: AbortSignal | undefined
  /** A second signal: that of a transaction around the statement. */
  readonly outer?: AbortSignal | undefined
}

/** What becomes of a statement: exactly one of the two is called, once. */
export interface Ends<R> {
  /** Whether the statement is at the server yet; missing where it is sent as soon as it starts. */
  isSent?(): boolean
  /** What becomes of the statement when its caller gives up; missing where that follows from its outcome. */
  whatNow?(): string
  /** The driver has answered. */
  answered(error: Error | undefined, result: R | undefined): void
  /** Its caller has given up; the statement still runs. */
  abandoned(error: SluiceError): void
}

/** pg's text for its own `query_timeout`: the statement still runs when it appears. */
export const READ_TIMEOUT = 'Query read timeout'

/** How a driver answers: with an error, or with a result. */
export type Answer<R> = (error: Error | undefined, result: R | undefined) => void

/** A statement that has bounds. */
class Run {
  deadline: Deadline<Run> | undefined = undefined
  stopListening: (() => void)[] = []
  /** What to say at the deadline. */
  readonly timeout: () => SluiceError
  readonly #deadlines: Deadlines<Run>
  readonly #abandoned: (error: SluiceError) => void
  #over = false

  constructor(
    deadlines: Deadlines<Run>,
    abandoned: (error: SluiceError) => void,
    timeout: () => SluiceError,
  ) {
    this.timeout = timeout
    this.#deadlines = deadlines
    this.#abandoned = abandoned
  }

  /** Returns false when it is over already. */
  end(): boolean {
    if (this.#over) return false
    this.#over = true
    if (this.deadline !== undefined) this.#deadlines.remove(this.deadline)
    for (const stop of this.stopListening) stop()
    return true
  }

  abandon(error: SluiceError): void {
    if (this.end()) this.#abandoned(error)
  }
}

const WHAT_NOW = {
  'not-sent': 'the statement was not sent',
  unknown: 'the statement is being cancelled and may have taken effect',
}

/** Runs statements; all their deadlines share one timer. */
export class Statements {
  readonly #clock: Clock
  readonly #numbers: () => PoolNumbers
  readonly #deadlines: Deadlines<Run>

  constructor(clock: Clock, numbers: () => PoolNumbers) {
    this.#clock = clock
    this.#numbers = numbers
    this.#deadlines = new Deadlines(clock, (run) => run.abandon(run.timeout()))
  }

  /** Starts something that answers once, and sees that it keeps its bounds. */
  run<R>(start: (answer: Answer<R>) => void, bounds: Bounds, ends: Ends<R>): void {
    const { millis, signal, outer } = bounds
    if (millis === undefined && signal === undefined && outer === undefined) {
      start((error, result) => ends.answered(error, result))
    } else this.#watch(start, bounds, ends)
  }

  #watch<R>(start: (answer: Answer<R>) => void, bounds: Bounds, ends: Ends<R>): void {
    const { millis, askedMillis, signal, outer } = bounds
    const signals = [signal, outer].filter((given) => given !== undefined)
    const aborted = signals.find((given) => given.aborted)
    if (aborted !== undefined) return ends.answered(this.#aborted(aborted.reason, 'not-sent'), undefined)
    const outcome = () => (ends.isSent?.() === false ? 'not-sent' : 'unknown')
    const whatNow = () => ends.whatNow?.() ?? WHAT_NOW[outcome()]
    const run = new Run(
      this.#deadlines,
      (error) => ends.abandoned(error),
      () => this.#timeout(askedMillis ?? millis ?? 0, outcome(), whatNow()),
    )
    if (millis !== undefined) run.deadline = this.#deadlines.add(run, millis, this.#clock.now())
    run.stopListening = signals.map((given) =>
      onAbort(given, () => run.abandon(this.#aborted(given.reason, outcome(), whatNow()))),
    )
    start((error, result) => run.end() && ends.answered(error, result))
  }

  stop(): void {
    this.#deadlines.clear()
  }

  #timeout(millis: number, outcome: 'not-sent' | 'unknown', whatNow: string): SluiceError {
    const text = `${READ_TIMEOUT}: no answer within ${Math.round(millis).toLocaleString('en-US')} ms; ${whatNow}`
    return new SluiceError('SLUICE_QUERY_TIMEOUT', text, {
      phase: 'query',
      numbers: this.#numbers(),
      outcome,
    })
  }

  #aborted(reason: unknown, outcome: 'not-sent' | 'unknown', whatNow = WHAT_NOW[outcome]): SluiceError {
    const text = `aborted by the caller: ${messageOf(reason)}; ${whatNow}`
    return new SluiceError('SLUICE_ABORTED', text, {
      phase: 'query',
      numbers: this.#numbers(),
      outcome,
      cause: reason,
    })
  }
}

/** What a statement is told that waited on a connection which is in nobody's hands any more. */
export function neverSent(): SluiceError {
  const text = 'the connection was given back or closed before the statement was sent'
  return new SluiceError('SLUICE_ABORTED', text, { phase: 'query', outcome: 'not-sent' })
}

/** Sends a statement in whatever form the client takes it, and answers when it has answered. */
export function send<R>(client: Client, statement: unknown, values: unknown, answer: Answer<R>): void {
  let answered = false
  const tell = hasWire(client) ? answer : failWith(client, answer)
  const once: Answer<R> = (error, result) => {
    if (answered) return
    answered = true
    tell(error ?? undefined, result)
  }
  try {
    if (isSubmittable(statement)) adopt(client, statement, once)
    plainQuery(client).call(client, statement, values, once as Answer<unknown>)
  } catch (error) {
    once(error as Error, undefined)
  }
}

/** Whether a statement is a query object, which sends itself: pg's `Query`, a cursor, a stream. */
export function isSubmittable(statement: unknown): statement is { callback?: unknown } {
  return typeof (statement as { submit?: unknown } | null)?.submit === 'function'
}

/** pg fails every statement of a broken connection; another driver's client may only emit the error. */
function failWith<R>(client: Client, answer: Answer<R>): Answer<R> {
  const failed = (error: Error) => answer(error, undefined)
  client.once?.('error', failed)
  return (error, result) => {
    client.removeListener?.('error', failed)
    answer(error, result)
  }
}

/**
 * A query object may have a callback of its own, which pg calls instead of ours, or none at all (cursors): the client at rest tells
 * that it is over, and so does a client whose connection is lost.
 */
function adopt<R>(client: Client, statement: { callback?: unknown }, answer: Answer<R>): void {
  const { callback } = statement
  const over = (error: Error | undefined, result?: R) => {
    client.removeListener?.('drain', rested)
    client.removeListener?.('error', lost)
    client.removeListener?.('end', lost)
    answer(error, result)
  }
  const rested = () => over(undefined)
  const lost = (error = new Error('Connection terminated')) => over(error)
  if (typeof callback === 'function') {
    statement.callback = (error: Error | undefined, result: R | undefined) => {
      callback(error, result)
      over(error, result)
    }
  }
  client.once?.('drain', rested)
  client.once?.('error', lost)
  client.once?.('end', lost)
}
