/** The pools as OpenTelemetry sees them: its metrics of connection pools and operations, and spans where a tracer is given. */
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { requireMethods } from '../base/options.ts'
import { busyOf } from '../base/slots.ts'
import type { Hooks } from '../core/hooks.ts'
import { Failures } from './failures.ts'
import type { MonitoredPool, MonitoredStats, NamedPools } from './monitored.ts'
import { readPools } from './monitored.ts'
import type { Attributes, BatchResult, Meter, ObservableInstrument, Tracer } from './opentelemetry/api.ts'
import { MetricAttributes } from './opentelemetry/attributes.ts'
import type { Observed, Recorded } from './opentelemetry/instruments.ts'
import { observedOf, recordedOf } from './opentelemetry/instruments.ts'
import type { OpenTelemetryOptions } from './opentelemetry/options.ts'
import { readTelemetryOptions } from './opentelemetry/options.ts'
import { Spans } from './opentelemetry/spans.ts'

/** Pools that tell OpenTelemetry. */
export interface Telemetry {
  /** How often meter and tracer threw. */
  readonly failures: number
  /** Tells nothing more: the pools are left as they were, and spans of what is under way end now. */
  stop(): void
  [Symbol.dispose](): void
}

/** What it takes from outside; tests hand in their own. */
export interface TelemetrySurroundings {
  readonly clock?: Clock
}

const METER = [
  'createHistogram',
  'createObservableCounter',
  'createObservableUpDownCounter',
  'addBatchObservableCallback',
  'removeBatchObservableCallback',
]

/**
 * Tells OpenTelemetry of pools: `db.client.connection.*`, `db.client.operation.duration`, and a span for each statement where a
 * tracer is given. What meter and tracer throw never reaches a pool: `onError` is told.
 * @param pools one pool, which is called `default`, or several by name
 * @param meter of `@opentelemetry/api`, or what is shaped like it
 * @param tracer likewise; without one there are no spans
 * @throws SLUICE_BAD_OPTION, and what the meter throws when its instruments are made
 */
export function openTelemetry(
  pools: MonitoredPool | NamedPools,
  meter: Meter,
  tracer?: Tracer,
  options?: OpenTelemetryOptions,
  { clock = systemClock }: TelemetrySurroundings = {},
): Telemetry {
  const named = readPools(pools, 'openTelemetry()', ['stats', 'attach'])
  requireMethods(meter, 'openTelemetry()', METER, 'a meter')
  if (tracer !== undefined) requireMethods(tracer, 'openTelemetry()', ['startSpan'], 'a tracer')
  const settings = readTelemetryOptions(options, named.keys())
  const failures = new Failures(settings.onError, clock)
  const recorded = recordedOf(meter)
  const operations = new MetricAttributes(settings.summaries)
  const spans = tracer && new Spans(tracer, settings.queryText)
  const stopObserving = observe(named, meter, failures)
  const detach = [...named].map(([name, pool]) => {
    const server = settings.servers.get(name) ?? {}
    const hooks = new TelemetryHooks(name, server, { failures, operations, recorded })
    return [pool.attach(hooks), ...(spans ? [pool.attach(spanHooks(spans, server, failures))] : [])]
  })
  const stop = (): void => {
    for (const each of detach.flat()) each()
    for (const span of spans?.takeAll() ?? []) failures.attempt(() => span.end())
    failures.attempt(stopObserving)
  }
  return {
    get failures() {
      return failures.count
    },
    stop,
    [Symbol.dispose]: stop,
  }
}

/** One callback for all pools and instruments, so that a collection shows one picture of each pool. */
function observe(pools: ReadonlyMap<string, MonitoredPool>, meter: Meter, failures: Failures): () => void {
  const observed = observedOf(meter)
  const instruments: ObservableInstrument[] = Object.values(observed)
  const callback = (result: BatchResult): void => {
    for (const [name, pool] of pools) failures.attempt(() => tell(result, observed, name, pool.stats()))
  }
  meter.addBatchObservableCallback(callback, instruments)
  return () => meter.removeBatchObservableCallback(callback, instruments)
}

function tell(result: BatchResult, to: Observed, name: string, stats: MonitoredStats): void {
  const pool: Attributes = { 'db.client.connection.pool.name': name }
  // What opens or closes is neither: nobody has it, and nobody can.
  const used = busyOf(stats)
  result.observe(to.count, stats.idle, { ...pool, 'db.client.connection.state': 'idle' })
  result.observe(to.count, used, { ...pool, 'db.client.connection.state': 'used' })
  // All may be idle at once: the pool has no lower limit for them.
  result.observe(to.idleMax, stats.max, pool)
  result.observe(to.idleMin, stats.min, pool)
  result.observe(to.limit, stats.max, pool)
  result.observe(to.max, stats.max, pool)
  result.observe(to.pending, stats.waiting, pool)
  result.observe(to.timeouts, stats.timeouts, pool)
}

interface HookParts {
  readonly failures: Failures
  readonly operations: MetricAttributes
  readonly recorded: Recorded
}

/** Records what happens in one pool. */
class TelemetryHooks implements Hooks<object> {
  readonly #pool: Attributes
  readonly #server: Attributes
  readonly #parts: HookParts

  constructor(name: string, server: Attributes, parts: HookParts) {
    this.#pool = { 'db.client.connection.pool.name': name }
    this.#server = server
    this.#parts = parts
  }

  opened(_: object, millis: number): void {
    this.#record('create', millis, this.#pool)
  }

  acquired(_: unknown, waitedMillis: number): void {
    this.#record('wait', waitedMillis, this.#pool)
  }

  released(_: unknown, __: unknown, heldMillis: number): void {
    this.#record('use', heldMillis, this.#pool)
  }

  answered(...[operation, { error, millis }]: Parameters<NonNullable<Hooks<object>['answered']>>): void {
    const { failures, operations } = this.#parts
    const attributes = failures.attempt(() => operations.of(this.#server, operation, error))
    if (attributes !== undefined) this.#record('operation', millis, attributes)
  }

  #record(instrument: keyof Recorded, millis: number, attributes: Attributes): void {
    const { failures, recorded } = this.#parts
    failures.attempt(() => recorded[instrument].record(millis / 1_000, attributes))
  }
}

/** Follows the operations of one pool with spans. */
function spanHooks(spans: Spans, server: Attributes, failures: Failures): Hooks<object> {
  return {
    asked: (operation) => failures.attempt(() => spans.begin(server, operation)),
    answered: (operation, end) => failures.attempt(() => spans.end(operation, end)),
  }
}
