/** What the scaling rules know of a pool at one moment. */
import { SluiceError } from '../../base/errors.ts'
import type { PoolMetrics } from '../collect.ts'

/** One sample of a series. What is not known is left out: the rules that need it say so and are silent. */
export interface ScalingSample {
  /** Milliseconds on any clock, never twice the same in a row; where it was put back, every window begins anew. */
  readonly at: number
  /** Connections that the pool may have. */
  readonly max?: number | undefined
  /** Busy slots by `max`, in percent; best the mean since the sample before, as for the next two. */
  readonly utilization?: number | undefined
  /** Slots. */
  readonly idle?: number | undefined
  /** Callers that wait. */
  readonly queueDepth?: number | undefined
  /** The mean time of statements since the sample before; null where there were none. */
  readonly responseMillis?: number | null | undefined
  /** Failed statements by statements, in percent. */
  readonly errorPercent?: number | undefined
  /** The part of the time in which every slot was busy, 0 to 1. */
  readonly full?: number | undefined
  /** Opens that had no answer in time, since the sample before. */
  readonly connectTimeouts?: number | undefined
  /** Callers who got no connection, since the sample before. */
  readonly refused?: number | undefined
  /** Of the database server, in percent. */
  readonly cpu?: number | undefined
}

/** Makes a sample of what `monitor()` has collected, and of what the pool cannot know. */
export function sampleOf(
  { at, max, recent }: Pick<PoolMetrics, 'at' | 'max' | 'recent'>,
  { cpu }: Pick<ScalingSample, 'cpu'> = {},
): ScalingSample {
  return Object.freeze({
    at,
    max,
    utilization: recent.utilization,
    idle: recent.idle,
    queueDepth: recent.waiting,
    responseMillis: recent.queryMeanMillis,
    errorPercent: recent.errorPercent,
    full: recent.full,
    connectTimeouts: recent.connectTimeouts,
    refused: recent.timeouts + recent.rejected + recent.shed,
    cpu,
  })
}

const FACTS: readonly (keyof ScalingSample)[] = [
  'utilization',
  'idle',
  'queueDepth',
  'errorPercent',
  'full',
  'connectTimeouts',
  'refused',
  'cpu',
]

/** The samples since the clock was put back last: how much time lies between those before and those after nobody knows. */
export function sinceSetBack(series: readonly ScalingSample[]): readonly ScalingSample[] {
  const from = series.findLastIndex(({ at }, index) => at < (series[index - 1]?.at ?? at))
  return from < 0 ? series : series.slice(from)
}

/** @throws SLUICE_BAD_OPTION for what is no series: facts that are no numbers from 0 on, and a time twice in a row */
export function requireSeries(series: readonly ScalingSample[]): void {
  if (!Array.isArray(series)) throw new SluiceError('SLUICE_BAD_OPTION', 'series must be a list of samples')
  let before = Number.NEGATIVE_INFINITY
  // A week has ten thousand samples: nothing is put into words before something is wrong.
  series.forEach((sample: ScalingSample | null | undefined, index) => {
    if (typeof sample !== 'object' || sample === null) refuse(index, undefined, 'an object', sample)
    const { at, max, responseMillis } = sample
    if (!Number.isFinite(at) || at === before)
      refuse(index, 'at', 'a number of milliseconds, another than in the sample before', at)
    before = at
    for (const fact of FACTS)
      if (!isFact(sample[fact])) refuse(index, fact, 'a number, 0 or more', sample[fact])
    if (responseMillis !== null && !isFact(responseMillis))
      refuse(index, 'responseMillis', 'null or a number, 0 or more', responseMillis)
    if (max !== undefined && !(Number.isInteger(max) && max >= 1))
      refuse(index, 'max', 'a whole number, 1 or more', max)
  })
}

function isFact(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && value >= 0)
}

function refuse(index: number, fact: string | undefined, range: string, value: unknown): never {
  const what = fact === undefined ? `series[${index}]` : `series[${index}].${fact}`
  const shown = typeof value === 'number' || value === null ? String(value) : `of type ${typeof value}`
  throw new SluiceError('SLUICE_BAD_OPTION', `${what} must be ${range}; it is ${shown}`)
}
