/** What a call says about kept answers, and the key that its answer is kept under. */
import { SluiceError } from '../../base/errors.ts'
import { readGroup, readMillis, readString } from '../../base/options.ts'
import type { Statement } from '../lanes/flight.ts'

/** How the answer of one plain read may be shared with others. */
export interface CacheOptions {
  /** Milliseconds, from its arrival, for which an answer is given again without asking the server. 1 or more. */
  readonly ttl: number
  /**
   * Milliseconds after that for which it is still given, marked `stale`, when the statement cannot be run because the pool cannot
   * serve or does not in time. Default 0.
   */
  readonly staleIfError?: number | undefined
  /**
   * The caller's own name for the answer, in place of text and values: whatever goes by one key gets one answer, other texts too.
   * Default: made of text, values and row mode.
   */
  readonly key?: string | undefined
}

/** {@link CacheOptions}, complete. */
export interface CacheRule {
  readonly ttl: number
  readonly staleIfError: number
  readonly key: string | undefined
}

const NAMES = ['ttl', 'staleIfError', 'key'] as const satisfies readonly (keyof CacheOptions)[]

/** @throws SLUICE_BAD_OPTION naming the option, its value and its range */
export function readRule(cache: unknown): CacheRule {
  if (typeof cache !== 'object' || cache === null)
    throw new SluiceError('SLUICE_BAD_OPTION', `cache must be an object of ${NAMES.join(', ')}`)
  const given = readGroup(cache, 'cache', NAMES) ?? {}
  const ttl = readMillis(given, 'cache.ttl', 1)
  if (ttl === undefined)
    throw new SluiceError(
      'SLUICE_BAD_OPTION',
      'cache.ttl must be given: the milliseconds for which an answer may be given again',
    )
  return {
    ttl,
    staleIfError: readMillis(given, 'cache.staleIfError') ?? 0,
    key: readString(given, 'cache.key'),
  }
}

/** Objects that say how a caller's types are read, told apart by number. */
const typesSeen = new WeakMap<object, number>()
let typesCount = 0

/** What an answer is kept under: the caller's key, or text and values; and in what form its rows are. */
export function keyOf({ text, values, rowMode, types }: Statement, own: string | undefined): string {
  const form = [rowMode === 'array' ? 1 : 0, numberOf(types)]
  if (own !== undefined) return JSON.stringify([...form, own])
  const told = (values ?? []).map((value) =>
    value instanceof Buffer ? { bytes: value.toString('base64') } : value,
  )
  return JSON.stringify([...form, text, told])
}

function numberOf(types: unknown): number {
  if (typeof types !== 'object' || types === null) return 0
  const seen = typesSeen.get(types)
  if (seen !== undefined) return seen
  typesCount += 1
  typesSeen.set(types, typesCount)
  return typesCount
}
