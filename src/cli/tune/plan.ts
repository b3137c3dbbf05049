/** What a sweep may do to a server, which sizes it tries, and how it spends its time. */
import type { Findings } from '../check/probe.ts'
import { millis } from '../paint.ts'
import { badInput, exitCodes, Refusal } from '../refusal.ts'

/** What a server allows, as `sluice check` finds it. */
export type Limits = Findings['limits']

/** How many connections a sweep may open. */
export interface Room {
  /** The largest size to try. */
  readonly largest: number
  /** Connections that ordinary roles can have: max_connections without the reserved ones. */
  readonly usable: number
  /** Of those, the ones that nobody had at the beginning, within the limits of role and database. */
  readonly free: number
}

/** A curve has three unknowns. */
const fewestSizes = 3

/** @throws Refusal where too few connections are left to compare sizes */
export function roomFor(limits: Limits, share: number, max: number): Room {
  const usable = limits.maxConnections - limits.reserved - limits.superuserReserved
  const free = Math.min(
    Math.max(0, usable - limits.sessions),
    limits.roleLimit ?? usable,
    limits.databaseLimit ?? usable,
  )
  const largest = Math.min(max, Math.floor(share * free))
  if (largest >= fewestSizes) return { largest, usable, free }
  throw new Refusal(
    `The server has ${free} connections left for this role, and a share of ${share} of them is ${largest}: sizes can be compared from ${fewestSizes} on. End sessions that nobody needs, or give a larger --share.`,
    exitCodes.failed,
  )
}

/** The sizes of a sweep: each twice the one before, up to the largest. */
export function sizesTo(largest: number): number[] {
  if (largest <= 4) return Array.from({ length: largest }, (_, index) => index + 1)
  const sizes: number[] = []
  for (let size = 1; size <= largest; size *= 2) sizes.push(size)
  // A last step of a few per cent tells nothing that the one before has not told.
  if ((sizes.at(-1) as number) * 1.25 <= largest) sizes.push(largest)
  return sizes
}

/**
 * The sizes to look at more closely: the two of the sweep that the recommended one lies between or on, two between them, the next
 * one, and the best.
 */
export function sizesAround(sizes: readonly number[], recommended: number, best: number): number[] {
  const at = sizes.findIndex((size) => size >= recommended)
  const above = sizes[at] as number
  const below = sizes[at - 1] ?? above
  const between = [1, 2].map((third) => below + Math.round(((above - below) * third) / 3))
  const chosen = new Set([below, ...between, above, sizes[at + 1] ?? above, best])
  return [...chosen].sort((a, b) => a - b)
}

/** How long each size is measured in a round. Milliseconds. */
export interface Timing {
  /** Runs before the measuring begins. */
  readonly warm: number
  readonly window: number
}

/** A sweep takes this part of the time, the sizes around the recommended one the rest. */
export const sweepPart = 0.45
/** Below this many rounds a spread says nothing. */
export const fewestRounds = 3
const wantedRounds = 4
const shortest = 150
const longest = 700
/** Changing the size, and waiting for what is under way. */
const between = 60

/** A sweep that may be had in the time that there is. */
export interface Plan {
  readonly sizes: readonly number[]
  /** Sizes that there was no time for. */
  readonly leftOut: number
  readonly timing: Timing
}

/** Opening connections and a busy machine take their time besides. */
const margin = 1.5

/**
 * The sizes up to the largest, fewer of them where `budget` is little, and how long each is measured.
 *
 * @throws Refusal naming the time that would be enough for the fewest
 */
export function planFor(budget: number, largest: number, statement: number): Plan {
  const all = sizesTo(largest)
  let count = all.length
  while (count > fewestSizes && margin * leastFor(count, statement) > budget) count--
  const sizes = Array.from(
    { length: count },
    (_, index) => all[Math.round((index * (all.length - 1)) / (count - 1))] as number,
  )
  return { sizes, leftOut: all.length - count, timing: timingFor(budget, count, statement) }
}

/** The least time for `count` sizes; with it there is no closer look. */
function leastFor(count: number, statement: number): number {
  return neededFor(count, timingOf(leastWindow(statement), statement), statement)
}

function neededFor(count: number, { warm, window }: Timing, statement: number): number {
  return 1.1 * fewestRounds * count * (warm + window + between + statement)
}

/** Ten statements one after another; fewer would be chance. */
function leastWindow(statement: number): number {
  return Math.max(shortest, 10 * statement)
}

function timingOf(window: number, statement: number): Timing {
  return { warm: Math.max(0.3 * window, Math.min(2 * statement, window)), window }
}

/**
 * Divides `budget` among `count` sizes whose statement takes `statement`. Many short rounds are better than a few long ones: what
 * disturbs one of them disturbs all sizes alike.
 *
 * @throws Refusal naming the time that would be enough
 */
export function timingFor(budget: number, count: number, statement: number): Timing {
  const least = leastWindow(statement)
  const fair = (sweepPart * budget) / (wantedRounds * count) / 1.3 - between - statement
  const window = Math.max(least, Math.min(Math.max(longest, least), fair))
  const timing = timingOf(window, statement)
  const needed = neededFor(count, timing, statement)
  if (needed <= budget) return timing
  throw badInput(
    `A statement takes ${millis(statement)}, and measuring ${count} sizes three times and more takes about ${Math.ceil(needed / 1_000)} s; ${Math.max(0, Math.floor(budget / 1_000))} s of --seconds are left. Give more --seconds, or shorter statements.`,
  )
}

/**
 * How many callers ask at once: twice as many as connections, so that the pool is the limit. Short statements that share connections
 * are a matter of the callers alone, so that there are never fewer than some of them.
 */
export function callersFor(size: number, lanes: boolean, statement: number): number {
  return Math.max(2 * size, lanes && statement < 5 ? 64 : 0)
}
