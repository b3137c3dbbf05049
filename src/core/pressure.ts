/** What is said about how full a pool is: words with one meaning, for health, advice, metrics and scaling alike. */
import type { PoolStats } from './stats.ts'

/**
 * `busy` is from 80 % of its slots in use on. `saturated`: no slot is idle, and somebody waits for whom no connection is on its
 * way. `exhausted`: saturated with more than 10 waiting, or with somebody waiting longer than half its deadline.
 */
export type Pressure = 'free' | 'busy' | 'saturated' | 'exhausted'

/** From here on a pool is busy, in percent. */
const BUSY_PERCENT = 80

/** With more than these waiting a saturated pool is exhausted. */
export const MOST_WAITING = 10

/** The part of its deadline beyond which somebody's wait means that the pool is exhausted. */
const LONGEST_SHARE = 0.5

/** Judges a pool by its numbers. A pool that is full of idle connections is `free`. */
export function pressureOf(
  stats: Pick<PoolStats, 'idle' | 'opening' | 'waiting' | 'waitShare' | 'utilization'>,
): Pressure {
  const { idle, opening, utilization, waiting, waitShare } = stats
  if (idle === 0 && waiting > opening)
    return waiting > MOST_WAITING || waitShare > LONGEST_SHARE ? 'exhausted' : 'saturated'
  return utilization >= BUSY_PERCENT ? 'busy' : 'free'
}
