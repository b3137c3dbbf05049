/** One pool under watch: what came since it was collected last. */

import { Alarm } from '../../base/alarm.ts'
import type { Clock } from '../../base/clock.ts'
import type { Histogram } from '../../base/histogram.ts'
import { busyOf } from '../../base/slots.ts'
import type { MonitoredPool, MonitoredStats } from '../monitored.ts'
import type { Recorder, Recording } from '../recorder.ts'
import { record } from '../recorder.ts'
import type { ClassMetrics, PoolMetrics, RecentMetrics } from './metrics.ts'

/** What is known at the end of an interval. */
export interface Collected {
  readonly stats: MonitoredStats
  readonly recent: RecentMetrics
  readonly classes: Readonly<Record<string, ClassMetrics>>
  readonly recorder: Recorder
  /** Since watching began. */
  readonly totals: Pick<PoolMetrics, 'queries' | 'queryErrors' | 'slowQueries'>
}

const LOOK_MILLIS = 1_000

/** What an open that had no answer in time fails with: Sluice's own code, and the platform's. */
const CONNECT_TIMEOUTS = new Set(['SLUICE_OPEN_TIMEOUT', 'ETIMEDOUT'])

/** Watches a pool from its construction on. */
export class Watched {
  readonly #pool: MonitoredPool
  readonly #clock: Clock
  readonly #recording: Recording
  readonly #alarm: Alarm
  #mark: Mark
  #looks = new Looks()

  constructor(pool: MonitoredPool, clock: Clock) {
    this.#pool = pool
    this.#clock = clock
    // First: a pool that fails here is not watched.
    const stats = pool.stats()
    this.#recording = record(pool)
    this.#mark = markOf(clock.now(), stats, this.#recording.recorder)
    this.#alarm = new Alarm(clock, () => this.#look(), false)
    this.#rearm()
  }

  stop(): void {
    this.#alarm.stop()
    this.#recording.stop()
  }

  #look(): void {
    this.#rearm()
    try {
      this.#looks.add(this.#pool.stats())
    } catch {
      // Nobody called this: what a pool fails with is told to who collects, who asks it too.
    }
  }

  #rearm(): void {
    const now = this.#clock.now()
    this.#alarm.by(now + LOOK_MILLIS, now)
  }

  /** Ends an interval, and begins the next. */
  collect(): Collected {
    const { recorder } = this.#recording
    const stats = this.#pool.stats()
    if (this.#looks.count === 0) this.#looks.add(stats)
    const before = this.#mark
    const now = markOf(this.#clock.now(), stats, recorder)
    const recent = { ...between(before, now), ...this.#looks.means() }
    this.#mark = now
    this.#looks = new Looks()
    const { queries, queryErrors, slowQueries } = now
    const totals = { queries, queryErrors, slowQueries }
    return { stats, recent, classes: classesBetween(before, now), recorder, totals }
  }
}

/** What adds up, at one moment. */
interface Mark {
  readonly at: number
  readonly stats: MonitoredStats
  readonly closed: number
  readonly queries: number
  readonly queryMillis: number
  readonly queryErrors: number
  readonly slowQueries: number
  readonly connectTimeouts: number
  readonly classes: ReadonlyMap<string, { readonly times: Histogram; readonly slow: number }>
}

function markOf(at: number, stats: MonitoredStats, recorder: Recorder): Mark {
  const classes = [...recorder.classes].map(
    ([name, { slow, times }]) => [name, { times: times.copy(), slow }] as const,
  )
  const sum = (of: (record: { times: Histogram; slow: number }) => number) =>
    classes.reduce((total, [, record]) => total + of(record), 0)
  return {
    at,
    stats,
    closed: Object.values(stats.closed).reduce((total, count) => total + count, 0),
    queries: sum(({ times }) => times.count),
    queryMillis: sum(({ times }) => times.count * times.mean),
    queryErrors: recorder.errors.total,
    slowQueries: sum(({ slow }) => slow),
    connectTimeouts: [...recorder.connectionErrors.entries()]
      .filter(([code]) => CONNECT_TIMEOUTS.has(code))
      .reduce((total, [, count]) => total + count, 0),
    classes: new Map(classes),
  }
}

function between(a: Mark, b: Mark): Omit<RecentMetrics, 'utilization' | 'idle' | 'waiting' | 'full'> {
  const overMillis = b.at - a.at
  const queries = b.queries - a.queries
  const queryErrors = b.queryErrors - a.queryErrors
  const perSecond = (count: number) => (overMillis === 0 ? 0 : (1_000 * count) / overMillis)
  const since = (of: (stats: MonitoredStats) => number) => of(b.stats) - of(a.stats)
  const mean = (of: 'wait' | 'open') => {
    const count = since((stats) => stats[of].count)
    return count === 0 ? null : since((stats) => stats[of].count * stats[of].mean) / count
  }
  return {
    overMillis,
    queries,
    queryErrors,
    slowQueries: b.slowQueries - a.slowQueries,
    queriesPerSecond: perSecond(queries),
    errorPercent: queries === 0 ? 0 : (100 * queryErrors) / queries,
    queryMeanMillis: queries === 0 ? null : (b.queryMillis - a.queryMillis) / queries,
    waitMeanMillis: mean('wait'),
    connectMeanMillis: mean('open'),
    acquiredPerSecond: perSecond(since(({ acquired }) => acquired)),
    openedPerSecond: perSecond(since(({ opened }) => opened)),
    closedPerSecond: perSecond(b.closed - a.closed),
    openFailures: since(({ openFailures }) => openFailures),
    connectTimeouts: b.connectTimeouts - a.connectTimeouts,
    timeouts: since(({ timeouts }) => timeouts),
    rejected: since(({ rejected }) => rejected),
    shed: since(({ shed }) => shed),
  }
}

function classesBetween(a: Mark, b: Mark): Readonly<Record<string, ClassMetrics>> {
  const metrics = [...b.classes].map(([name, { slow, times }]) => {
    const before = a.classes.get(name)
    const { count, max, mean, p50, p95, p99 } = (
      before === undefined ? times : times.since(before.times)
    ).snapshot()
    const figures = { meanMillis: mean, p50Millis: p50, p95Millis: p95, p99Millis: p99, maxMillis: max }
    return [name, { count, slow: slow - (before?.slow ?? 0), ...figures }] as const
  })
  return Object.fromEntries(metrics.filter(([, { count }]) => count > 0))
}

/** What was seen once a second. */
class Looks {
  count = 0
  #utilization = 0
  #idle = 0
  #waiting = 0
  #full = 0

  add(stats: MonitoredStats): void {
    this.count += 1
    this.#utilization += stats.utilization
    this.#idle += stats.idle
    this.#waiting += stats.waiting
    if (busyOf(stats) >= stats.max) this.#full += 1
  }

  means(): Pick<RecentMetrics, 'utilization' | 'idle' | 'waiting' | 'full'> {
    return {
      utilization: this.#utilization / this.count,
      idle: this.#idle / this.count,
      waiting: this.#waiting / this.count,
      full: this.#full / this.count,
    }
  }
}
