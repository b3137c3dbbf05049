/** What the monitor needs of a Postgres pool: Sluice's own has it all (test/types/monitor.ts). */
import type { ConnectionRow, PoolStats } from '../core/stats.ts'

/** One row, as the driver gives it. */
export type Row = Readonly<Record<string, unknown>>

/** How the monitor asks: what it asks is bounded, and does not join the lanes of the work that it looks at. */
export interface AskOptions {
  readonly timeout: number
  readonly signal: AbortSignal
  readonly priority: 'high'
  readonly lane: boolean
  readonly prepare: boolean
}

/** One slot of the pool. */
export interface SourceConnection extends ConnectionRow {
  readonly processId: number | undefined
}

/** The effective options of the pool that advice is about. Milliseconds; `undefined` is never, none or not known. */
export interface SourceSettings {
  readonly profile: string | undefined
  readonly endpoint: string
  readonly max: number
  readonly min: number
  readonly maxOverflow: number
  readonly acquireTimeoutMillis: number
  readonly connectionTimeoutMillis: number
  readonly idleTimeoutMillis: number | undefined
  readonly maxLifetimeMillis: number | undefined
  readonly prePingMillis: number | undefined
  readonly leakDetectionMillis: number | undefined
  readonly statementTimeout: number | undefined
  readonly idleInTransactionTimeout: number | undefined
  /** Statements that a connection keeps prepared; 0 where none are. */
  readonly preparedStatements: number
  /** Whether the endpoint is known to lead a prepared statement back to its session. */
  readonly carriesPrepared?: boolean | undefined
  /** Whether lanes were asked for; `'auto'` where that is left to the pool. */
  readonly pipelining?: boolean | 'auto' | undefined
  /** TCP keep-alive. */
  readonly keepAlive: boolean
}

/** What the pool has learned of one statement, its literals aside. */
export interface SourceStatement {
  readonly text: string
  readonly calls: number
  readonly meanMillis: number
  /** What few runs exceed. */
  readonly highMillis: number
}

/** A Postgres pool as the monitor sees it. */
export interface Source {
  query(text: string, values: unknown[], options: AskOptions): PromiseLike<{ readonly rows: readonly Row[] }>
  stats(): PoolStats
  connections(): readonly SourceConnection[]
  settings(): SourceSettings
  /** Those first that took most time together, `limit` at most. */
  statements(limit?: number): readonly SourceStatement[]
}
