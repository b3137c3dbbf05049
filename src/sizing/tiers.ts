/** The sizes in which vendors sell Postgres, with what they publish of each, and the pool to start with. */
import { SluiceError } from '../base/errors.ts'
import { closest } from '../base/options.ts'
import type { Answer, Span } from './answer.ts'
import { said, saidSpan } from './answer.ts'

/** Published figures of one size; connections unless said. */
export interface Tier {
  readonly cpu: number
  readonly maxConnections: number
  readonly reserved: number
  readonly available: number
  readonly basePool: Span
  readonly agentPool: Span
  readonly recommended: number
}

export type TierName = 'free' | 'small' | 'medium' | 'large' | 'xl' | '2xl'

function tier(
  cpu: number,
  [maxConnections, reserved]: readonly [number, number],
  base: readonly [number, number],
  agent: readonly [number, number],
  recommended: number,
): Tier {
  return {
    cpu,
    maxConnections,
    reserved,
    available: maxConnections - reserved,
    basePool: { from: base[0], to: base[1] },
    agentPool: { from: agent[0], to: agent[1] },
    recommended,
  }
}

/** By name, from the smallest to the largest. */
export const TIERS: Readonly<Record<TierName, Tier>> = {
  free: tier(2, [60, 10], [8, 12], [15, 20], 10),
  small: tier(2, [90, 10], [8, 12], [20, 30], 20),
  medium: tier(4, [150, 15], [16, 24], [30, 50], 40),
  large: tier(8, [200, 20], [32, 48], [50, 100], 60),
  xl: tier(16, [300, 30], [64, 96], [100, 200], 100),
  '2xl': tier(32, [500, 50], [128, 192], [200, 400], 150),
}

export interface TierAnswer extends Answer {
  readonly formula: 'tier'
  readonly name: TierName
  readonly tier: Tier
  readonly min: number
}

/** `min` for a `max`: a quarter, rounded down. */
export function minFor(max: number): number {
  return Math.floor(max / 4)
}

/**
 * The recommended `max` of a tier, and `min`, a quarter of it, rounded down.
 * @throws SLUICE_BAD_OPTION listing the tiers, for one that does not exist
 */
export function sizeForTier(name: string): TierAnswer {
  if (!isTierName(name)) throw unknownTier(name)
  const row = TIERS[name]
  return {
    formula: 'tier',
    name,
    tier: row,
    value: row.recommended,
    min: minFor(row.recommended),
    arithmetic: `${name}: ${said(row.maxConnections)} − ${said(row.reserved)} = ${said(row.available)} available; recommended ${said(row.recommended)}, min ${minFor(row.recommended)} (25 %)`,
    caveat: `Vendors publish base pools of ${saidSpan(row.basePool)} and agent pools of ${saidSpan(row.agentPool)} for ${row.cpu} CPUs; the limit is of the whole server, all its databases and pools together. Yours may differ: ask the server (sluice check).`,
    source: 'what vendors publish',
  }
}

function isTierName(name: string): name is TierName {
  return Object.hasOwn(TIERS, name)
}

function unknownTier(name: unknown): SluiceError {
  const names = Object.keys(TIERS)
  const meant = typeof name === 'string' ? closest(name, names) : undefined
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`
  const given = typeof name === 'string' ? JSON.stringify(name) : typeof name
  return new SluiceError(
    'SLUICE_BAD_OPTION',
    `tier must be one of ${names.join(', ')}; it is ${given}${hint}`,
  )
}
