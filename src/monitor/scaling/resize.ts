/** Whether a pool should be larger or smaller: the arithmetic is that of vertical sizing. */
import type { NextSize } from '../../sizing/vertical.ts'
import { nextSize, VERTICAL } from '../../sizing/vertical.ts'
import { count } from '../words.ts'
import { SCALING } from './figures.ts'
import type { Rule, ScalingAdvice, Verdict } from './rule.ts'
import { evidenceOf, judgeAll, SILENT, unknown } from './rule.ts'
import type { Condition } from './window.ts'
import { windowOf } from './window.ts'

const grows: Condition = {
  fact: 'utilization',
  must: `more than ${VERTICAL.growAbovePercent} %`,
  unit: ' %',
  pick: ({ utilization }) => utilization,
  holds: (value) => value > VERTICAL.growAbovePercent,
}

const shrinks: readonly Condition[] = [
  {
    ...grows,
    must: `less than ${VERTICAL.shrinkBelowPercent} %`,
    holds: (value) => value < VERTICAL.shrinkBelowPercent,
  },
  {
    fact: 'idle',
    must: `more than ${VERTICAL.shrinkAboveIdle}`,
    pick: ({ idle }) => idle,
    holds: (value) => value > VERTICAL.shrinkAboveIdle,
  },
]

/**
 * Grows by half after a minute above 80 %; shrinks to seven tenths after two minutes below 30 % with more than 10 idle, which leaves
 * the smaller pool far from growing again. Samples before a change of `max` do not count.
 */
export const resize: Rule = (scene) => {
  const { absoluteMax, every, series } = scene
  const max = series.at(-1)?.max
  if (absoluteMax === undefined) return unknown('resize', 'absoluteMax is not given')
  if (max === undefined) return unknown('resize', 'max is not known in the last sample')
  if (max > absoluteMax) return sized(nextSize({ utilization: 0, idle: 0, max, absoluteMax }), max, 0)
  const changed = series.findLastIndex((sample) => sample.max !== max)
  const same = series.slice(changed + 1)
  const growing = judgeAll(windowOf(same, every, every), [grows])
  const utilization = growing.held[0]?.seen?.least
  if (utilization !== undefined)
    return sized(nextSize({ utilization, idle: 0, max, absoluteMax }), max, every, evidenceOf(growing))
  const millis = SCALING.shrinkWindows * every
  const shrinking = judgeAll(windowOf(same, millis, every), shrinks)
  const [busy, idle] = shrinking.held.map(({ seen }) => seen)
  if (busy !== undefined && idle !== undefined && shrinking.held.length === shrinks.length) {
    const next = nextSize({ utilization: busy.most, idle: idle.least, max, absoluteMax })
    return sized(next, max, millis, evidenceOf(shrinking))
  }
  return shrinking.failed > 0 && growing.failed > 0
    ? SILENT
    : unknown('resize', ...growing.whys, ...(shrinking.failed > 0 ? [] : shrinking.whys))
}

function sized(
  { change, max, min, reason }: NextSize,
  from: number,
  windowMillis: number,
  seen: Pick<ScalingAdvice, 'evidence' | 'seen'> = { evidence: `${reason}.`, seen: {} },
): Verdict {
  if (change === 'keep') return SILENT
  const advice: ScalingAdvice = {
    kind: 'resize',
    ...seen,
    windowMillis,
    change: `Set max to ${count(max)} (it is ${count(from)}) and min to ${count(min)}: ${reason}.`,
    size: { max, min },
  }
  return { advice, unknown: [] }
}
