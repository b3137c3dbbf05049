/** What each metric says of a pool, from its statistics, its recorder and its server. */
import type { Buckets } from '../../base/buckets.ts'
import { busyOf, SLOT_STATES } from '../../base/slots.ts'
import type { Activity } from '../activity/seen.ts'
import type { MonitoredStats } from '../monitored.ts'
import type { Counts, Recorder } from '../recorder.ts'
import type { MetricId } from './metrics.ts'

/** One number of a metric, without what all numbers of its pool share. */
export interface Figure {
  readonly value: number
  readonly labels?: Readonly<Record<string, string>>
  readonly suffix?: '_bucket' | '_sum' | '_count'
}

/** One pool at one moment. */
export interface Seen {
  readonly stats: MonitoredStats
  readonly recorder: Recorder
}

/** The metrics that take a question to the server. */
export type ServerMetricId = 'sessions' | 'longestStatement' | 'maxSessions'

/** Those that the pool itself can tell. */
export type PoolMetricId = Exclude<MetricId, ServerMetricId>

const BREAKER_STATES = ['closed', 'half-open', 'open'] as const

/**
 * What opening a connection fails with most: they are shown from the first scrape on. Prometheus takes the first value of a series for
 * what it begins with, so that of a counter which began with the first failures it would see none of them.
 */
export const CONNECTION_ERRORS: readonly string[] = [
  'lost',
  'other',
  'SLUICE_OPEN_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ETIMEDOUT',
  // A password, a role, a database that the server does not take.
  '28P01',
  '28000',
  '3D000',
  // Too many connections; a server that stops, or starts.
  '53300',
  '57P01',
  '57P03',
]

const one = (value: number): readonly Figure[] => [{ value }]

/** A number for each word of a label. */
function by(label: string, values: Iterable<readonly [string, number]>): readonly Figure[] {
  return [...values].map(([word, value]) => ({ value, labels: { [label]: word } }))
}

/** A number for each word that was counted, and 0 for words that were not yet. */
function counted(label: string, counts: Counts, known: readonly string[] = []): readonly Figure[] {
  return by(label, new Map([...known.map((word) => [word, 0] as const), ...counts.entries()]))
}

function histogram(buckets: Buckets, labels: Readonly<Record<string, string>> = {}): readonly Figure[] {
  const below = buckets.cumulative()
  const { boundaries, count, sum } = buckets
  return [
    ...boundaries.map((boundary, place) => ({
      value: below[place] as number,
      labels: { ...labels, le: String(boundary) },
      suffix: '_bucket' as const,
    })),
    { value: count, labels: { ...labels, le: '+Inf' }, suffix: '_bucket' },
    { value: sum, labels, suffix: '_sum' },
    { value: count, labels, suffix: '_count' },
  ]
}

/** What the pool tells. No figure is no series. */
export const POOL_FIGURES: Readonly<Record<PoolMetricId, (seen: Seen) => readonly Figure[]>> = {
  connections: ({ stats }) =>
    by('state', [
      ['total', stats.total],
      ['idle', stats.idle],
      ['active', busyOf(stats)],
      ['waiting', stats.waiting],
    ]),
  slots: ({ stats }) =>
    by(
      'state',
      SLOT_STATES.map((state) => [state, stats[state]] as const),
    ),
  max: ({ stats }) => one(stats.max),
  min: ({ stats }) => one(stats.min),
  maxOverflow: ({ stats }) => one(stats.maxOverflow),
  overflow: ({ stats: { total, max } }) => one(Math.max(0, total - max)),
  utilization: ({ stats }) => one(stats.utilization / 100),
  waiting: ({ stats }) =>
    by(
      'priority',
      stats.waitingByPriority.map((waiting, place) => [String(place + 1), waiting] as const),
    ),
  oldestWait: ({ stats }) => one(stats.oldestWaitMillis / 1_000),
  wait: ({ recorder }) => histogram(recorder.waits),
  use: ({ recorder }) => histogram(recorder.uses),
  open: ({ recorder }) => histogram(recorder.opens),
  acquires: ({ stats }) => one(stats.acquired),
  // The pool tells their share; what was counted is whole.
  reuses: ({ stats }) => one(Math.round(stats.reuse * stats.acquired)),
  refusals: ({ stats: { timeouts, aborted, rejected, shed } }) =>
    by('reason', [
      ['timeout', timeouts],
      ['aborted', aborted],
      ['rejected', rejected],
      ['shed', shed],
    ]),
  opens: ({ stats }) => one(stats.opened),
  closes: ({ stats }) => by('reason', Object.entries(stats.closed)),
  lost: ({ stats }) => one(stats.lost),
  leaks: ({ stats }) => one(stats.leaked),
  leaking: ({ stats }) => one(stats.leaking),
  retries: ({ stats }) => (stats.retries === undefined ? [] : one(stats.retries)),
  breaker: ({ stats: { breaker } }) =>
    breaker === undefined
      ? []
      : by(
          'state',
          BREAKER_STATES.map((state) => [state, state === breaker.state ? 1 : 0] as const),
        ),
  connectionErrors: ({ recorder }) => counted('type', recorder.connectionErrors, CONNECTION_ERRORS),
  queries: ({ recorder }) =>
    [...recorder.classes].flatMap(([name, { durations }]) => histogram(durations, { class: name })),
  queryErrors: ({ recorder }) => counted('type', recorder.errors),
  slowQueries: ({ recorder }) =>
    by(
      'class',
      [...recorder.classes].map(([name, { slow }]) => [name, slow] as const),
    ),
}

/** What the pool's server tells. */
export const SERVER_FIGURES: Readonly<Record<ServerMetricId, (seen: Activity) => readonly Figure[]>> = {
  sessions: ({ total, active, idle, idleInTransaction }) =>
    by('state', [
      ['total', total],
      ['active', active],
      ['idle', idle],
      ['idle_in_transaction', idleInTransaction],
    ]),
  longestStatement: ({ longest }) => one((longest?.statementMillis ?? 0) / 1_000),
  // As health() counts them.
  maxSessions: ({ limits: { maxConnections, superuserReserved, reserved } }) =>
    one(maxConnections - superuserReserved - reserved),
}
