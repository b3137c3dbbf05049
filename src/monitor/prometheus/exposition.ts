/** What one registry shows of all pools that were handed to it: one metric of a name, whose series are those of every pool. */
import { SluiceError } from '../../base/errors.ts'
import type { Activity } from '../activity/seen.ts'
import type { MonitoredPool } from '../monitored.ts'
import type { Recorder } from '../recorder.ts'
import type { Figure, PoolMetricId, Seen, ServerMetricId } from './figures.ts'
import { POOL_FIGURES, SERVER_FIGURES } from './figures.ts'
import type { Labels } from './labels.ts'
import { labelsKey } from './labels.ts'
import type { MetricId } from './metrics.ts'
import { METRICS } from './metrics.ts'
import type { Aggregator, MetricValue, PrometheusRegistry } from './registry.ts'
import { PoolMetric } from './registry.ts'

/** One pool as a registry shows it. */
export interface Shown {
  /** `pool`, and those of the caller. */
  readonly labels: Labels
  readonly pool: MonitoredPool
  readonly recorder: Recorder
  /** What its server says, undefined where it does not answer; undefined for a pool whose server is not asked. Never rejects. */
  readonly ask: (() => Promise<Activity | undefined>) | undefined
}

/** What is not the sum of what the processes say. What the server says, each of them has heard. */
const AGGREGATORS: Readonly<Partial<Record<MetricId, Aggregator>>> = {
  utilization: 'average',
  oldestWait: 'max',
  breaker: 'max',
  sessions: 'max',
  longestStatement: 'max',
  maxSessions: 'max',
}

const expositions = new WeakMap<PrometheusRegistry, Exposition>()

/** The one of a registry. */
export function expositionOf(registry: PrometheusRegistry): Exposition {
  let exposition = expositions.get(registry)
  if (exposition === undefined) {
    exposition = new Exposition(registry)
    expositions.set(registry, exposition)
  }
  return exposition
}

/** Is registered for as long as there is a pool to show. */
export class Exposition {
  readonly #registry: PrometheusRegistry
  readonly #shown = new Map<string, Shown>()
  readonly #ofPools: readonly PoolMetric[]
  readonly #ofServers: readonly PoolMetric[]
  #scene: readonly (Seen & Pick<Shown, 'labels'>)[] | undefined

  constructor(registry: PrometheusRegistry) {
    this.#registry = registry
    const make = (id: MetricId, collect: () => Promise<MetricValue[]> | MetricValue[]) =>
      new PoolMetric(METRICS[id], AGGREGATORS[id] ?? 'sum', collect)
    this.#ofPools = idsOf(POOL_FIGURES).map((id) => make(id, () => this.#poolValues(id)))
    this.#ofServers = idsOf(SERVER_FIGURES).map((id) => make(id, () => this.#serverValues(id)))
  }

  /**
   * Makes sure that pools of these labels can be shown.
   * @throws SLUICE_BAD_OPTION where a pool of the same labels is shown, or another metric has one of the names
   */
  check(asked: readonly Labels[]): void {
    const twin = asked.find((labels) => this.#shown.has(labelsKey(labels)))
    if (twin !== undefined)
      throw new SluiceError(
        'SLUICE_BAD_OPTION',
        `prometheus() shows a pool ${JSON.stringify(twin.pool)} in this registry already; give it another name or other labels, or stop() the first`,
      )
    const foreign = [...this.#ofPools, ...this.#ofServers].find(
      (metric) => (this.#registry.getSingleMetric(metric.name) ?? metric) !== metric,
    )
    if (foreign !== undefined)
      throw new SluiceError(
        'SLUICE_BAD_OPTION',
        `the registry of prometheus() has a metric ${foreign.name} that is not of Sluice; give prometheus() a registry of its own`,
      )
  }

  /** Shows pools. What was checked holds. */
  add(pools: readonly Shown[]): void {
    for (const shown of pools) this.#shown.set(labelsKey(shown.labels), shown)
    for (const metric of this.#wanted) if (!this.#isThere(metric)) this.#registry.registerMetric(metric)
  }

  /** Shows them no longer. */
  remove(pools: readonly Shown[]): void {
    for (const { labels } of pools) this.#shown.delete(labelsKey(labels))
    const wanted = this.#wanted
    for (const metric of [...this.#ofPools, ...this.#ofServers])
      if (!wanted.has(metric) && this.#isThere(metric)) this.#registry.removeSingleMetric(metric.name)
  }

  /** What there is to show. */
  get #wanted(): ReadonlySet<PoolMetric> {
    if (this.#shown.size === 0) return new Set()
    const asks = [...this.#shown.values()].some(({ ask }) => ask !== undefined)
    return new Set([...this.#ofPools, ...(asks ? this.#ofServers : [])])
  }

  /** Somebody may have cleared the registry, and put other metrics there. */
  #isThere(metric: PoolMetric): boolean {
    return this.#registry.getSingleMetric(metric.name) === metric
  }

  #poolValues(id: PoolMetricId): MetricValue[] {
    return this.#look().flatMap((seen) => valuesOf(id, POOL_FIGURES[id](seen), seen.labels))
  }

  async #serverValues(id: ServerMetricId): Promise<MetricValue[]> {
    const answers = [...this.#shown.values()].map(async ({ ask, labels }) => {
      const activity = await ask?.()
      return activity === undefined ? [] : valuesOf(id, SERVER_FIGURES[id](activity), labels)
    })
    return (await Promise.all(answers)).flat()
  }

  /** A registry asks for all metrics in one turn: they are of one moment. */
  #look(): readonly (Seen & Pick<Shown, 'labels'>)[] {
    if (this.#scene !== undefined) return this.#scene
    this.#scene = [...this.#shown.values()].map(({ labels, pool, recorder }) => ({
      labels,
      recorder,
      stats: pool.stats(),
    }))
    queueMicrotask(() => {
      this.#scene = undefined
    })
    return this.#scene
  }
}

function idsOf<Id extends MetricId>(table: Readonly<Record<Id, unknown>>): Id[] {
  return Object.keys(table) as Id[]
}

function valuesOf(id: MetricId, figures: readonly Figure[], shared: Labels): MetricValue[] {
  return figures.map(({ labels, suffix, value }) => ({
    labels: { ...shared, ...labels },
    value,
    ...(suffix && { metricName: METRICS[id].name + suffix }),
  }))
}
