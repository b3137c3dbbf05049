/** What a sweep comes to: the curve, the knee, and what to write into the code. */
import type { Distribution } from '../../base/histogram.ts'
import type { SizeResult, SweepVerdict } from '../../sizing/sweep.ts'
import { minFor } from '../../sizing/tiers.ts'
import type { UslFit } from '../../sizing/usl.ts'
import { fitUsl, uslKnee, uslThroughput } from '../../sizing/usl.ts'
import type { Room } from './plan.ts'

/** One size, for a table. Times in milliseconds, as callers saw them. */
export interface SizeRow extends SizeResult {
  readonly p50: number
  readonly p99: number
  /** What the fitted curve says, where one fits. */
  readonly fitted: number | undefined
}

/** A curve that explains what was measured. */
export interface Fit extends Omit<UslFit, 'residuals'> {
  /** The smallest size that reaches 95 % of the best predicted throughput. */
  readonly knee: number
  /** The largest distance between a measurement and the curve, as a part of the curve. */
  readonly worstResidual: number
}

/** What follows. */
export interface Advice {
  readonly sizes: readonly SizeRow[]
  /** Undefined where no curve explains half of what differs between the sizes. */
  readonly fit: Fit | undefined
  readonly best: { readonly size: number; readonly throughput: number }
  readonly recommended: {
    readonly max: number
    readonly min: number
    readonly throughput: number
    readonly ofBest: number
    readonly confidence: number
    readonly reaches: SweepVerdict['reaches']
    /** Throughput still grew where the sweep ended: more might be better. */
    readonly atTheEnd: boolean
  }
  /** How many pools of that size the server has room for. */
  readonly instances: number
}

/** What callers saw over a size. */
export type Latencies = (size: number) => Pick<Distribution, 'p50' | 'p99'>

/** What explains less than this share of the variation explains nothing. */
const leastRSquared = 0.5

function fitOf(samples: SweepVerdict['samples'], largest: number): Fit | undefined {
  const { residuals, ...fit } = fitUsl(samples)
  if (fit.rSquared < leastRSquared) return undefined
  return { ...fit, knee: uslKnee(fit, largest), worstResidual: Math.max(...residuals.map(Math.abs)) }
}

/** The sizes with what callers saw over each. */
export function rowsOf(sizes: readonly SizeResult[], latencies: Latencies, fit: Fit | undefined): SizeRow[] {
  return sizes.map((size) => ({
    ...size,
    ...pick(latencies(size.size)),
    fitted: fit && uslThroughput(fit, size.size),
  }))
}

/** Puts a sweep's results together. */
export function adviceFrom(verdict: SweepVerdict, latencies: Latencies, room: Room): Advice {
  const { sizes, best, recommended, confidence, reaches, samples } = verdict
  const largest = sizes.at(-1) as SizeResult
  const fit = fitOf(samples, largest.size)
  return {
    sizes: rowsOf(sizes, latencies, fit),
    fit,
    best: { size: best.size, throughput: best.throughput },
    recommended: {
      max: recommended.size,
      min: minFor(recommended.size),
      throughput: recommended.throughput,
      ofBest: recommended.ofBest,
      confidence,
      reaches,
      atTheEnd: recommended.size === largest.size,
    },
    instances: Math.floor(room.usable / recommended.size),
  }
}

function pick({ p50, p99 }: Pick<Distribution, 'p50' | 'p99'>): { p50: number; p99: number } {
  return { p50, p99 }
}
