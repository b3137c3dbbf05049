/**
 * The Universal Scalability Law, fitted to measured throughput: how much more the next connection gives, and where it begins to
 * take. N. J. Gunther, "A New Interpretation of Amdahl's Law and Geometric Scalability" (2002), and "Guerrilla Capacity Planning"
 * (Springer 2007), chapters 4 and 5.
 */
import { SluiceError } from '../base/errors.ts'

/** X(N) = λN ÷ (1 + σ(N − 1) + κN(N − 1)). */
export interface UslCurve {
  /** Throughput of one connection, per second; above 0. */
  readonly lambda: number
  /** Contention: the part of the work that waits its turn. 0 or more. */
  readonly sigma: number
  /** Coherency: what every connection costs every other one. 0 or more. */
  readonly kappa: number
}

/** What a size gave. */
export interface SizeThroughput {
  /** Connections, a whole number from 1. */
  readonly size: number
  /** Statements a second, above 0. */
  readonly throughput: number
}

/** A curve, and how well it fits. */
export interface UslFit extends UslCurve {
  /** The size beyond which throughput falls, N* = √((1 − σ) ÷ κ), at least 1; infinite where it never falls. */
  readonly peak: number
  /** Share of the variation in throughput that the curve explains: 1 is all of it, 0 or less none. */
  readonly rSquared: number
  /** Measured ÷ predicted − 1, in the order of the samples. */
  readonly residuals: readonly number[]
}

/** The throughput that a curve predicts for `size` connections. */
export function uslThroughput({ lambda, sigma, kappa }: UslCurve, size: number): number {
  return (lambda * size) / (1 + sigma * (size - 1) + kappa * size * (size - 1))
}

/** The size of the highest throughput: √((1 − σ) ÷ κ), at least 1; infinite where more connections never hurt. */
export function uslPeak({ sigma, kappa }: UslCurve): number {
  if (sigma >= 1) return 1
  return kappa === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.sqrt((1 - sigma) / kappa))
}

/**
 * The knee: the smallest size that reaches `share` of the best throughput predicted for 1 to `largest` connections. What lies
 * above `largest` was not measured and counts for nothing.
 *
 * @param share above 0, to 1; default 0.95
 */
export function uslKnee(curve: UslCurve, largest: number, share = 0.95): number {
  const predicted = Array.from({ length: largest }, (_, index) => uslThroughput(curve, index + 1))
  const enough = share * predicted.reduce((most, throughput) => Math.max(most, throughput), 0)
  return 1 + predicted.findIndex((throughput) => throughput >= enough)
}

/**
 * Fits the curve to samples, several of one size allowed: least squares of the relative errors, with λ > 0, σ ≥ 0 and κ ≥ 0, in
 * which outliers count less (Huber's weights). Turned over the law is a straight sum, N ÷ X = (1 + σ(N − 1) + κN(N − 1)) ÷ λ, so that
 * the best fit is found exactly and needs no guess to begin with.
 *
 * @throws SLUICE_BAD_OPTION for fewer than three different sizes, or a size or throughput out of its range
 */
export function fitUsl(samples: readonly SizeThroughput[]): UslFit {
  check(samples)
  const rows = samples.map(toRow)
  let weights = rows.map(() => 1)
  let found = solve(rows, weights)
  for (let turn = 0; turn < 30; turn++) {
    weights = huberWeights(rows.map((row) => errorOf(row, found)))
    found = solve(rows, weights)
  }
  const [a, b, c] = found
  const curve = { lambda: 1 / a, sigma: b / a, kappa: c / a }
  return { ...curve, peak: uslPeak(curve), ...quality(curve, samples) }
}

function check(samples: readonly SizeThroughput[]): void {
  for (const { size, throughput } of samples) {
    if (!Number.isInteger(size) || size < 1) bad(`size must be a whole number from 1; it is ${size}`)
    if (!(throughput > 0 && Number.isFinite(throughput)))
      bad(`throughput must be a finite number above 0; it is ${throughput}, of size ${size}`)
  }
  const different = new Set(samples.map(({ size }) => size)).size
  if (different < 3) bad(`samples must be of at least 3 different sizes; they are of ${different}`)
}

function bad(sentence: string): never {
  throw new SluiceError('SLUICE_BAD_OPTION', sentence)
}

type Triple = readonly [number, number, number]

/** 1, N − 1 and N(N − 1), each divided by N ÷ X: what is looked for adds them up to 1. */
function toRow({ size, throughput }: SizeThroughput): Triple {
  const scale = throughput / size
  return [scale, scale * (size - 1), scale * size * (size - 1)]
}

