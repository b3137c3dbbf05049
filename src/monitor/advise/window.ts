/** What a pool went through between two pictures of it, or since its beginning. */
import type { Distribution } from '../../base/histogram.ts'
import type { Snapshot } from '../snapshot.ts'

export interface Window {
  readonly millis: number
  /** Whether it goes back to the pool's beginning. */
  readonly whole: boolean
  /** Callers who got no connection in time. */
  readonly timeouts: number
  /** Leases, and how long their callers waited on average, in milliseconds. */
  readonly acquired: number
  readonly waitMean: number
  /** Slots in use ÷ max on average, in percent; a lease that ended within the window counts with all its time. */
  readonly utilization: number
}

/** The time from the earlier picture, else from the pool's beginning, to this one. */
export function windowOf({ connections, earlier, stats }: Snapshot): Window {
  const before = earlier?.stats
  const millis = earlier?.agoMillis ?? stats.ageMillis
  const acquired = stats.wait.count - (before?.wait.count ?? 0)
  const waited = totalOf(stats.wait) - totalOf(before?.wait)
  const held = totalOf(stats.lease) - totalOf(before?.lease)
  const holding = connections
    .filter(({ state }) => state === 'leased' || state === 'shared')
    .reduce(
      (sum, { leasedForMillis, sinceMillis }) => sum + Math.min(millis, leasedForMillis ?? sinceMillis),
      0,
    )
  return {
    millis,
    whole: before === undefined,
    timeouts: stats.timeouts - (before?.timeouts ?? 0),
    acquired,
    waitMean: acquired === 0 ? 0 : waited / acquired,
    utilization: millis === 0 ? 0 : (100 * (held + holding)) / (millis * stats.max),
  }
}

function totalOf(distribution: Distribution | undefined): number {
  return distribution === undefined ? 0 : distribution.count * distribution.mean
}
