/** Whether the pool is larger than its work. */
import { BACKEND_MEGABYTES } from '../../sizing/supply.ts'
import { VERTICAL } from '../../sizing/vertical.ts'
import type { Draft } from '../rank.ts'
import { count, millis, percent, several } from '../words.ts'
import type { Scene } from './scene.ts'

/** A connection of `min` that was not used for so long since it was opened is not needed. */
const UNUSED_MILLIS = 600_000

export function size(scene: Scene): readonly Draft[] {
  return [...tooLarge(scene), ...minUnused(scene)]
}

function tooLarge({ stats, window }: Scene): readonly Draft[] {
  const isLow =
    window.utilization < VERTICAL.shrinkBelowPercent && stats.utilization < VERTICAL.shrinkBelowPercent
  if (!isLow || stats.idle <= VERTICAL.shrinkAboveIdle || window.millis < VERTICAL.everyMillis) return []
  return [
    {
      code: 'max-large',
      severity: 'advice',
      title: 'The pool is larger than its work needs',
      evidence: `${percent(window.utilization)} of ${count(stats.max)} slots in use on average over ${millis(window.millis)} (below ${VERTICAL.shrinkBelowPercent} %), ${count(stats.idle)} idle (more than ${VERTICAL.shrinkAboveIdle}).`,
      reason: `Idle sessions take about ${BACKEND_MEGABYTES} MB each at the server, and places that others could have.`,
      change: `Set max to ${count(Math.ceil((stats.max * VERTICAL.shrinkByPercent) / 100))}, and a lower min if that is what keeps them.`,
    },
  ]
}

function minUnused({ at, connections, stats }: Scene): readonly Draft[] {
  const unused = connections.filter(
    ({ createdAt, state, uses }) =>
      state === 'idle' && uses === 0 && createdAt !== undefined && at - createdAt.getTime() >= UNUSED_MILLIS,
  ).length
  if (stats.min === 0 || unused === 0) return []
  return [
    {
      code: 'min-unused',
      severity: 'advice',
      title: 'Connections that are kept ready were never used',
      evidence: `${several(unused, 'connection')} of min ${count(stats.min)} not used once in ${millis(UNUSED_MILLIS)} or more.`,
      reason: 'They occupy the server for nothing.',
      change: `Set min to ${count(Math.max(0, stats.min - unused))}.`,
    },
  ]
}
