/** Whether the program should run in more instances, or in fewer. */
import { count, several } from '../words.ts'
import { SCALING } from './figures.ts'
import type { Rule, ScalingAdvice, Scene } from './rule.ts'
import { evidenceOf, judgeAll, responseOf, SILENT, unknown } from './rule.ts'
import type { Condition } from './window.ts'
import { windowOf } from './window.ts'

const { in: less, out: more } = SCALING

function pressing({ baseline }: Scene): readonly Condition[] {
  return [
    {
      fact: 'queueDepth',
      must: `more than ${more.queueAbove}`,
      pick: ({ queueDepth }) => queueDepth,
      holds: (value) => value > more.queueAbove,
    },
    {
      fact: 'responseMillis',
      must: `more than ${more.responseAbove} × the baseline of ${round(baseline)} ms`,
      unit: ' ms',
      pick: responseOf(baseline),
      holds: (value) => value > more.responseAbove * (baseline ?? Number.NaN),
    },
    {
      fact: 'utilization',
      must: `more than ${more.utilizationAbove} %`,
      unit: ' %',
      pick: ({ utilization }) => utilization,
      holds: (value) => value > more.utilizationAbove,
    },
    {
      fact: 'errorPercent',
      must: `more than ${more.errorsAbove} %`,
      unit: ' %',
      pick: ({ errorPercent }) => errorPercent,
      holds: (value) => value > more.errorsAbove,
    },
  ]
}

function quiet({ baseline }: Scene): readonly Condition[] {
  return [
    {
      fact: 'queueDepth',
      must: 'nobody',
      pick: ({ queueDepth }) => queueDepth,
      holds: (value) => value === 0,
    },
    {
      fact: 'responseMillis',
      must: `less than the baseline of ${round(baseline)} ms`,
      unit: ' ms',
      pick: responseOf(baseline),
      holds: (value) => value < (baseline ?? Number.NaN),
      holdsForNone: true,
    },
    {
      fact: 'utilization',
      must: `less than ${less.utilizationBelow} %`,
      unit: ' %',
      pick: ({ utilization }) => utilization,
      holds: (value) => value < less.utilizationBelow,
    },
    {
      fact: 'errorPercent',
      must: `less than ${less.errorsBelow} %`,
      unit: ' %',
      pick: ({ errorPercent }) => errorPercent,
      holds: (value) => value < less.errorsBelow,
    },
  ]
}

/** Another instance where any of these held for two minutes: more than 50 in the queue, twice the baseline, 80 % in use, 5 % errors. */
export const out: Rule = (scene) => {
  const { instances, maxInstances } = scene
  if (instances !== undefined && instances >= maxInstances) return SILENT
  const judged = judgeAll(windowOf(scene.series, more.windowMillis, scene.every), pressing(scene))
  const missing = unknown('out', ...judged.whys)
  if (judged.held.length === 0) return missing
  const to = instances && Math.min(maxInstances, instances + Math.ceil((instances * SCALING.step.out) / 100))
  return { ...missing, advice: adviceOf('out', more.windowMillis, evidenceOf(judged), instances, to) }
}

/** One instance less where all of these held for ten minutes: nobody in the queue, below the baseline, 30 % in use and 1 % errors. */
export const into: Rule = (scene) => {
  const { instances, minInstances } = scene
  if (instances !== undefined && instances <= minInstances) return SILENT
  const judged = judgeAll(windowOf(scene.series, less.windowMillis, scene.every), quiet(scene))
  if (judged.failed > 0) return SILENT
  if (judged.whys.length > 0) return unknown('in', ...judged.whys)
  const to = instances && Math.max(minInstances, instances - Math.ceil((instances * SCALING.step.in) / 100))
  return { advice: adviceOf('in', less.windowMillis, evidenceOf(judged), instances, to), unknown: [] }
}

function adviceOf(
  kind: 'out' | 'in',
  windowMillis: number,
  seen: Pick<ScalingAdvice, 'evidence' | 'seen'>,
  from: number | undefined,
  to: number | undefined,
): ScalingAdvice {
  const change =
    from === undefined || to === undefined
      ? `Run one instance ${kind === 'out' ? 'more' : 'less'}.`
      : `Run ${several(to, 'instance')} instead of ${count(from)}.`
  return { kind, ...seen, windowMillis, change, instances: to }
}

function round(millis: number | undefined): string {
  return millis === undefined ? '?' : String(Math.round(millis * 10) / 10)
}
