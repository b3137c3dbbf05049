/** Whether the database should be larger, or could be smaller. */
import type { TierName } from '../../sizing/tiers.ts'
import { TIERS } from '../../sizing/tiers.ts'
import { count, span } from '../words.ts'
import { SCALING } from './figures.ts'
import type { Judged, Rule, ScalingAdvice, Scene } from './rule.ts'
import { evidenceOf, gathered, judgeAll, responseOf, SILENT, unknown } from './rule.ts'
import type { ScalingSample } from './sample.ts'
import type { Condition, Outcome, Window } from './window.ts'
import { judge, windowOf } from './window.ts'

const { down, out, up } = SCALING
const MINUTE = 60_000

const strained = ({ baseline }: Scene): readonly Condition[] => [
  {
    fact: 'cpu',
    must: `more than ${up.cpuAbove} %`,
    unit: ' %',
    pick: ({ cpu }) => cpu,
    holds: (value) => value > up.cpuAbove,
  },
  {
    fact: 'full',
    must: 'every slot busy',
    pick: ({ full }) => full,
    holds: (value) => value >= 1,
  },
  {
    fact: 'responseMillis',
    must: `more than ${up.responseAbove} × the baseline`,
    unit: ' ms',
    pick: responseOf(baseline),
    holds: (value) => value > up.responseAbove * (baseline ?? Number.NaN),
  },
]

const unused: readonly Condition[] = [
  {
    fact: 'cpu',
    must: `less than ${down.cpuBelow} %`,
    unit: ' %',
    pick: ({ cpu }) => cpu,
    holds: (value) => value < down.cpuBelow,
  },
  {
    fact: 'utilization',
    must: `less than ${down.utilizationBelow} %`,
    unit: ' %',
    pick: ({ utilization }) => utilization,
    holds: (value) => value < down.utilizationBelow,
  },
]

/** A larger database where any of these held for ten minutes: CPU above 80 %, every slot busy, three times the baseline, more than one connect timeout a minute. */
export const tierUp: Rule = (scene) => {
  const window = windowOf(scene.series, up.windowMillis, scene.every)
  const judged = join(
    judgeAll(window, strained(scene)),
    gathered([{ fact: 'connectTimeouts', outcome: connectTimeouts(window) }]),
  )
  const missing = unknown('tier-up', ...judged.whys)
  if (judged.held.length === 0) return missing
  const { tier } = scene
  const to = tier && beside(tier, 1)
  const change =
    tier === undefined
      ? 'Move the database to a larger tier.'
      : to === undefined
        ? `There is no tier above ${tier}: spread the load over replicas, or take some of it away.`
        : `Move the database from ${tier} to ${to}: ${described(to)}.`
  return { ...missing, advice: adviceOf('tier-up', up.windowMillis, judged, change, to) }
}

/** A smaller one where both of these held for a day, CPU below 40 % and utilization below 30 %, and there was no trouble for seven. */
export const tierDown: Rule = (scene) => {
  const { baseline, every, instances = 1, series, tier } = scene
  const to = tier && beside(tier, -1)
  if (tier !== undefined && to === undefined) return SILENT
  const calm = windowOf(series, down.calmMillis, every)
  const judged = join(
    judgeAll(windowOf(series, down.windowMillis, every), unused),
    gathered([{ fact: 'trouble', outcome: judge(calm, untroubled(baseline)) }]),
  )
  if (judged.failed > 0) return SILENT
  if (judged.whys.length > 0) return unknown('tier-down', ...judged.whys)
  const max = series.at(-1)?.max
  const sessions = max && max * instances
  const tooMany =
    to !== undefined && sessions !== undefined && sessions > TIERS[to].available
      ? ` Make the pools smaller first: ${count(sessions)} connections are more than that.`
      : ''
  const change =
    to === undefined
      ? 'Move the database to a smaller tier.'
      : `Move the database from ${tier} to ${to}: ${described(to)}.${tooMany}`
  return { advice: adviceOf('tier-down', down.calmMillis, judged, change, to), unknown: [] }
}

/** The mean a minute over a window; what came before its first sample is not counted. */
function connectTimeouts(window: Window): Outcome {
  if (window.kind === 'short') return { kind: 'unknown', why: window.why }
  const [first, ...rest] = window.samples
  const known = rest.flatMap((sample) => sample.connectTimeouts ?? [])
  if (first === undefined || known.length < rest.length)
    return {
      kind: 'unknown',
      why: `connectTimeouts is not known in ${rest.length - known.length} of ${rest.length} samples`,
    }
  const minutes = ((rest.at(-1)?.at ?? first.at) - first.at) / MINUTE
  const mean = known.reduce((sum, timeouts) => sum + timeouts, 0) / minutes
  if (!(mean > up.connectTimeoutsAbove)) return { kind: 'fails' }
  const text = `${mean.toFixed(1)} connect timeouts a minute, more than ${up.connectTimeoutsAbove}, for ${span(window.millis)}`
  return { kind: 'holds', seen: { least: mean, most: mean }, text }
}

/** A sample is trouble where anybody was refused, or where anything held that asks for more of instances or database. */
function untroubled(baseline: number | undefined): Condition {
  const isTrouble = ({
    connectTimeouts: late = 0,
    cpu = 0,
    errorPercent = 0,
    full = 0,
    queueDepth = 0,
    refused = 0,
    responseMillis,
    utilization = 0,
  }: ScalingSample) =>
    refused > 0 ||
    late > 0 ||
    full >= 1 ||
    queueDepth > out.queueAbove ||
    utilization > out.utilizationAbove ||
    errorPercent > out.errorsAbove ||
    cpu > up.cpuAbove ||
    (responseMillis ?? 0) > out.responseAbove * (baseline ?? Number.POSITIVE_INFINITY)
  const needed = ['refused', 'connectTimeouts', 'queueDepth', 'utilization', 'errorPercent'] as const
  return {
    fact: 'trouble',
    must: 'none',
    pick: (sample) => {
      if (isTrouble(sample)) return 1
      return needed.every((fact) => sample[fact] !== undefined) ? 0 : undefined
    },
    holds: (value) => value === 0,
  }
}

function join(a: Judged, b: Judged): Judged {
  return { held: [...a.held, ...b.held], failed: a.failed + b.failed, whys: [...a.whys, ...b.whys] }
}

/** The tier so many steps above another; undefined where there is none. */
function beside(tier: TierName, steps: number): TierName | undefined {
  const names = Object.keys(TIERS) as TierName[]
  return names[names.indexOf(tier) + steps]
}

function described(tier: TierName): string {
  const { available, cpu } = TIERS[tier]
  return `${cpu} CPUs, ${count(available)} connections`
}

function adviceOf(
  kind: 'tier-up' | 'tier-down',
  windowMillis: number,
  judged: Judged,
  change: string,
  tier: TierName | undefined,
): ScalingAdvice {
  return { kind, ...evidenceOf(judged), windowMillis, change, tier }
}
