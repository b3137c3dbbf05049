/** What advice is made from: one picture of a pool, and an earlier one to tell rates and durations by. */
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import type { PoolStats } from '../core/stats.ts'
import type { Source, SourceConnection, SourceSettings, SourceStatement } from './source.ts'

/** A pool at one moment. */
export interface Snapshot {
  /** When: milliseconds since 1970. */
  readonly at: number
  readonly stats: PoolStats
  readonly settings: SourceSettings
  readonly connections: readonly SourceConnection[]
  readonly statements: readonly SourceStatement[]
  /** How long the process lives, in milliseconds, where that is known. */
  readonly uptimeMillis: number | undefined
  /** Whether the process is a function that is started for requests and frozen or ended after them, where that is known. */
  readonly serverless: boolean | undefined
  /** The same pool earlier: rates and durations are told from then on, without it from the pool's beginning. */
  readonly earlier: { readonly stats: PoolStats; readonly agoMillis: number } | undefined
}

/** What the pool cannot tell about itself. */
export type Circumstances = Partial<Pick<Snapshot, 'uptimeMillis' | 'serverless' | 'earlier'>>

/** How many of the learned statements are looked at: those that take most time. */
const STATEMENTS = 200

/** Takes a picture of a pool. */
export function snapshotOf(
  pool: Source,
  circumstances: Circumstances = {},
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Snapshot {
  return Object.freeze({
    at: clock.epoch(),
    stats: pool.stats(),
    settings: pool.settings(),
    connections: pool.connections(),
    statements: pool.statements(STATEMENTS),
    uptimeMillis: circumstances.uptimeMillis,
    serverless: circumstances.serverless,
    earlier: circumstances.earlier,
  })
}
