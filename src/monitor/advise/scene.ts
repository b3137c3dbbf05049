/** What every rule of the advice looks at. */
import type { Activity } from '../activity.ts'
import type { Finding, Severity } from '../finding.ts'
import type { Snapshot } from '../snapshot.ts'
import type { Window } from './window.ts'

/** A pool, what it went through, and its server where that was seen. */
export interface Scene extends Snapshot {
  readonly window: Window
  readonly activity: Activity | undefined
  /** Sessions that the pool's role may have in its database; `undefined` where that is not known. */
  readonly available: number | undefined
  readonly maxConnections: number | undefined
  readonly instances: number
}

/** A finding, and the codes of those that follow from it: it is never less severe than they are. */
export interface Draft extends Finding {
  readonly explains?: readonly string[]
}

/** One kind of advice. */
export type Rule = (scene: Scene) => readonly Draft[]

/** What shows in a pool whose connections are held too long, for whatever reason. */
export const SYMPTOMS: readonly string[] = [
  'queue-long',
  'exhausted',
  'saturated',
  'acquire-timeouts',
  'slow-acquire',
  'utilization',
  'overflow',
  'held-long',
]

/** The severity of a value: from `target` on it could be better, above `alert` it will hurt. */
export function graded(value: number, target: number, alert: number): Severity | undefined {
  if (value > alert) return 'warning'
  return value >= target ? 'advice' : undefined
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

export function millis(value: number): string {
  return `${(value < 10 ? Math.round(value * 10) / 10 : Math.round(value)).toLocaleString('en-US')} ms`
}

export function percent(value: number): string {
  return `${Math.round(value * 10) / 10} %`
}

/** `1 session`, `2 sessions`. */
export function several(n: number, what: string): string {
  return `${count(n)} ${what}${n === 1 ? '' : 's'}`
}
