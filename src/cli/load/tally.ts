/** What one way has done over all of its rounds: times in one histogram, and counts. */
import { codeOf, messageOf } from '../../base/errors.ts'
import { Histogram } from '../../base/histogram.ts'

/** Times in milliseconds, from asking to the answer; of answered statements only. */
export interface Figures {
  readonly seconds: number
  readonly answered: number
  readonly failed: number
  /** Answered ÷ all, 0 to 1. */
  readonly success: number
  readonly perSecond: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
  /** The median time to get a connection with nobody else asking; `undefined` where none was got. */
  readonly getting: number | undefined
  /** Connections opened for the statements. */
  readonly opened: number
  /** Share of the answered statements that found a connection open, 0 to 1. */
  readonly reuse: number
  /** Callers turned away because no connection was free in time. */
  readonly timeouts: number
  /** How often each error came, by `code: message`. */
  readonly errors: Readonly<Record<string, number>>
}

/** What an opened way is told apart by while it works. */
interface Counts {
  readonly opened: number
  readonly timeouts: number
}

/** Grows with every statement. */
export class Tally {
  readonly #times = new Histogram()
  readonly #getting = new Histogram()
  readonly #errors = new Map<string, number>()
  readonly #redact: (text: string) => string
  #seconds = 0
  #failed = 0
  #opened = 0
  #timeouts = 0

  /** @param redact takes the password out of what a server or driver says */
  constructor(redact: (text: string) => string) {
    this.#redact = redact
  }

  answered(millis: number): void {
    this.#times.record(millis)
  }

  failed(error: unknown): void {
    this.#failed++
    const code = codeOf(error)
    const [message = ''] = this.#redact(messageOf(error)).split('\n', 1)
    const text = code === undefined ? message : `${code}: ${message}`
    this.#errors.set(text, (this.#errors.get(text) ?? 0) + 1)
  }

  /** One connection was got, with nobody else asking. */
  got(millis: number): void {
    this.#getting.record(millis)
  }

  /** A round of so many seconds is over. */
  round(seconds: number, { opened, timeouts }: Counts): void {
    this.#seconds += seconds
    this.#opened += opened
    this.#timeouts += timeouts
  }

  figures(): Figures {
    const { count: answered, p50, p95, p99, max } = this.#times.snapshot()
    const asked = answered + this.#failed
    return {
      seconds: this.#seconds,
      answered,
      failed: this.#failed,
      success: asked === 0 ? 0 : answered / asked,
      perSecond: this.#seconds === 0 ? 0 : answered / this.#seconds,
      p50,
      p95,
      p99,
      max,
      getting: this.#getting.count === 0 ? undefined : this.#getting.quantile(0.5),
      opened: this.#opened,
      // A connection may have been opened for a statement that failed.
      reuse: answered === 0 ? 0 : Math.max(0, 1 - this.#opened / answered),
      timeouts: this.#timeouts,
      errors: Object.fromEntries(this.#errors),
    }
  }
}
