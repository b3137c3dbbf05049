/** What every rule of the advice looks at. */
import type { Activity, Limits } from '../activity.ts'
import type { Severity } from '../finding.ts'
import type { Draft } from '../rank.ts'
import type { Snapshot } from '../snapshot.ts'
import type { Window } from './window.ts'

/** A pool, what it went through, and its server where that was seen. */
export interface Scene extends Snapshot {
  readonly window: Window
  readonly activity: Activity | undefined
  /** Sessions that the pool's role may have in its database; `undefined` where that is not known. */
  readonly available: number | undefined
  /** Sessions that ordinary roles may have together. */
  readonly usable: number | undefined
  readonly limits: Partial<Limits>
  readonly instances: number
}

/** One kind of advice. */
export type Rule = (scene: Scene) => readonly Draft[]

/** An open that failed longer ago says nothing about now. */
export const LATELY_MILLIS = 60_000

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
