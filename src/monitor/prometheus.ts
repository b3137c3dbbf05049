/** Pools as Prometheus sees them: a registry of prom-client is told of them, and reads them when it is scraped. */
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { readGroup, readMillis, readOptions, requireMethods } from '../base/options.ts'
import type { Activity } from './activity/seen.ts'
import { activity, canBeAsked } from './activity.ts'
import type { MonitoredPool, NamedPools } from './monitored.ts'
import { readPools } from './monitored.ts'
import type { Shown } from './prometheus/exposition.ts'
import { expositionOf } from './prometheus/exposition.ts'
import { METRIC_LABELS, readLabels } from './prometheus/labels.ts'
import type { PrometheusRegistry } from './prometheus/registry.ts'
import { record } from './recorder.ts'

export type { PrometheusRegistry } from './prometheus/registry.ts'

/** Options of {@link prometheus}. */
export interface PrometheusOptions {
  /**
   * Labels of every series besides `pool`, to tell this process from others whose metrics come together before they are scraped
   * (workers of a cluster). Names of letters, digits and `_`; values that are not empty. Default none.
   */
  readonly labels?: Readonly<Record<string, string>> | undefined
  /**
   * Asks the server of each pool at each scrape, for the metrics `db_server_…`: five reads, as `activity()`. `timeoutMillis` is how long
   * they may take together, in milliseconds, 1 or more; default 1,000. A server that has not answered by then has no such
   * series in that scrape. Pools that cannot be asked have none. Default false.
   */
  readonly activity?: boolean | { readonly timeoutMillis?: number | undefined } | undefined
}

/** What {@link prometheus} takes from outside besides options; tests hand in their own. */
export interface PrometheusSurroundings {
  readonly clock?: Clock
}

/** Pools that a registry shows. */
export interface PrometheusExport {
  /** Takes their series out of the registry, and the metrics with the last of them. Once is enough. */
  stop(): void
}

/** Less than a scrape may take by default (10,000 ms), even where servers are slow. In milliseconds. */
const ACTIVITY_MILLIS = 1_000

/**
 * Shows pools in a registry of prom-client. Nothing is worked out before a scrape, and no timer runs. One registry takes the pools of
 * several calls. A pool that has ended stays with its last counts, its gauges at 0, until `stop()`.
 * @throws SLUICE_BAD_OPTION, also for a pool whose name and labels the registry shows already, and for a registry with a foreign metric of
 * one of the names
 */
export function prometheus(
  pools: MonitoredPool | NamedPools,
  registry: PrometheusRegistry,
  options: PrometheusOptions = {},
  { clock = systemClock }: PrometheusSurroundings = {},
): PrometheusExport {
  const named = readPools<MonitoredPool>(pools, 'prometheus()', ['stats', 'attach'])
  const methods = ['registerMetric', 'getSingleMetric', 'removeSingleMetric']
  requireMethods(registry, 'prometheus()', methods, 'a registry of prom-client')
  const given = readOptions(options, 'prometheus()', ['labels', 'activity'])
  const own = readLabels(given, METRIC_LABELS, 'metrics')
  const asked = readGroup(given.activity, 'activity', ['timeoutMillis'])
  const millis = asked && (readMillis(asked, 'activity.timeoutMillis', 1) ?? ACTIVITY_MILLIS)
  const exposition = expositionOf(registry)
  const labelled = [...named].map(([name, pool]) => ({ pool, labels: { pool: name, ...own } }))
  exposition.check(labelled.map(({ labels }) => labels))
  const recordings = labelled.map(({ pool }) => record(pool))
  const shown = labelled.map(
    ({ pool, labels }, place): Shown => ({
      pool,
      labels,
      recorder: (recordings[place] as (typeof recordings)[number]).recorder,
      ask: millis === undefined ? undefined : asking(pool, millis, clock),
    }),
  )
  exposition.add(shown)
  let isOver = false
  return {
    stop: () => {
      if (isOver) return
      isOver = true
      exposition.remove(shown)
      for (const recording of recordings) recording.stop()
    },
  }
}

/** Asks one pool's server. All who ask while it is asked get the same answer. */
function asking(
  pool: MonitoredPool,
  timeoutMillis: number,
  clock: Clock,
): (() => Promise<Activity | undefined>) | undefined {
  if (!canBeAsked(pool)) return undefined
  let running: Promise<Activity | undefined> | undefined
  return () => {
    running ??= activity(pool, { timeoutMillis }, { clock })
      // A server that cannot say has no series: that is how Prometheus is told.
      .catch(() => undefined)
      .finally(() => {
        running = undefined
      })
    return running
  }
}
