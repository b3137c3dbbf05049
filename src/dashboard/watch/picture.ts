/** One pool at one moment, as the page draws it. */
import type { QueueRow } from '../../core/stats.ts'
import { errorType } from '../../monitor/recorder.ts'
import type { ClassFrame, PoolFrame, SlotFrame } from '../frame.ts'
import type { DashboardConnection, DashboardPool, DashboardStats } from '../pool.ts'
import { failureOf } from './failures.ts'
import { labelOf } from './happenings.ts'
import { rounded } from './recent.ts'

const MOST_SLOTS = 500
const MOST_QUEUES = 50
const LONGEST_STACK = 4_000

/** What goes into a picture besides the pool. */
export interface PictureParts {
  readonly name: string
  readonly pool: DashboardPool
  readonly stats: DashboardStats
  /** Milliseconds since 1970. */
  readonly epoch: number
  readonly perSecond: PoolFrame['perSecond']
  readonly classes: readonly ClassFrame[]
  readonly latency: PoolFrame['latency']
  readonly wait: PoolFrame['wait']
  /** Leases that are out for longer are shown with their stacks. */
  readonly leakMillis: number
}

/** Takes the picture. Its work grows with slots and agents, not with callers. */
export function pictureOf(parts: PictureParts): PoolFrame {
  const { classes, latency, name, perSecond, pool, stats, wait } = parts
  return {
    name,
    state: stats.state,
    max: stats.max,
    min: stats.min,
    maxOverflow: stats.maxOverflow,
    counts: countsOf(stats),
    utilization: rounded(stats.utilization),
    oldestWaitMillis: Math.round(stats.oldestWaitMillis),
    totals: totalsOf(stats),
    reuse: stats.reuse,
    lastOpenFailure: lastFailureOf(stats),
    wait,
    perSecond,
    classes,
    latency,
    queue: queueOf(pool.queue?.() ?? []),
    breaker: breakerOf(stats),
    slots: (pool.connections?.() ?? []).slice(0, MOST_SLOTS).map((row) => slotOf(row, parts)),
  }
}

function countsOf(stats: DashboardStats): PoolFrame['counts'] {
  const { total, opening, idle, checking, leased, shared, cancelling, closing, waiting, lost, leaking } =
    stats
  return { total, opening, idle, checking, leased, shared, cancelling, closing, waiting, lost, leaking }
}

function totalsOf(stats: DashboardStats): PoolFrame['totals'] {
  const { opened, openFailures, acquired, timeouts, aborted, rejected, shed, leaked, closed } = stats
  const retries = stats.retries ?? 0
  return { opened, openFailures, acquired, timeouts, aborted, rejected, shed, leaked, retries, closed }
}

function lastFailureOf({ lastOpenFailure }: DashboardStats): PoolFrame['lastOpenFailure'] {
  if (lastOpenFailure === undefined) return null
  return { message: failureOf(errorType(lastOpenFailure)), ageMillis: Math.round(lastOpenFailure.ageMillis) }
}

function breakerOf({ breaker }: DashboardStats): PoolFrame['breaker'] {
  if (breaker === undefined) return null
  const { calls = 0, failures = 0, retryAfterMillis = 0, state } = breaker
  return { state, failures, calls, retryAfterMillis: Math.round(retryAfterMillis) }
}

/** Of more rows than are shown, those with most callers. */
function queueOf(rows: readonly QueueRow[]): PoolFrame['queue'] {
  const byLength = [...rows].sort((a, b) => b.waiting - a.waiting)
  const shown = byLength.slice(0, MOST_QUEUES).sort((a, b) => a.priority - b.priority)
  const more = byLength.slice(MOST_QUEUES).reduce((sum, { waiting }) => sum + waiting, 0)
  return {
    rows: shown.map(({ agent, oldestMillis, priority, waiting }) => ({
      priority,
      agent: labelOf(agent),
      waiting,
      oldestMillis: Math.round(oldestMillis),
    })),
    more,
  }
}

function slotOf(row: DashboardConnection, { epoch, leakMillis }: PictureParts): SlotFrame {
  const { createdAt, leasedForMillis = 0 } = row
  return {
    id: row.id,
    state: row.state,
    sinceMillis: Math.round(row.sinceMillis),
    agent: labelOf(row.agent),
    processId: row.processId ?? null,
    uses: row.uses,
    ageMillis: createdAt === undefined ? null : Math.max(0, epoch - createdAt.getTime()),
    depth: row.depth ?? null,
    reason: row.reason ?? null,
    stack: leasedForMillis < leakMillis ? null : (row.stack?.slice(0, LONGEST_STACK) ?? null),
  }
}
