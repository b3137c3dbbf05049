/** The response time that a pool has when nothing presses it. */
import { SCALING } from './figures.ts'
import type { ScalingSample } from './sample.ts'

/**
 * Learned from the calm samples of a series (nobody waits, not above 80 % in use) that are older than the longest window that
 * response times are judged in, so that trouble is not its own measure: what nine of ten of them stay below. Undefined
 * with fewer than 30 of them.
 */
export function learnedBaseline(series: readonly ScalingSample[]): number | undefined {
  const last = series.at(-1)
  if (last === undefined) return undefined
  const times = series
    .filter((sample) => sample.at < last.at - SCALING.up.windowMillis && isCalm(sample))
    .flatMap(({ responseMillis }) => responseMillis ?? [])
    .sort((a, b) => a - b)
  if (times.length < SCALING.baseline.samples) return undefined
  return times[Math.ceil(SCALING.baseline.share * times.length) - 1]
}

function isCalm({ queueDepth = 0, utilization = 0 }: ScalingSample): boolean {
  return queueDepth === 0 && utilization <= SCALING.out.utilizationAbove
}
