/** What the scaling rules go by, and how what held becomes advice. */
import type { TierName } from '../../sizing/tiers.ts'
import type { ScalingSample } from './sample.ts'
import type { Condition, Outcome, Seen, Window } from './window.ts'
import { judge } from './window.ts'

/** What to do: another size of the pool, more or fewer instances of the program, a larger or smaller database. */
export type ScalingKind = 'resize' | 'out' | 'in' | 'tier-up' | 'tier-down'

/** One change to make. */
export interface ScalingAdvice {
  readonly kind: ScalingKind
  /** What held, in numbers, and for how long. */
  readonly evidence: string
  /** The least and the most that was seen of each fact that decided. */
  readonly seen: Readonly<Record<string, Seen>>
  /** How far back it looked, in milliseconds. */
  readonly windowMillis: number
  /** What to change, in one sentence. */
  readonly change: string
  /** With `resize`. */
  readonly size?: { readonly max: number; readonly min: number } | undefined
  /** With `out` and `in`, where `instances` is known. */
  readonly instances?: number | undefined
  /** With `tier-up` and `tier-down`, where `tier` is known and there is such a one. */
  readonly tier?: TierName | undefined
}

/** A rule, or one condition of it, that could not be judged. */
export interface ScalingUnknown {
  readonly kind: ScalingKind
  readonly why: string
}

/** What the rules go by. */
export interface Scene {
  /** Since the last change. */
  readonly series: readonly ScalingSample[]
  readonly every: number
  readonly baseline: number | undefined
  readonly absoluteMax: number | undefined
  readonly instances: number | undefined
  readonly minInstances: number
  readonly maxInstances: number
  readonly tier: TierName | undefined
}

/** What a rule says. */
export interface Verdict {
  readonly advice: ScalingAdvice | undefined
  readonly unknown: readonly ScalingUnknown[]
}

export type Rule = (scene: Scene) => Verdict

/** A rule that has nothing to say. */
export const SILENT: Verdict = { advice: undefined, unknown: [] }

/** A rule that cannot be judged. */
export function unknown(kind: ScalingKind, ...whys: readonly string[]): Verdict {
  return { advice: undefined, unknown: [...new Set(whys)].map((why) => ({ kind, why })) }
}

/** What conditions came to together. */
export interface Judged {
  readonly held: readonly { readonly fact: string; readonly seen: Seen | undefined; readonly text: string }[]
  readonly failed: number
  readonly whys: readonly string[]
}

/** Judges conditions over one window. */
export function judgeAll(window: Window, conditions: readonly Condition[]): Judged {
  return gathered(
    conditions.map((condition) => ({ fact: condition.fact, outcome: judge(window, condition) })),
  )
}

/** Puts outcomes together. */
export function gathered(outcomes: readonly { readonly fact: string; readonly outcome: Outcome }[]): Judged {
  return {
    held: outcomes.flatMap(({ fact, outcome }) =>
      outcome.kind === 'holds' ? { fact, seen: outcome.seen, text: outcome.text } : [],
    ),
    failed: outcomes.filter(({ outcome }) => outcome.kind === 'fails').length,
    whys: outcomes.flatMap(({ outcome }) => (outcome.kind === 'unknown' ? outcome.why : [])),
  }
}

/** What was seen, for advice. */
export function evidenceOf({ held }: Judged): Pick<ScalingAdvice, 'evidence' | 'seen'> {
  return {
    evidence: `${held.map(({ text }) => text).join('; ')}.`,
    seen: Object.fromEntries(held.flatMap(({ fact, seen }) => (seen === undefined ? [] : [[fact, seen]]))),
  }
}

/** The response time of a sample; not known without a baseline to hold it against. */
export function responseOf(baseline: number | undefined) {
  return ({ responseMillis }: ScalingSample): number | null | undefined =>
    typeof responseMillis === 'number' && baseline === undefined ? undefined : responseMillis
}
