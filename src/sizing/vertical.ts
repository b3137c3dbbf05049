/** How a pool follows its load: the rule of vertical scaling, without clock or pool. `adapt()` asks it once a window. */
import { need } from './need.ts'

/** What a window has shown. */
export interface Seen {
  /** Busy slots by `max`, percent, the mean of the window; above 100 where temporary slots are in use. */
  readonly utilization: number
  /** Slots that were idle, the mean of the window. */
  readonly idle: number
  readonly max: number
  /** What `max` may never exceed: the caller's bound, or what the server has room for, whichever is less. */
  readonly absoluteMax: number
}

/** The size of a pool: `min` connections kept, `max` at most. */
export interface Size {
  readonly max: number
  readonly min: number
}

/** What the rule says. */
export interface NextSize extends Size {
  readonly change: 'grow' | 'shrink' | 'keep'
  /** One sentence with the numbers that decided. */
  readonly reason: string
}

/** The figures of the rule: percentages, counts, milliseconds. */
export const VERTICAL = {
  everyMillis: 60_000,
  growAbovePercent: 80,
  growByPercent: 150,
  shrinkBelowPercent: 30,
  shrinkAboveIdle: 10,
  shrinkByPercent: 70,
  leastMaxPercent: 30,
  minPercent: 20,
  startMaxPercent: 50,
  startMinPercent: 10,
} as const

/**
 * The size to start at: half of the absolute max, and a tenth of it kept.
 * @param absoluteMax 1 or more
 * @throws SLUICE_BAD_OPTION
 */
export function firstSize(absoluteMax: number): Size {
  const most = need({ absoluteMax }, 'absoluteMax', { min: 1 })
  return {
    max: Math.max(1, percentOf(most, VERTICAL.startMaxPercent)),
    min: percentOf(most, VERTICAL.startMinPercent),
  }
}

/**
 * The size for the next window. Above 80 % utilization `max` becomes half as large again, rounded down but by at least one, up
 * to `absoluteMax`; below 30 % with more than 10 idle it becomes seven tenths, rounded down, and not less than 30 % of
 * `absoluteMax`; `min` is a fifth of `max`, rounded down. A `max` above `absoluteMax` comes down to it whatever the load.
 * @throws SLUICE_BAD_OPTION
 */
export function nextSize(seen: Seen): NextSize {
  const utilization = need(seen, 'utilization', { min: 0, whole: false, unit: ' (percent)' })
  const idle = need(seen, 'idle', { min: 0, whole: false })
  const max = need(seen, 'max', { min: 1 })
  const most = need(seen, 'absoluteMax', { min: 1 })
  if (max > most) return sized('shrink', most, `${max} is above the ${most} that there may be`)
  if (utilization > VERTICAL.growAbovePercent) return grown(utilization, max, most)
  if (utilization < VERTICAL.shrinkBelowPercent && idle > VERTICAL.shrinkAboveIdle)
    return shrunk(`${show(utilization)} % in use and ${show(idle)} idle`, max, most)
  return sized(
    'keep',
    max,
    `${show(utilization)} % in use and ${show(idle)} idle: neither too few nor too many`,
  )
}

function grown(utilization: number, max: number, most: number): NextSize {
  const why = `${show(utilization)} % in use, more than ${VERTICAL.growAbovePercent} %`
  if (max === most) return sized('keep', max, `${why}, but ${max} is all that there may be`)
  const next = Math.min(most, Math.max(max + 1, percentOf(max, VERTICAL.growByPercent)))
  return sized('grow', next, `${why}: ${max} × 1.5, up to ${most}, makes ${next}`)
}

function shrunk(why: string, max: number, most: number): NextSize {
  const least = Math.ceil((most * VERTICAL.leastMaxPercent) / 100)
  const next = Math.max(least, percentOf(max, VERTICAL.shrinkByPercent))
  if (next >= max) return sized('keep', max, `${why}, but ${least} are 30 % of ${most} and stay`)
  return sized('shrink', next, `${why}: ${max} × 0.7, not below ${least}, makes ${next}`)
}

function sized(change: NextSize['change'], max: number, reason: string): NextSize {
  return { change, max, min: percentOf(max, VERTICAL.minPercent), reason }
}

/** In whole numbers: 0.7 × 90 is less than 63 in floating point. */
function percentOf(value: number, percent: number): number {
  return Math.floor((value * percent) / 100)
}

function show(value: number): string {
  return String(Number(value.toFixed(1)))
}
