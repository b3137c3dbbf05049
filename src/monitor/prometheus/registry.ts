/** What passes between the exporter and a registry of prom-client. */
import type { MetricDefinition } from './metrics.ts'

/** What is needed of a registry: prom-client's own has it (test/types/prometheus.ts). */
export interface PrometheusRegistry {
  registerMetric(metric: object): void
  getSingleMetric(name: string): unknown
  removeSingleMetric(name: string): void
}

/** One number of a metric. */
export interface MetricValue {
  /** Where it is not that of the metric: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** How prom-client makes one value of those of several processes with the same labels. */
export type Aggregator = 'sum' | 'max' | 'average'

/** A metric as a registry has it: its values are worked out when they are asked for. */
export class PoolMetric {
  readonly help: string
  readonly type: MetricDefinition['type']
  readonly aggregator: Aggregator
  readonly #name: string
  readonly #collect: () => Promise<MetricValue[]> | MetricValue[]
  #askedAs: string | undefined

  constructor(
    { name, help, type }: MetricDefinition,
    aggregator: Aggregator,
    collect: () => Promise<MetricValue[]> | MetricValue[],
  ) {
    this.#name = name
    this.help = help
    this.type = type
    this.aggregator = aggregator
    this.#collect = collect
  }

  get name(): string {
    return this.#name
  }

  /**
   * A registry that writes OpenMetrics takes `_total` off the name of a counter right before it asks for the values, and writes it behind
   * each of them again. So a name holds for one question: the next may come from a registry that writes the other format.
   */
  set name(name: string) {
    this.#askedAs = name
  }

  /** As a registry asks at each scrape. */
  async get(): Promise<{
    readonly name: string
    readonly help: string
    readonly type: MetricDefinition['type']
    readonly values: MetricValue[]
    readonly aggregator: Aggregator
  }> {
    const name = this.#askedAs ?? this.#name
    this.#askedAs = undefined
    const { help, type, aggregator } = this
    return { name, help, type, values: await this.#collect(), aggregator }
  }

  /** A registry that is reset asks for this of each metric. The figures are those of the pools, which go on. */
  reset(): void {}
}
