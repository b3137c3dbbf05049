/** The options of `monitor()`, and how they are read. */
import { SluiceError } from '../../base/errors.ts'
import { readBoolean, readFunction, readMillis, readOptions } from '../../base/options.ts'
import { canBeAsked } from '../activity.ts'
import type { MonitoredPool } from '../monitored.ts'
import type { ExtraCollector } from './extra.ts'
import type { PoolKind, PoolMetrics } from './metrics.ts'

/** A pool whose figures are collected. */
export interface CollectedPool extends MonitoredPool {
  /** Default: `postgresql` for a pool that can be asked about its server, else `other`. */
  readonly kind?: PoolKind | undefined
}

/** Is handed the figures of all pools; the next collection waits for it, and `signal` aborts when its time is over. */
export type MetricsListener = (metrics: readonly PoolMetrics[], signal: AbortSignal) => unknown

/** Options of {@link monitor}. */
export interface MonitorOptions<P extends CollectedPool = CollectedPool> {
  /** Between two collections, in milliseconds. 1 or more; default 60,000. */
  readonly every?: number | undefined
  /** Is handed what is collected every `every`; `start()` needs it. */
  readonly onMetrics?: MetricsListener | undefined
  /** Is told when `onMetrics` fails or takes too long. */
  readonly onError?: ((error: unknown) => void) | undefined
  /** Asks the servers of Postgres pools too, and puts what they say under `extra.database`. Default false. */
  readonly activity?: boolean | undefined
  /** Further collectors by name: each is asked for every pool, and what it says stands under that name in `extra`. */
  readonly extra?: Readonly<Record<string, ExtraCollector<P>>> | undefined
  /** How long a further collector, and `onMetrics`, may take, in milliseconds. 1 or more; default 5,000. */
  readonly timeoutMillis?: number | undefined
}

/** The options in effect. */
export interface MonitorSettings<P> {
  readonly every: number
  readonly onMetrics: MetricsListener | undefined
  readonly onError: ((error: unknown) => void) | undefined
  readonly activity: boolean
  readonly extra: readonly (readonly [name: string, collector: ExtraCollector<P>])[]
  readonly timeoutMillis: number
}

const NAMES = ['every', 'onMetrics', 'onError', 'activity', 'extra', 'timeoutMillis']

/** @throws SLUICE_BAD_OPTION */
export function readSettings<P extends CollectedPool>(
  pools: ReadonlyMap<string, P>,
  options: MonitorOptions<P>,
): MonitorSettings<P> {
  const given = readOptions(options, 'monitor()', NAMES)
  const extra = readOptions(given.extra, 'extra', Object.keys(given.extra ?? {}))
  for (const name of Object.keys(extra)) readFunction(extra, name)
  const activity = readBoolean(given, 'activity') ?? false
  if (activity && ![...pools.values()].some(canBeAsked))
    throw new SluiceError('SLUICE_BAD_OPTION', 'activity is for Postgres pools, and there is none')
  if (activity && extra.database !== undefined)
    throw new SluiceError('SLUICE_BAD_OPTION', 'extra.database has the name of what activity finds')
  return {
    every: readMillis(given, 'every', 1) ?? 60_000,
    onMetrics: readFunction<MetricsListener>(given, 'onMetrics'),
    onError: readFunction<(error: unknown) => void>(given, 'onError'),
    activity,
    extra: Object.entries(options.extra ?? {}),
    timeoutMillis: readMillis(given, 'timeoutMillis', 1) ?? 5_000,
  }
}
