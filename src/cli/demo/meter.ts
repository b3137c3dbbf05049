/**
 * Measures one side of the demo over all of its rounds. A run's own figures are quantiles of that run alone,
 * and quantiles of two runs cannot be added; times in one histogram can.
 */
import { Histogram } from '../../base/histogram.ts'
import type { WorkloadLease, WorkloadPool, WorkloadRows } from '../../demo/workload/port.ts'
import type { RunOptions, StatementHints, WorkloadResult } from '../../demo/workload/run.ts'
import type { StatementKind } from '../../demo/workload/statements.ts'
import { statementKinds } from '../../demo/workload/statements.ts'

/** Runs one statement for an agent. */
export type Ask = NonNullable<RunOptions['query']>

/** Times in milliseconds, of answered statements only. */
export interface KindFigures {
  readonly count: number
  readonly perSecond: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** What was answered in a stretch of time. */
export interface Stretch {
  readonly seconds: number
  /** Answered, of every kind. */
  readonly count: number
  readonly perSecond: number
  readonly statements: Readonly<Record<StatementKind, KindFigures>>
}

/** All that was measured of one side. */
export interface SideFigures extends Stretch {
  /** The rounds one by one. */
  readonly rounds: readonly Stretch[]
  readonly errors: number
  /** How often each error came, by `code: message`. */
  readonly errorMessages: Readonly<Record<string, number>>
  /** Given up by their callers. */
  readonly givenUp: number
  /** Given up, and still run to their end at the server. */
  readonly ranOn: number
}

/** The times of one stretch, by kind. */
class Stopwatch {
  readonly #times = byKind(() => new Histogram())
  readonly #began = performance.now()
  #seconds: number | undefined

  record(kind: StatementKind, millis: number): void {
    this.#times[kind].record(millis)
  }

  stop(seconds: number): void {
    this.#seconds = seconds
  }

  get seconds(): number {
    return this.#seconds ?? Math.max(0.001, (performance.now() - this.#began) / 1_000)
  }

  figures(seconds: number = this.seconds): Stretch {
    const statements = byKind((kind) => figuresOf(this.#times[kind], seconds))
    const count = statementKinds.reduce((sum, kind) => sum + statements[kind].count, 0)
    return { seconds, count, perSecond: count / seconds, statements }
  }
}

/** The figures of one side, growing. */
export class Meter {
  readonly #all = new Stopwatch()
  readonly #rounds: Stopwatch[] = []
  readonly #errorMessages = new Map<string, number>()
  #errors = 0
  #givenUp = 0
  #ranOn = 0

  /** `ask`, measured. */
  ask(ask: Ask): Ask {
    return async (text: string, values: unknown[], hints: StatementHints): Promise<WorkloadRows> => {
      const began = performance.now()
      const rows = await ask(text, values, hints)
      if (hints.signal?.aborted) this.#ranOn++
      else this.#record(hints.kind, performance.now() - began)
      return rows
    }
  }

  /** `pool`, with its transactions measured: from asking for a client to giving it back. */
  pool(pool: WorkloadPool): WorkloadPool {
    return {
      query: (text, values) => pool.query(text, values),
      connect: async () => {
        const began = performance.now()
        return this.#lease(await pool.connect(), began)
      },
    }
  }

  #lease(client: WorkloadLease, began: number): WorkloadLease {
    let failed = false
    return {
      query: async (text, values) => {
        try {
          return await client.query(text, values)
        } catch (error) {
          failed = true
          throw error
        }
      },
      release: (error) => {
        client.release(error)
        if (!failed) this.#record('transaction', performance.now() - began)
      },
    }
  }

  #record(kind: StatementKind, millis: number): void {
    this.#all.record(kind, millis)
    this.#rounds.at(-1)?.record(kind, millis)
  }

  /** From here on time counts, until {@link endRound}. */
  beginRound(): void {
    this.#rounds.push(new Stopwatch())
  }

  /** Adds what a round counted. */
  endRound({ seconds, total, errors }: WorkloadResult): void {
    this.#rounds.at(-1)?.stop(seconds)
    this.#errors += total.errors
    this.#givenUp += total.cancelled
    for (const [message, count] of Object.entries(errors)) {
      this.#errorMessages.set(message, (this.#errorMessages.get(message) ?? 0) + count)
    }
  }

  figures(): SideFigures {
    const seconds = this.#rounds.reduce((sum, round) => sum + round.seconds, 0)
    return {
      ...this.#all.figures(Math.max(0.001, seconds)),
      rounds: this.#rounds.map((round) => round.figures()),
      errors: this.#errors,
      errorMessages: Object.fromEntries(this.#errorMessages),
      givenUp: this.#givenUp,
      ranOn: this.#ranOn,
    }
  }
}

function figuresOf(times: Histogram, seconds: number): KindFigures {
  const { count, p50, p95, p99, max } = times.snapshot()
  return { count, perSecond: count / seconds, p50, p95, p99, max }
}

function byKind<V>(make: (kind: StatementKind) => V): Record<StatementKind, V> {
  return Object.fromEntries(statementKinds.map((kind) => [kind, make(kind)])) as Record<StatementKind, V>
}
