/** One measurement: a pool of one size under callers that ask again as soon as they are answered. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Histogram } from '../../base/histogram.ts'
import type { Random } from '../../demo/workload/random.ts'
import type { PostgresStats } from '../../postgres/pool.ts'
import { exitCodes, Refusal } from '../refusal.ts'
import type { Timing } from './plan.ts'
import type { Question } from './workload.ts'

/** What is measured: a pool, as its users have it. */
export interface Measured {
  query(text: string, values?: unknown[]): Promise<unknown>
  resize(size: { max: number; min: number }): void
  stats(): Pick<PostgresStats, 'total' | 'idle' | 'shared' | 'openFailures' | 'lastOpenFailure'>
}

/** How one cell is measured. */
export interface CellOptions {
  readonly size: number
  readonly callers: number
  readonly timing: Timing
  /** Takes what callers wait from asking to the answer. */
  readonly times: Histogram
  /** A caller's next question; `caller` counts from 0. */
  next(caller: number): Question
}

/** What one cell measured. */
export interface Cell {
  readonly size: number
  /** Answers a second. */
  readonly throughput: number
  /** Statements of several callers shared a connection. */
  readonly shared: boolean
}

const openWithinMillis = 20_000

/**
 * Brings the pool to the size, lets the callers run for a while that is not measured, and measures.
 *
 * @throws the first error of a statement or of a connection that cannot be opened, at once: other callers may be under way then
 */
export async function measure(pool: Measured, options: CellOptions): Promise<Cell> {
  await bringTo(pool, options.size)
  const crowd = new Crowd(pool, options)
  const ended = crowd.run()
  const measuring = async (): Promise<Cell> => {
    await sleep(options.timing.warm)
    crowd.begin()
    await sleep(options.timing.window / 2)
    const shared = pool.stats().shared > 0
    await sleep(options.timing.window / 2)
    crowd.stop()
    await ended
    const throughput = crowd.throughput()
    if (throughput === 0) throw new Refusal(tooSlow(options), exitCodes.failed)
    return { size: options.size, throughput, shared }
  }
  // A caller that fails ends the cell before its time.
  const failed = ended.then(() => new Promise<never>(() => {}))
  return Promise.race([measuring(), failed])
}

function tooSlow({ size, timing }: CellOptions): string {
  return `Within ${Math.round(timing.window)} ms not one statement was answered over ${size} connections: give more --seconds, or shorter statements.`
}

/** Every connection open and at rest: none is opened at the expense of what is measured. */
async function bringTo(pool: Measured, size: number): Promise<void> {
  const failures = pool.stats().openFailures
  pool.resize({ max: size, min: size })
  for (const deadline = performance.now() + openWithinMillis; performance.now() < deadline; await sleep(2)) {
    const { total, idle, openFailures, lastOpenFailure } = pool.stats()
    if (total === size && idle === size) return
    if (openFailures > failures && lastOpenFailure !== undefined)
      throw Object.assign(new Error(lastOpenFailure.message), { code: lastOpenFailure.code })
  }
  throw new Refusal(
    `The server did not open ${size} connections within ${openWithinMillis / 1_000} s.`,
    exitCodes.failed,
  )
}

class Crowd {
  readonly #pool: Measured
  readonly #options: CellOptions
  readonly #answers: number[] = [performance.now()]
  #began = Number.POSITIVE_INFINITY
  #ended = Number.POSITIVE_INFINITY
  #over = false

  constructor(pool: Measured, options: CellOptions) {
    this.#pool = pool
    this.#options = options
  }

  /** Resolves once every caller has been answered after `stop`. */
  async run(): Promise<void> {
    const callers = Array.from({ length: this.#options.callers }, (_, caller) => this.#ask(caller))
    try {
      await Promise.all(callers)
    } finally {
      this.#over = true
    }
  }

  begin(): void {
    this.#began = performance.now()
  }

  stop(): void {
    this.#over = true
    this.#ended = performance.now()
  }

  /** Answers a second between `begin` and `stop`. */
  throughput(): number {
    return (
      (1_000 * (this.#answersBy(this.#ended) - this.#answersBy(this.#began))) / (this.#ended - this.#began)
    )
  }

  /** With the way from one answer to the next for its part: whole answers would be off by one every time. */
  #answersBy(time: number): number {
    const next = this.#answers.findIndex((answered) => answered > time)
    if (next === -1) return this.#answers.length
    const [from, to] = [this.#answers[next - 1] as number, this.#answers[next] as number]
    return next + (time - from) / (to - from)
  }

  async #ask(caller: number): Promise<void> {
    while (!this.#over) {
      const asked = performance.now()
      const { text, values } = this.#options.next(caller)
      await this.#pool.query(text, values)
      const answered = performance.now()
      this.#answers.push(answered)
      if (answered > this.#began && answered <= this.#ended) this.#options.times.record(answered - asked)
    }
  }
}

/** Draws the questions of each caller from numbers of its own, so that one caller's pace changes nothing for the others. */
export function questions(
  next: (random: Random) => Question,
  randomFor: (caller: number) => Random,
): CellOptions['next'] {
  const streams = new Map<number, Random>()
  return (caller) => {
    const random = streams.get(caller) ?? randomFor(caller)
    streams.set(caller, random)
    return next(random)
  }
}
