/** What became of every statement of a load, and whether the server's tables agree. */
import type { Failure } from './failure.ts'
import { GIVEN_UP } from './failure.ts'

/** Counts answers and failures as they come; times are those of performance.now(). */
export class Ledger {
  answered = 0
  cancelled = 0
  /** Statements that are under way. */
  open = 0
  readonly lost: Record<string, number> = {}
  readonly failures: number[] = []
  readonly #acknowledged: string[] = []
  readonly #unknown = new Set<string>()
  readonly #refused = new Set<string>()
  readonly #underway = new Set<string>()
  readonly #began = performance.now()
  #last = this.#began
  #longestGap = 0
  #faultEnded = Number.POSITIVE_INFINITY
  #recovered: number | undefined

  get unknown(): number {
    return this.#unknown.size + this.#underway.size
  }

  /** The fault is over: the next answer is the recovery. */
  faultEnds(): void {
    this.#faultEnded = performance.now()
  }

  get recoveryMillis(): number | undefined {
    return this.#recovered === undefined ? undefined : this.#recovered - this.#faultEnded
  }

  /** From the end of the fault to the last failure. */
  get lastFailureMillis(): number | undefined {
    const last = this.failures.at(-1)
    return last === undefined || last < this.#faultEnded ? undefined : last - this.#faultEnded
  }

  /** The longest time without an answer, between two or, where it is said until when, after the last one. */
  longestGap(until: number = this.#last): number {
    return Math.max(this.#longestGap, until - this.#last)
  }

  /** Answers from before now do not count; neither does the time before. */
  restart(): void {
    this.answered = 0
    this.#longestGap = 0
    this.#last = performance.now()
  }

  /** Runs a statement, or a few that succeed or fail as one, and notes how it ends. `tag` is what it writes, if it writes. */
  async note(work: () => Promise<unknown>, tag?: string): Promise<boolean> {
    this.open += 1
    if (tag !== undefined) this.#underway.add(tag)
    try {
      await work()
      this.#answer(tag)
      return true
    } catch (error) {
      this.#fail(error as Failure, tag)
      return false
    } finally {
      this.open -= 1
      if (tag !== undefined) this.#underway.delete(tag)
    }
  }

  /** What the tags in the tables of writes say against what callers were told. */
  contradictions(tags: readonly string[]): string[] {
    const rows = new Set(tags)
    const wrong = (count: number, what: string) => (count === 0 ? [] : [`${count} ${what}`])
    const there = (some: Iterable<string>) => [...some].filter((tag) => rows.has(tag)).length
    return [
      ...wrong(this.#acknowledged.length - there(this.#acknowledged), 'acknowledged writes are missing'),
      ...wrong(tags.length - rows.size, 'writes took effect more than once'),
      ...wrong(there(this.#refused), 'writes took effect that were said not to'),
    ]
  }

  #answer(tag: string | undefined): void {
    const now = performance.now()
    this.answered += 1
    this.#longestGap = Math.max(this.#longestGap, now - this.#last)
    this.#last = now
    if (now >= this.#faultEnded) this.#recovered ??= now
    if (tag !== undefined) this.#acknowledged.push(tag)
  }

  #fail({ kind, effect }: Failure, tag: string | undefined): void {
    if (tag !== undefined) (effect === 'none' ? this.#refused : this.#unknown).add(tag)
    if (GIVEN_UP.has(kind)) {
      this.cancelled += 1
      return
    }
    this.lost[kind] = (this.lost[kind] ?? 0) + 1
    this.failures.push(performance.now())
  }
}
