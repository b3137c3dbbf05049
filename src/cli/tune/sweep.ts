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
  /** Milliseconds, as `performance.now()`. */
  readonly now: () => number
  /** When it has to be over, by `now()`. */
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

/** What a sweep that was ended early had measured by then: figures, and no verdict. */
export interface SweptSoFar extends Omit<Swept, 'verdict'> {
  readonly sizes: SweepVerdict['sizes']
}

const mostRounds = 200
/** What one round alone says may be chance. */
const fewestToShow = 2

/** A sweep under way. */
export class Sweep {
  readonly #parts: SweepParts
  readonly #began: number
  readonly #rounds: SweepRound[] = []
  #cells = 0
  #shared = false
  #upward: boolean

  constructor(parts: SweepParts) {
    this.#parts = parts
    this.#began = parts.now()
    this.#upward = parts.random.chance(0.5)
  }

  /** @throws Refusal when the time was over before there was enough to judge by; what `measure` throws */
  async run(): Promise<Swept> {
    const { sizes, deadline } = this.#parts
    const half = this.#began + sweepPart * (deadline - this.#began)
    while (this.#fits(sizes.length, this.#rounds.length < fewestRounds ? deadline : half))
      await this.#round('sweep', sizes)
    for (;;) {
      // Every round may show that another size is the one that matters.
      const { recommended, best } = this.#judge(200)
      const around = sizesAround(sizes, recommended.size, best.size)
      if (!this.#fits(around.length, deadline)) return this.result()
      await this.#round('closer', around)
    }
  }

  /** What has been measured so far, whole rounds only. @throws Refusal when that is not enough */
  result(): Swept {
    return { rounds: this.#rounds, verdict: this.#judge(1_000), shared: this.#shared }
  }

  /** The same without a verdict; undefined before two rounds are over. */
  soFar(): SweptSoFar | undefined {
    if (this.#rounds.length < fewestToShow) return undefined
    const { sizes } = judgeSweep(this.#rounds, () => this.#parts.random.next(), 1)
    return { rounds: this.#rounds, sizes, shared: this.#shared }
  }

  #judge(resamples: number): SweepVerdict {
    if (this.#rounds.length < fewestRounds)
      throw new Refusal(
        `Only ${this.#rounds.length} rounds could be measured in time, and it takes ${fewestRounds}: give more --seconds or a smaller --max.`,
        exitCodes.failed,
      )
    return judgeSweep(this.#rounds, () => this.#parts.random.next(), resamples)
  }

  /** Whether a round over so many sizes would be over by `until`, if it takes as long as those before. */
  #fits(count: number, until: number): boolean {
    if (this.#rounds.length >= mostRounds) return false
    const now = this.#parts.now()
    const each = this.#cells === 0 ? 0 : (now - this.#began) / this.#cells
    return now + count * each <= until
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
    const { deadline, now, onCell } = this.#parts
    const done = Math.min(1, (now() - this.#began) / (deadline - this.#began))
    onCell({ ...progress, round: progress.rounds.length, done })
  }
}
