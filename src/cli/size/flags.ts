/** What `sluice size` can be told, as flags or as answers, and the question that they make. */
import type { Question } from '../../sizing/recommend.ts'
import type { NumberRange } from '../numbers.ts'
import { badInput } from '../refusal.ts'

export type NumberFlag =
  | 'agents'
  | 'queries'
  | 'rps'
  | 'ms'
  | 'workers'
  | 'each'
  | 'tasks'
  | 'held'
  | 'cores'
  | 'disks'
  | 'multiplier'
  | 'instances'
  | 'limit'
  | 'reserved'
  | 'surge'

/** What was given. */
export type Flags = Partial<Record<NumberFlag, number>> & { tier?: string }

/** What each number may be. */
export const ranges: Readonly<Record<NumberFlag, NumberRange>> = {
  agents: { name: '--agents', min: 1, max: 100_000 },
  queries: { name: '--queries', min: 1, max: 1_000 },
  rps: { name: '--rps', min: 0, max: 1_000_000, whole: false },
  ms: { name: '--ms', min: 0, max: 3_600_000, whole: false },
  workers: { name: '--workers', min: 1, max: 100_000 },
  each: { name: '--each', min: 1, max: 1_000 },
  tasks: { name: '--tasks', min: 1, max: 100_000 },
  held: { name: '--held', min: 1, max: 100 },
  cores: { name: '--cores', min: 1, max: 1_024 },
  disks: { name: '--disks', min: 0, max: 1_024 },
  multiplier: { name: '--multiplier', min: 1, max: 4, whole: false },
  instances: { name: '--instances', min: 1, max: 100_000 },
  limit: { name: '--limit', min: 1, max: 262_143 },
  reserved: { name: '--reserved', min: 0, max: 262_142 },
  surge: { name: '--surge', min: 0, max: 100_000 },
}

/** Flags that say nothing alone. */
const pairs = [
  ['agents', 'queries'],
  ['rps', 'ms'],
  ['workers', 'each'],
  ['tasks', 'held'],
] as const

/** The question that the flags make. @throws Refusal where one lacks another */
export function questionFrom(flags: Flags): Question {
  for (const [one, other] of pairs) {
    const missing = flags[one] === undefined ? one : flags[other] === undefined ? other : undefined
    if (missing !== undefined && (flags[one] ?? flags[other]) !== undefined)
      throw badInput(`--${one} and --${other} belong together: --${missing} is missing.`)
  }
  const { agents, queries, rps, ms, workers, each, tasks, held, tier } = flags
  const isGiven = (...values: (number | undefined)[]): boolean => values.some((value) => value !== undefined)
  const { cores, disks, multiplier, instances, limit, reserved, surge } = flags
  if (isGiven(disks, multiplier) && cores === undefined && tier === undefined)
    throw badInput('--disks and --multiplier need --cores or --tier.')
  return {
    ...(agents && queries ? { agents: { agents, statements: queries } } : {}),
    ...(rps !== undefined && ms !== undefined ? { traffic: { perSecond: rps, millis: ms } } : {}),
    ...(workers && each ? { workers: { workers, each } } : {}),
    ...(tasks && held ? { nested: { tasks, held } } : {}),
    ...(tier === undefined ? {} : { tier }),
    ...(isGiven(cores, disks, multiplier)
      ? { hardware: present({ cores, spindles: disks, multiplier }) }
      : {}),
    ...(isGiven(instances, limit, reserved, surge)
      ? { instances: { instances: instances ?? 1, ...present({ limit, reserved, surge }) } }
      : {}),
  }
}

function present<K extends string>(values: Record<K, number | undefined>): Partial<Record<K, number>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}
