/** The headline figures of a comparison, each with its goal, from what was measured side by side. */
import { brief, whole } from '../paint.ts'
import type { LoadReport } from './run.ts'

/** One figure. */
export interface Headline {
  readonly figure: 'callers' | 'getting' | 'slow-getting' | 'throughput' | 'reuse' | 'timeouts' | 'success'
  /** A sentence with its numbers. */
  readonly says: string
  readonly goal: string
  readonly measured: number
  /** `not-asked` where the test was not of the kind that could show it; then `says` tells how to ask. */
  readonly verdict: 'met' | 'missed' | 'not-asked'
}

/** A server this slow to connect to is what the goal for getting a connection is about. */
const slowConnectMillis = 100

/** The figures; none without a comparison, or where it did not come to its end. */
export function headlines({ interrupted, run, ways }: LoadReport): Headline[] {
  const { connect, sluice } = ways
  if (interrupted || connect === undefined || sluice === undefined) return []
  const judged = (met: boolean): Headline['verdict'] => (met ? 'met' : 'missed')
  const each = run.callers / Math.max(1, sluice.sessions)
  const asksTenfold = run.callers >= 10 * run.max
  const faster = sluice.perSecond / connect.perSecond
  const lines: Headline[] = [
    {
      figure: 'callers',
      says: `${each.toFixed(1)} callers a session, where connecting for each statement carries one${asksTenfold ? '' : `; ask with --callers ${10 * run.max}`}`,
      goal: '10× more callers at the same connections',
      measured: each,
      verdict: asksTenfold || each >= 10 ? judged(each >= 10) : 'not-asked',
    },
    {
      figure: 'throughput',
      says: `${faster.toFixed(1)} times the statements a second of connecting for each`,
      goal: '10 times or more, on connection-heavy work',
      measured: faster,
      verdict: judged(faster >= 10),
    },
    {
      figure: 'reuse',
      says: `${(100 * sluice.reuse).toFixed(2)} % of the statements found a connection open`,
      goal: '95 % or more',
      measured: 100 * sluice.reuse,
      verdict: judged(sluice.reuse >= 0.95),
    },
    {
      figure: 'timeouts',
      says: `${sluice.timeouts} acquire timeouts`,
      goal: 'none',
      measured: sluice.timeouts,
      verdict: judged(sluice.timeouts === 0),
    },
    {
      figure: 'success',
      says: `${(100 * sluice.success).toFixed(2)} % of the statements answered`,
      goal: 'all',
      measured: 100 * sluice.success,
      verdict: judged(sluice.failed === 0),
    },
  ]
  return [...lines.slice(0, 1), ...getting(connect.getting, sluice.getting), ...lines.slice(1)]
}

/** How Sluice stands beside pg.Pool, whichever is ahead. The ratios are Sluice ÷ pg.Pool. */
export interface Standing {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** A sentence with its numbers. */
  readonly says: string
}

/** Undefined without a comparison that came to its end, or where one of the two answered nothing. */
export function standing({ interrupted, ways: { pg, sluice } }: LoadReport): Standing | undefined {
  if (interrupted || pg === undefined || sluice === undefined) return undefined
  if (pg.answered === 0 || sluice.answered === 0) return undefined
  const perSecond = sluice.perSecond / pg.perSecond
  const [p50, p99] = [sluice.p50 / pg.p50, sluice.p99 / pg.p99]
  const times = (name: string, ratio: number, own: number, other: number): string =>
    `${name} ${brief(own)} instead of ${brief(other)}: ${compared(ratio, ['longer', 'shorter', 'the same'])}`
  const says = [
    `Sluice answers ${whole(sluice.perSecond)} statements a second, pg.Pool ${whole(pg.perSecond)}: ${compared(perSecond, ['more', 'fewer', 'as many'])}`,
    times('p50', p50, sluice.p50, pg.p50),
    times('p99', p99, sluice.p99, pg.p99),
  ].join('; ')
  return { perSecond, p50, p99, says: `${says}.` }
}

function compared(ratio: number, [more, less, same]: readonly [string, string, string]): string {
  const percent = Math.round(100 * Math.abs(ratio - 1))
  if (percent === 0) return same
  return `${whole(percent)} % ${ratio > 1 ? more : less}`
}

function getting(connecting: number | undefined, pooled: number | undefined): Headline[] {
  if (connecting === undefined || pooled === undefined) return []
  const less = 100 * (1 - pooled / connecting)
  const slow = connecting >= slowConnectMillis
  return [
    {
      figure: 'getting',
      says: `a connection in ${brief(pooled)} instead of ${brief(connecting)}: ${less.toFixed(1)} % less`,
      goal: '80 % less or better',
      measured: less,
      verdict: less >= 80 ? 'met' : 'missed',
    },
    {
      figure: 'slow-getting',
      says: slow
        ? `a connection to a slow server in ${brief(pooled)}`
        : 'connecting takes less than 100 ms here; ask with --latency 30',
      goal: 'at most 5 ms instead of 150',
      measured: pooled,
      verdict: slow ? (pooled <= 5 ? 'met' : 'missed') : 'not-asked',
    },
  ]
}
