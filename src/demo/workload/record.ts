/** What a run has measured so far. */
import { Histogram } from '../../base/histogram.ts'
import type { AgentKind } from './agents.ts'
import { agentKinds } from './agents.ts'
import type { StatementKind } from './statements.ts'
import { statementKinds } from './statements.ts'

/** Times in milliseconds, from the agent's call to its answer; of answered statements only. */
export interface Figures {
  /** Answered without an error. */
  readonly count: number
  readonly errors: number
  /** Given up by the caller before the answer; no error. */
  readonly cancelled: number
  readonly perSecond: number
  readonly mean: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** The figures of a run, or of a run so far. */
export interface WorkloadSnapshot {
  /** Since the first statement. */
  readonly seconds: number
  /** Answered statements per second since the last snapshot; in a result, over the whole run. */
  readonly recentPerSecond: number
  readonly total: Figures
  readonly statements: Readonly<Record<StatementKind, Figures>>
  readonly agents: Readonly<Record<AgentKind, Figures>>
  /**
   * How often each error came, by `code: message`; beyond twenty different ones the rest is `other errors`.
   */
  readonly errors: Readonly<Record<string, number>>
}

const differentErrors = 20

class Tally {
  readonly times = new Histogram()
  errors = 0
  cancelled = 0

  figures(seconds: number): Figures {
    const { count, mean, max } = this.times
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => this.times.quantile(q)) as [number, number, number]
    return {
      count,
      errors: this.errors,
      cancelled: this.cancelled,
      perSecond: count / seconds,
      mean,
      p50,
      p95,
      p99,
      max,
    }
  }
}

/** Collects the outcomes of statements. */
export class Recorder {
  readonly #total = new Tally()
  readonly #statements = tallies(statementKinds)
  readonly #agents = tallies(agentKinds)
  readonly #errors = new Map<string, number>()
  readonly #began = performance.now()
  #last = { at: this.#began, count: 0 }

  answered(statement: StatementKind, agent: AgentKind, millis: number): void {
    for (const tally of this.#of(statement, agent)) tally.times.record(millis)
  }

  cancelled(statement: StatementKind, agent: AgentKind): void {
    for (const tally of this.#of(statement, agent)) tally.cancelled++
  }

  failed(statement: StatementKind, agent: AgentKind, error: unknown): void {
    for (const tally of this.#of(statement, agent)) tally.errors++
    const text = describe(error)
    const key = this.#errors.has(text) || this.#errors.size < differentErrors ? text : 'other errors'
    this.#errors.set(key, (this.#errors.get(key) ?? 0) + 1)
  }

  /** The figures since the last snapshot count from here on. */
  snapshot(): WorkloadSnapshot {
    const recent = this.#last
    this.#last = { at: performance.now(), count: this.#total.times.count }
    return this.#figures((this.#last.count - recent.count) / elapsed(recent.at, this.#last.at))
  }

  result(): WorkloadSnapshot {
    return this.#figures(this.#total.times.count / elapsed(this.#began, performance.now()))
  }

  #figures(recentPerSecond: number): WorkloadSnapshot {
    const seconds = elapsed(this.#began, performance.now())
    return Object.freeze({
      seconds,
      recentPerSecond,
      total: this.#total.figures(seconds),
      statements: figuresOf(this.#statements, seconds),
      agents: figuresOf(this.#agents, seconds),
      errors: Object.fromEntries(this.#errors),
    })
  }

  #of(statement: StatementKind, agent: AgentKind): Tally[] {
    return [this.#total, this.#statements[statement], this.#agents[agent]]
  }
}

const elapsed = (from: number, to: number): number => Math.max(0.001, (to - from) / 1_000)

function tallies<K extends string>(kinds: readonly K[]): Record<K, Tally> {
  return Object.fromEntries(kinds.map((kind) => [kind, new Tally()])) as Record<K, Tally>
}

function figuresOf<K extends string>(from: Record<K, Tally>, seconds: number): Record<K, Figures> {
  const entries = Object.entries<Tally>(from).map(([kind, tally]) => [kind, tally.figures(seconds)])
  return Object.fromEntries(entries) as Record<K, Figures>
}

/**
 * One line that is the same for the same trouble: numbers inside a message would make every error a different
 * one.
 */
function describe(error: unknown): string {
  const { code, message = String(error) } = (error ?? {}) as { code?: string; message?: string }
  const line =
    message
      .split('\n', 1)[0]
      ?.replace(/\d+(\.\d+)?/g, 'N')
      .slice(0, 120) ?? ''
  return code === undefined ? line : `${code}: ${line}`
}
