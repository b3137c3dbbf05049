/** What the dashboard needs of a pool, and what it shows of those that have more. */
import type { ConnectionRow, QueueRow } from '../core/stats.ts'
import type { MonitoredPool, MonitoredStats } from '../monitor/monitored.ts'
import type { Source } from '../monitor/source.ts'

/** A picture of a pool, with what only some pools have. */
export interface DashboardStats extends MonitoredStats {
  /** Undefined without a circuit breaker. */
  readonly breaker?:
    | {
        readonly state: 'closed' | 'open' | 'half-open'
        readonly failures?: number | undefined
        readonly calls?: number | undefined
        readonly retryAfterMillis?: number | undefined
      }
    | undefined
}

/** One slot, with what only some pools know of it. */
export interface DashboardConnection extends ConnectionRow {
  readonly processId?: number | undefined
  /** Statements under way on it together. */
  readonly depth?: number | undefined
}

/** A pool that can be shown: the Postgres pool has it all, the engine itself has `connections()` and `queue()`. */
export interface DashboardPool
  extends MonitoredPool,
    Partial<Pick<Source, 'query' | 'settings' | 'statements'>> {
  stats(): DashboardStats
  connections?(): readonly DashboardConnection[]
  queue?(): readonly QueueRow[]
  endpoint?(): { readonly endpoint: string; readonly pooler?: string | undefined }
}

const OF_A_SOURCE = ['query', 'stats', 'connections', 'settings', 'statements'] as const

/** The pool as advice is made of it; undefined for one that lacks something. */
export function sourceOf(pool: DashboardPool): Source | undefined {
  const hasAll = OF_A_SOURCE.every((method) => typeof pool[method] === 'function')
  return hasAll ? (pool as Source) : undefined
}
