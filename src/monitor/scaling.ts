/** `scalingAdvice()`: when to scale, and what, from a series of samples of a pool. */
import { readMillis, readNumber, readOptions, readWord } from '../base/options.ts'
import type { TierName } from '../sizing/tiers.ts'
import { TIERS } from '../sizing/tiers.ts'
import { learnedBaseline } from './scaling/baseline.ts'
import { SCALING } from './scaling/figures.ts'
import { into, out } from './scaling/instances.ts'
import { resize } from './scaling/resize.ts'
import type { Rule, ScalingAdvice, ScalingUnknown } from './scaling/rule.ts'
import type { ScalingSample } from './scaling/sample.ts'
import { requireSeries, sinceSetBack } from './scaling/sample.ts'
import { tierDown, tierUp } from './scaling/tier.ts'

export type { ScalingAdvice, ScalingKind, ScalingUnknown } from './scaling/rule.ts'
export type { ScalingSample } from './scaling/sample.ts'
export { sampleOf } from './scaling/sample.ts'
export type { Seen } from './scaling/window.ts'

/** What the samples do not tell. */
export interface ScalingOptions {
  /** What `max` of the pool may never exceed. 1 or more; without it nothing is said about its size. */
  readonly absoluteMax?: number | undefined
  /** In how many instances the program runs. 1 or more; without it advice says one more, or one less. */
  readonly instances?: number | undefined
  /** Fewer instances are not advised. 1 or more; default 2. */
  readonly minInstances?: number | undefined
  /** More are not. 1 or more; default 20. */
  readonly maxInstances?: number | undefined
  /** The size of the database, as `sluice/sizing` names it. */
  readonly tier?: TierName | undefined
  /** The response time of calm times, in milliseconds; default: learned from the series. */
  readonly baselineMillis?: number | undefined
  /** When instances or database were changed last, on the clock of the samples: what was before no longer counts, but for the baseline. */
  readonly changedAt?: number | undefined
  /** Between two samples, in milliseconds; a gap of more than twice that begins every window anew. 1 or more; default 60,000. */
  readonly every?: number | undefined
}

/** When to scale, and what. */
export interface ScalingReport {
  /** The smallest change first. */
  readonly advice: readonly ScalingAdvice[]
  /** What could not be judged, and why. */
  readonly unknown: readonly ScalingUnknown[]
  /** The response time that others were held against; undefined where it is neither given nor learned. */
  readonly baselineMillis: number | undefined
}

const NAMES: readonly (keyof ScalingOptions)[] = [
  'absoluteMax',
  'instances',
  'minInstances',
  'maxInstances',
  'tier',
  'baselineMillis',
  'changedAt',
  'every',
]

/** The smallest change first. */
const RULES: readonly Rule[] = [resize, out, into, tierUp, tierDown]

/**
 * What to scale, from samples in the order in which they were taken; the last one is now. Pure. A figure counts where it was exceeded in
 * every sample of its window, the one at the beginning included; a rule whose facts are not known is silent, and says so in
 * `unknown`. What asks for more and what asks for less never hold together: between them lies a band in which nothing is said.
 * @throws SLUICE_BAD_OPTION
 */
export function scalingAdvice(series: readonly ScalingSample[], options: ScalingOptions = {}): ScalingReport {
  requireSeries(series)
  const given = readOptions(options, 'scalingAdvice()', NAMES)
  const whole = { min: 1, max: Number.POSITIVE_INFINITY }
  const any = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY, whole: false }
  const baseline = readMillis(given, 'baselineMillis') ?? learnedBaseline(series)
  const changedAt = readNumber(given, 'changedAt', any) ?? Number.NEGATIVE_INFINITY
  const scene = {
    series: sinceSetBack(series).filter(({ at }) => at >= changedAt),
    every: readMillis(given, 'every', 1) ?? SCALING.everyMillis,
    baseline,
    absoluteMax: readNumber(given, 'absoluteMax', whole),
    instances: readNumber(given, 'instances', whole),
    minInstances: readNumber(given, 'minInstances', whole) ?? 2,
    maxInstances: readNumber(given, 'maxInstances', whole) ?? 20,
    tier: readWord(given, 'tier', Object.keys(TIERS) as TierName[]),
  }
  const verdicts = RULES.map((rule) => rule(scene))
  return Object.freeze({
    advice: verdicts.flatMap(({ advice }) => advice ?? []),
    unknown: verdicts.flatMap(({ unknown }) => unknown),
    baselineMillis: baseline,
  })
}
