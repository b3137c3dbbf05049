/** All measurements of a tune: rounds over every size, up and down in turns, and then rounds over those that matter. */
import type { Random } from '../../demo/workload/random.ts'
import type { SweepRound, SweepVerdict } from '../../sizing/sweep.ts'
import { judgeSweep } from '../../sizing/sweep.ts'
import { exitCodes, Refusal } from '../refusal.ts'
import type { Cell } from './cell.ts'
import { fewestRounds, sizesAround, sweepPart } from './plan.ts'

/** What a sweep works with. */
export interface SweepParts {
  readonly sizes: readonly number[]
  readonly random: Random
  /** When it has to be over, by `performance.now()`. */
  readonly deadline: number
  measure(size: number): Promise<Cell>
  /** Told after every cell. */
  onCell(progress: Progress): void
}

/** How far a sweep is. */
export interface Progress {
  /** Counted from 1. */
  readonly round: number
  readonly stage: 'sweep' | 'closer'
  readonly size: number
  /** That was the last size of its round. */
  readonly complete: boolean
  /** 0 to 1. */
  readonly done: number
  readonly rounds: readonly SweepRound[]
}

/** What a sweep measured. */
export interface Swept {
  readonly rounds: readonly SweepRound[]
  readonly verdict: SweepVerdict
  /** Statements of several callers shared a connection somewhere. */
  readonly shared: boolean
}

const mostRounds = 40

/** A sweep under way. */
export class Sweep {
  readonly #parts: SweepParts
  readonly #began = performance.now()
  readonly #rounds: SweepRound[] = []
  #cells = 0
  #shared = false
  #upward: boolean

  constructor(parts: SweepParts) {
    this.#parts = parts
    this.#upward = parts.random.chance(0.5)
  }

  /** @throws Refusal when the time was over before there was enough to judge by; what `measure` throws */
  async run(): Promise<Swept> {
    const { sizes, deadline } = this.#parts
    await this.#while('sweep', sizes, this.#began + sweepPart * (deadline - this.#began))
    const { recommended, best } = this.#judge()
    await this.#while('closer', sizesAround(sizes, recommended.size, best.size), deadline)
    return this.result()
  }

  /** What has been measured so far, whole rounds only. @throws Refusal when that is not enough */
  result(): Swept {
    return { rounds: this.#rounds, verdict: this.#judge(), shared: this.#shared }
  }

  #judge(): SweepVerdict {
    if (this.#rounds.length < fewestRounds)
      throw new Refusal(
        `Only ${this.#rounds.length} rounds could be measured in time, and it takes ${fewestRounds}: give more --seconds or a smaller --max.`,
        exitCodes.failed,
      )
    return judgeSweep(this.#rounds, () => this.#parts.random.next())
  }

  /** Rounds until the next one would not be over by `until`, but at least as many as a verdict needs. */
  async #while(stage: Progress['stage'], sizes: readonly number[], until: number): Promise<void> {
    const began = performance.now()
    for (let done = 0; done < mostRounds; done++) {
      const now = performance.now()
      const each = done === 0 ? 0 : (now - began) / done
      const needed = stage === 'sweep' && this.#rounds.length < fewestRounds
      if (now + each > (needed ? this.#parts.deadline : until)) return
      if (done === 0 && stage === 'closer' && now + this.#usual(sizes.length) > until) return
      await this.#round(stage, sizes)
    }
  }

  /** How long a round over so many sizes has taken so far. */
  #usual(count: number): number {
    return ((performance.now() - this.#began) / this.#cells) * count
  }

  async #round(stage: Progress['stage'], sizes: readonly number[]): Promise<void> {
    const round: { size: number; throughput: number }[] = []
    // Whatever drifts with time favours neither small nor large sizes; and few connections have to be opened anew.
    for (const size of this.#upward ? sizes : [...sizes].reverse()) {
      const cell = await this.#parts.measure(size)
      this.#cells++
      this.#shared ||= cell.shared
      round.push({ size, throughput: cell.throughput })
      this.#tell({ stage, size, complete: round.length === sizes.length, rounds: [...this.#rounds, round] })
    }
    this.#upward = !this.#upward
    this.#rounds.push(round)
  }

  #tell(progress: Pick<Progress, 'stage' | 'size' | 'complete' | 'rounds'>): void {
    const { deadline, onCell } = this.#parts
    const done = Math.min(1, (performance.now() - this.#began) / (deadline - this.#began))
    onCell({ ...progress, round: progress.rounds.length, done })
  }
}
