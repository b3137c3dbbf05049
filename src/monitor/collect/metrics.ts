/** What a plain collector gets of a pool: one object of plain values, which JSON can carry. */
import type { Distribution } from '../../base/histogram.ts'
import { busyOf, SLOT_STATES } from '../../base/slots.ts'
import type { MonitoredStats } from '../monitored.ts'
import type { ExtraResult } from './extra.ts'

/** What a pool is of. */
export type PoolKind = 'postgresql' | 'redis' | 'http' | 'other'

/** What of `stats()` stands in {@link PoolMetrics} under the same name. */
type PlainName =
  | 'state'
  | 'max'
  | 'min'
  | 'maxOverflow'
  | 'total'
  | 'opening'
  | 'idle'
  | 'checking'
  | 'leased'
  | 'shared'
  | 'cancelling'
  | 'closing'
  | 'waiting'
  | 'waitingByPriority'
  | 'oldestWaitMillis'
  | 'waitShare'
  | 'overloaded'
  | 'utilization'
  | 'lost'
  | 'leaking'
  | 'ageMillis'
  | 'generation'
  | 'opened'
  | 'openFailures'
  | 'acquired'
  | 'reuse'
  | 'timeouts'
  | 'aborted'
  | 'rejected'
  | 'shed'
  | 'leaked'
  | 'nested'

const PLAIN: readonly PlainName[] = [
  'state',
  'max',
  'min',
  'maxOverflow',
  'total',
  ...SLOT_STATES,
  'waiting',
  'waitingByPriority',
  'oldestWaitMillis',
  'waitShare',
  'overloaded',
  'utilization',
  'lost',
  'leaking',
  'ageMillis',
  'generation',
  'opened',
  'openFailures',
  'acquired',
  'reuse',
  'timeouts',
  'aborted',
  'rejected',
  'shed',
  'leaked',
  'nested',
]

/** The durations of one thing since the pool's beginning, in milliseconds. */
type Durations<Name extends string> = Readonly<
  Record<`${Name}${'Mean' | 'P50' | 'P95' | 'P99' | 'Max'}Millis`, number>
>

/** The figures of `stats()`, flat. Counters count from the pool's beginning. */
export interface StatsMetrics
  extends Pick<MonitoredStats, PlainName>,
    Durations<'wait'>,
    Durations<'use'>,
    Durations<'open'> {
  /** Leased, shared, checking and cancelling slots. */
  readonly active: number
  /** Slots above `max`. */
  readonly overflow: number
  /** Connections that were closed. */
  readonly closed: number
  readonly closedByReason: Readonly<Record<string, number>>
  /** Of the newest open that failed; null where none has. */
  readonly lastOpenFailureAgeMillis: number | null
  readonly lastOpenFailureCode: string | null
  /** Calls that were run again; null where the pool runs nothing again. */
  readonly retries: number | null
  /** Null without a circuit breaker. */
  readonly breaker: 'closed' | 'open' | 'half-open' | null
  /** Of the budget that the pool shares with others; null without one. */
  readonly budgetMax: number | null
  readonly budgetUsed: number | null
}

/** Statements (commands, requests) of one class since the collection before, in milliseconds. */
export interface ClassMetrics {
  readonly count: number
  /** Took longer than is expected of the class. */
  readonly slow: number
  readonly meanMillis: number
  readonly p50Millis: number
  readonly p95Millis: number
  readonly p99Millis: number
  readonly maxMillis: number
}

/** What came between two collections; in the first one, since watching began. */
export interface RecentMetrics {
  /** How long that is. */
  readonly overMillis: number
  readonly queries: number
  readonly queryErrors: number
  readonly slowQueries: number
  readonly queriesPerSecond: number
  /** Failed statements by statements, in percent; 0 where there were none. */
  readonly errorPercent: number
  /** From asking to being told; null where there were no statements. */
  readonly queryMeanMillis: number | null
  /** From asking for a connection to having it; null where nobody asked. */
  readonly waitMeanMillis: number | null
  /** Opening a connection; null where none was opened. */
  readonly connectMeanMillis: number | null
  readonly acquiredPerSecond: number
  readonly openedPerSecond: number
  readonly closedPerSecond: number
  readonly openFailures: number
  /** Those of the failures that were the end of a deadline. */
  readonly connectTimeouts: number
  readonly timeouts: number
  readonly rejected: number
  readonly shed: number
  /** Percent; like the next two the mean of what was seen once a second. */
  readonly utilization: number
  readonly idle: number
  readonly waiting: number
  /** The part of those seconds in which every slot up to `max` was busy, 0 to 1. */
  readonly full: number
}

/** What is collected of one pool. */
export interface PoolMetrics extends StatsMetrics {
  /** The name it was handed in under. */
  readonly pool: string
  readonly kind: PoolKind
  /** Milliseconds since 1970. */
  readonly at: number
  /** Statements (commands, requests), those that failed, and those that took longer than is expected of their class: since watching began. */
  readonly queries: number
  readonly queryErrors: number
  readonly slowQueries: number
  readonly queryErrorsByCode: Readonly<Record<string, number>>
  /** Connections that could not be opened, by code, and those that were lost: since watching began. */
  readonly connectionErrorsByCode: Readonly<Record<string, number>>
  /** What came since the collection before. */
  readonly recent: RecentMetrics
  /** By class, since the collection before; a class of which none was answered is absent. */
  readonly classes: Readonly<Record<string, ClassMetrics>>
  /** What further collectors found, by name. */
  readonly extra: Readonly<Record<string, ExtraResult>>
}

/** The figures of a picture, flat. */
export function statsMetrics(stats: MonitoredStats): StatsMetrics {
  const plain = Object.fromEntries(PLAIN.map((name) => [name, stats[name]])) as Pick<
    MonitoredStats,
    PlainName
  >
  const { breaker, budget, closed, lastOpenFailure, lease, max, open, retries, total, wait } = stats
  return {
    ...plain,
    ...durations('wait', wait),
    ...durations('use', lease),
    ...durations('open', open),
    active: busyOf(stats),
    overflow: Math.max(0, total - max),
    closed: Object.values(closed).reduce((sum, count) => sum + count, 0),
    closedByReason: { ...closed },
    lastOpenFailureAgeMillis: lastOpenFailure?.ageMillis ?? null,
    lastOpenFailureCode: lastOpenFailure?.code ?? null,
    retries: retries ?? null,
    breaker: breaker?.state ?? null,
    budgetMax: budget?.max ?? null,
    budgetUsed: budget?.used ?? null,
  }
}

function durations<Name extends string>(
  name: Name,
  { max, mean, p50, p95, p99 }: Distribution,
): Durations<Name> {
  return {
    [`${name}MeanMillis`]: mean,
    [`${name}P50Millis`]: p50,
    [`${name}P95Millis`]: p95,
    [`${name}P99Millis`]: p99,
    [`${name}MaxMillis`]: max,
  } as Durations<Name>
}
