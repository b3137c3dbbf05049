/** The last part of a series, and what held in it all the time. */
import { span } from '../words.ts'
import type { ScalingSample } from './sample.ts'

/** A fact as the rules ask for it: undefined is not known, null is nothing to judge by. */
export type Pick = (sample: ScalingSample) => number | null | undefined

/** Something that may hold at each moment of a window. */
export interface Condition {
  /** What it is about, and what it must be: `queueDepth`, `more than 50`. */
  readonly fact: string
  readonly must: string
  readonly unit?: string | undefined
  readonly pick: Pick
  readonly holds: (value: number) => boolean
  /** Whether a sample without anything to judge by counts as one in which it holds. */
  readonly holdsForNone?: boolean | undefined
}

/** The least and the most that was seen of a fact. */
export interface Seen {
  readonly least: number
  readonly most: number
}

/** How a condition came out. */
export type Outcome =
  | { readonly kind: 'holds'; readonly seen: Seen | undefined; readonly text: string }
  | { readonly kind: 'fails' }
  | { readonly kind: 'unknown'; readonly why: string }

/** A window that the series fills, or why it does not. */
export type Window =
  | { readonly kind: 'full'; readonly samples: readonly ScalingSample[]; readonly millis: number }
  | { readonly kind: 'short'; readonly why: string }

/**
 * The last `millis` of a series, the sample at their beginning included, or the last before it. They are full where no two samples
 * are further apart than `2 × every`, or than a hundredth of the window where that is more.
 */
export function windowOf(series: readonly ScalingSample[], millis: number, every: number): Window {
  const last = series.at(-1)
  if (last === undefined) return { kind: 'short', why: 'there is no sample' }
  const begins = last.at - millis
  const widest = Math.max(2 * every, millis / 100)
  let from = series.length - 1
  while (from > 0 && (series[from] as ScalingSample).at > begins) {
    const [before, sample] = [series[from - 1] as ScalingSample, series[from] as ScalingSample]
    if (sample.at - before.at > widest) break
    from -= 1
  }
  const first = series[from] as ScalingSample
  if (first.at <= begins) return { kind: 'full', samples: series.slice(from), millis }
  const why = `the samples cover ${span(last.at - first.at)} of ${span(millis)} without a gap`
  return { kind: 'short', why }
}

/** Whether something held all the time. */
export function judge(window: Window, condition: Condition): Outcome {
  if (window.kind === 'short') return { kind: 'unknown', why: window.why }
  const { fact, holds, holdsForNone = false, must, pick, unit = '' } = condition
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  let [missing, none] = [0, 0]
  for (const sample of window.samples) {
    const value = pick(sample)
    if (value === undefined) missing += 1
    else if (value === null) none += 1
    // What fails at a moment that is known does not hold all the time, whatever else is not known.
    else if (!holds(value)) return { kind: 'fails' }
    else [least, most] = [Math.min(least, value), Math.max(most, value)]
  }
  const { length } = window.samples
  if (missing > 0) return { kind: 'unknown', why: `${fact} is not known in ${missing} of ${length} samples` }
  if (none > 0 && !holdsForNone) return { kind: 'fails' }
  const time = `for ${span(window.millis)}`
  if (none === length) return { kind: 'holds', seen: undefined, text: `${fact}: nothing to judge by ${time}` }
  const range = least === most ? show(least) : `${show(least)} to ${show(most)}`
  return { kind: 'holds', seen: { least, most }, text: `${fact} ${range}${unit}, ${must}, ${time}` }
}

function show(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 1 })
}