function errorOf(row: Triple, [a, b, c]: Triple): number {
  return row[0] * a + row[1] * b + row[2] * c - 1
}

/** Which of the three take part: with bounds of 0 the best fit is the best of those that leave some out (λ is always there). */
const subsets = [[0, 1, 2], [0, 1], [0, 2], [0]] as const

function solve(rows: readonly Triple[], weights: readonly number[]): Triple {
  let best: Triple | undefined
  let least = Number.POSITIVE_INFINITY
  for (const subset of subsets) {
    const found = solveFor(subset, rows, weights)
    if (found === undefined || found[0] <= 0 || found[1] < 0 || found[2] < 0) continue
    const cost = rows.reduce((sum, row, index) => sum + (weights[index] ?? 0) * errorOf(row, found) ** 2, 0)
    if (cost < least) {
      least = cost
      best = found
    }
  }
  if (best === undefined) throw new Error('BUG: a curve without contention and coherency fits anything')
  return best
}

/** Weighted least squares over some of the columns, by Gaussian elimination; the columns are scaled to one length before. */
function solveFor(
  subset: readonly number[],
  rows: readonly Triple[],
  weights: readonly number[],
): Triple | undefined {
  const at = (row: Triple, column: number): number => row[column] as number
  const lengths = subset.map((column) => Math.sqrt(rows.reduce((sum, row) => sum + at(row, column) ** 2, 0)))
  const scaled = rows.map((row) =>
    subset.map((column, index) => at(row, column) / (lengths[index] as number)),
  )
  const weighted = (left: (row: number[]) => number, right: (row: number[]) => number): number =>
    scaled.reduce((sum, row, index) => sum + (weights[index] ?? 0) * left(row) * right(row), 0)
  const matrix = subset.map((_, i) => [
    ...subset.map((_, j) =>
      weighted(
        (row) => row[i] as number,
        (row) => row[j] as number,
      ),
    ),
    weighted(
      (row) => row[i] as number,
      () => 1,
    ),
  ])
  const solution = eliminate(matrix)
  if (solution === undefined) return undefined
  const triple: [number, number, number] = [0, 0, 0]
  for (const [index, column] of subset.entries())
    triple[column] = (solution[index] as number) / (lengths[index] as number)
  return triple
}

/** Solves a small system, its right side in the last column; undefined where the columns say the same thing. */
function eliminate(matrix: number[][]): number[] | undefined {
  const n = matrix.length
  for (let column = 0; column < n; column++) {
    let pivot = column
    for (let row = column + 1; row < n; row++)
      if (Math.abs(cell(matrix, row, column)) > Math.abs(cell(matrix, pivot, column))) pivot = row
    if (Math.abs(cell(matrix, pivot, column)) < 1e-13) return undefined
    ;[matrix[column], matrix[pivot]] = [matrix[pivot] as number[], matrix[column] as number[]]
    for (let row = 0; row < n; row++) {
      if (row === column) continue
      const factor = cell(matrix, row, column) / cell(matrix, column, column)
      matrix[row] = (matrix[row] as number[]).map((value, k) => value - factor * cell(matrix, column, k))
    }
  }
  return matrix.map((row, index) => (row[n] as number) / (row[index] as number))
}

function cell(matrix: readonly number[][], row: number, column: number): number {
  return (matrix[row] as number[])[column] as number
}

/** Huber's weights with his constant of 1.345 and the scale taken from the median error (P. J. Huber, "Robust Statistics", 1981). */
function huberWeights(errors: readonly number[]): number[] {
  const sizes = errors.map(Math.abs)
  const scale = 1.4826 * median(sizes)
  return sizes
    .map((size) => (size <= 1.345 * scale ? 1 : (1.345 * scale) / size))
    .map((w) => Math.max(w, 1e-6))
}

/** The middle of some numbers, the mean of the two middle ones where there is none; at least one number. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2
}

function quality(
  curve: UslCurve,
  samples: readonly SizeThroughput[],
): Pick<UslFit, 'rSquared' | 'residuals'> {
  const mean = samples.reduce((sum, { throughput }) => sum + throughput, 0) / samples.length
  const squares = (of: (sample: SizeThroughput) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample) ** 2, 0)
  const left = squares(({ size, throughput }) => throughput - uslThroughput(curve, size))
  const total = squares(({ throughput }) => throughput - mean)
  return {
    // A flat curve that fits has nothing to explain.
    rSquared: left <= 1e-12 * mean ** 2 ? 1 : 1 - left / total,
    residuals: samples.map(({ size, throughput }) => throughput / uslThroughput(curve, size) - 1),
  }
}
