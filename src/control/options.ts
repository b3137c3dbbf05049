/** What `adapt()` takes, and what it tells. */
import { SluiceError } from '../base/errors.ts'
import { readFunction, readMillis, readNumber, readOptions, requireMethods } from '../base/options.ts'
import type { Size } from '../sizing/vertical.ts'
import { VERTICAL } from '../sizing/vertical.ts'
import { serverRoom } from './room.ts'
import type { Asked, Watched } from './watched.ts'
import type { WindowFigures } from './window.ts'

/** Options of `adapt()`. */
export interface AdaptOptions {
  /** What `max` never exceeds. 1 to 10,000. */
  readonly absoluteMax: number
  /** How long a window is, in milliseconds. 100 or more; default 60,000. */
  readonly every?: number | undefined
  /**
   * What a parent budget leaves to this pool, temporary connections included; asked once a window. Default: the budget that the
   * pool shares with others, where it has one.
   */
  readonly limit?: (() => number | undefined) | undefined
  /**
   * How many connections the server lets this pool have; asked before each growth, and where it fails the pool does not
   * grow. Default: a pool that leads to a Postgres asks it (`serverRoom()`), others have no limit of this kind.
   */
  readonly room?: (() => Promise<number>) | undefined
  /** Told of every change, after it. */
  readonly onChange?: ((change: SizeChange) => void) | undefined
  /** Told when the load asks for more than there is room for, or than was found out. */
  readonly onRefusal?: ((refusal: GrowthRefusal) => void) | undefined
}

/** What a decision rests on. */
export interface Evidence extends WindowFigures {
  readonly windowMillis: number
  readonly absoluteMax: number
  /** What `limit` said; `undefined` without one. */
  readonly limit: number | undefined
  /** What `room` said; `undefined` where it was not asked or did not answer. */
  readonly room: number | undefined
}

/** One change of a pool's size. */
export interface SizeChange {
  readonly from: Size
  readonly to: Size
  /** One sentence with the numbers that decided. */
  readonly reason: string
  /** `undefined` for the size to start at, which nothing was seen for. */
  readonly evidence: Evidence | undefined
}

/** A growth that did not come. */
export interface GrowthRefusal {
  readonly size: Size
  readonly wanted: Size
  readonly reason: string
  readonly evidence: Evidence
  /** Why `room` did not answer. */
  readonly cause: unknown
}

const leastWindowMillis = 100

const OPTIONS = ['absoluteMax', 'every', 'limit', 'room', 'onChange', 'onRefusal']

/** {@link AdaptOptions} with every default in place. */
export interface AdaptSettings extends Omit<AdaptOptions, 'every' | 'limit'> {
  readonly every: number
  readonly limit: () => number | undefined
}

/** Completes options. @throws SLUICE_BAD_OPTION */
export function readAdaptOptions(pool: Watched & Partial<Asked>, options: AdaptOptions): AdaptSettings {
  requireMethods(pool, 'adapt()', ['stats', 'resize'])
  const given = readOptions(options, 'adapt()', OPTIONS)
  const absoluteMax = readNumber(given, 'absoluteMax', { min: 1, max: 10_000 })
  if (absoluteMax === undefined)
    throw new SluiceError('SLUICE_BAD_OPTION', 'absoluteMax is missing: the size that the pool never exceeds')
  return {
    absoluteMax,
    every: readMillis(given, 'every', leastWindowMillis) ?? VERTICAL.everyMillis,
    limit: readFunction(given, 'limit') ?? (() => pool.stats().budget?.limit),
    room: readFunction(given, 'room') ?? (asks(pool) ? () => serverRoom(pool) : undefined),
    onChange: readFunction(given, 'onChange'),
    onRefusal: readFunction(given, 'onRefusal'),
  }
}

function asks(pool: Partial<Asked>): pool is Asked {
  return pool.query !== undefined && pool.connections !== undefined
}
