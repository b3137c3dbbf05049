/** What a sweep over pool sizes says: which size is enough, and how sure that is. */
import { SluiceError } from '../base/errors.ts'
import type { SizeThroughput } from './usl.ts'
import { median } from './usl.ts'

/** One pass over sizes, measured shortly after one another; a size at most once, not every size in every round. */
export type SweepRound = readonly SizeThroughput[]

/** What all rounds say of one size. */
export interface SizeResult extends SizeThroughput {
  /** Its throughput ÷ that of the best size. */
  readonly ofBest: number
  /** How many rounds measured it. */
  readonly rounds: number
  /** The lowest and the highest of them, with what moved whole rounds up or down taken out. */
  readonly lowest: number
  readonly highest: number
}

/** The verdict of a sweep. */
export interface SweepVerdict {
  /** Every size measured, the smallest first; throughput is the median over the rounds. */
  readonly sizes: readonly SizeResult[]
  readonly best: SizeResult
  /** The smallest size that is enough. */
  readonly recommended: SizeResult
  /** How likely the recommended size reaches 95 % of the best: its share of the resamplings, 0 to 1. */
  readonly confidence: number
  /** What it reaches of the best in nine resamplings of ten. */
  readonly reaches: { readonly low: number; readonly high: number }
  /** Every measurement, with what moved whole rounds up or down taken out: what a curve is fitted to. */
  readonly samples: readonly SizeThroughput[]
}

/** What a size has to reach of the best throughput. */
const promised = 0.95
/** What its median has to reach, so that an error of measuring does not cost the promise. */
const aimed = 0.97
/** How likely it has to keep the promise. */
const sure = 0.9
/** In fewer rounds a size says too little to be chosen, where others have more. */
const fewestRounds = 3

/**
 * Finds the smallest size whose median reaches 97 % of the best and that reaches 95 % in at least nine of ten resamplings; where
 * none does, the one that does so most often, the smaller one on a tie. It is always a size that was measured, and in three rounds
 * at least where there were as many.
 *
 * Rounds differ, because machines do other things besides: a two-way median polish (J. W. Tukey, "Exploratory Data Analysis", 1977) takes that
 * out. The confidence is a bootstrap over the rounds (B. Efron, "Bootstrap Methods", 1979).
 *
 * @param random 0 ≤ n < 1; the same numbers give the same verdict
 * @param resamples default 1,000
 * @throws SLUICE_BAD_OPTION without a measurement, or with one that is not above 0
 */
export function judgeSweep(
  rounds: readonly SweepRound[],
  random: () => number,
  resamples = 1_000,
): SweepVerdict {
  const bySize = levelled(rounds)
  const sizes = summarise(bySize)
  const best = sizes.reduce((most, size) => (size.throughput > most.throughput ? size : most))
  const columns = sizes.map(({ size }) => bySize.get(size) as number[])
  const shares = resample(columns, random, resamples)
  const likely = (index: number): number =>
    shares.filter((row) => (row[index] as number) >= promised).length / shares.length
  const index = choose(sizes, likely)
  const reached = shares.map((row) => row[index] as number).sort((a, b) => a - b)
  const at = (share: number): number => reached[Math.floor(share * (reached.length - 1))] as number
  return {
    sizes,
    best,
    recommended: sizes[index] as SizeResult,
    confidence: likely(index),
    reaches: { low: at(0.05), high: at(0.95) },
    samples: [...bySize].flatMap(([size, values]) => values.map((throughput) => ({ size, throughput }))),
  }
}

function choose(sizes: readonly SizeResult[], likely: (index: number) => number): number {
  const most = Math.max(...sizes.map(({ rounds }) => rounds))
  const candidates = sizes
    .map(({ ofBest, rounds }, index) => ({ ofBest, rounds, index, likely: likely(index) }))
    .filter(({ rounds }) => rounds >= Math.min(most, fewestRounds))
  const enough = candidates.filter(({ ofBest }) => ofBest >= aimed)
  const found =
    enough.find((one) => one.likely >= sure) ??
    (enough.length > 0 ? enough : candidates).reduce((best, one) => (one.likely > best.likely ? one : best))
  return found.index
}

/** The measurements of each size, with what a whole round was faster or slower than the others taken out. */
function levelled(rounds: readonly SweepRound[]): Map<number, number[]> {
  const cells = rounds.flatMap((round, index) =>
    round.map(({ size, throughput }) => {
      if (!(throughput > 0)) bad(`throughput must be above 0; it is ${throughput}, of size ${size}`)
      return { size, round: index, log: Math.log(throughput) }
    }),
  )
  if (cells.length === 0) bad('rounds must hold at least one measurement; they hold none')
  const ofSize = new Map<number, number>()
  const ofRound = new Map<number, number>()
  for (let turn = 0; turn < 20; turn++) {
    setEffects(ofSize, cells, 'size', ({ log, round }) => log - (ofRound.get(round) ?? 0))
    setEffects(ofRound, cells, 'round', ({ log, size }) => log - (ofSize.get(size) ?? 0))
    const level = median([...ofRound.values()])
    for (const [round, effect] of ofRound) ofRound.set(round, effect - level)
  }
  const bySize = new Map<number, number[]>()
  for (const { size, round, log } of cells.sort((a, b) => a.size - b.size))
    bySize.set(size, [...(bySize.get(size) ?? []), Math.exp(log - (ofRound.get(round) ?? 0))])
  return bySize
}

interface Cell {
  readonly size: number
  readonly round: number
  readonly log: number
}

function setEffects(
  effects: Map<number, number>,
  cells: readonly Cell[],
  by: 'size' | 'round',
  rest: (cell: Cell) => number,
): void {
  const groups = new Map<number, number[]>()
  for (const cell of cells) groups.set(cell[by], [...(groups.get(cell[by]) ?? []), rest(cell)])
  for (const [key, values] of groups) effects.set(key, median(values))
}

function summarise(bySize: ReadonlyMap<number, readonly number[]>): SizeResult[] {
  const medians = [...bySize].map(([size, values]) => ({ size, values, throughput: median(values) }))
  const most = medians.reduce((most, { throughput }) => Math.max(most, throughput), 0)
  return medians.map(({ size, values, throughput }) => ({
    size,
    throughput,
    ofBest: throughput / most,
    rounds: values.length,
    lowest: Math.min(...values),
    highest: Math.max(...values),
  }))
}

/** What each size reaches of the best one, once for every time that its rounds are drawn anew. */
function resample(columns: readonly (readonly number[])[], random: () => number, times: number): number[][] {
  return Array.from({ length: times }, () => {
    const drawn = columns.map((values) =>
      median(values.map(() => values[Math.floor(random() * values.length)] as number)),
    )
    const most = Math.max(...drawn)
    return drawn.map((throughput) => throughput / most)
  })
}

function bad(sentence: string): never {
  throw new SluiceError('SLUICE_BAD_OPTION', sentence)
}
