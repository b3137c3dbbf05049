/** The headline figures of a comparison, each with its goal, from what was measured side by side. */
import { brief } from '../paint.ts'
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

/** The figures; none without a comparison. */
export function headlines({ run, ways }: LoadReport): Headline[] {
  const { connect, sluice } = ways
  if (connect === undefined || sluice === undefined) return []
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
