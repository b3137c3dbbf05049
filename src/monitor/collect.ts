/** `monitor()`: the figures of pools as plain objects, for collectors of one's own. */
import { Alarm } from '../base/alarm.ts'
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { SluiceError } from '../base/errors.ts'
import { within } from '../base/within.ts'
import { canBeAsked } from './activity.ts'
import { databaseFigures, runExtra } from './collect/extra.ts'
import type { PoolMetrics } from './collect/metrics.ts'
import { statsMetrics } from './collect/metrics.ts'
import type { CollectedPool, MonitorOptions, MonitorSettings } from './collect/options.ts'
import { readSettings } from './collect/options.ts'
import type { Collected } from './collect/watched.ts'
import { Watched } from './collect/watched.ts'
import type { NamedPools } from './monitored.ts'
import { readPools } from './monitored.ts'

export type { ExtraCollector, ExtraRequest, ExtraResult, Figures } from './collect/extra.ts'
export type { ClassMetrics, PoolKind, PoolMetrics, RecentMetrics, StatsMetrics } from './collect/metrics.ts'
export type { CollectedPool, MetricsListener, MonitorOptions } from './collect/options.ts'

/** What {@link monitor} takes from outside besides options; tests hand in their own. */
export interface MonitorSurroundings {
  readonly clock?: Clock
}

/** Collects the figures of pools. */
export interface Monitor {
  /** Collects every `every` from now on. Once is enough. @throws SLUICE_BAD_OPTION without `onMetrics` */
  start(): void
  /** Collects now; who asks while that goes on gets the same. */
  collect(): Promise<readonly PoolMetrics[]>
  /** Watches no longer, until the next `start()` or `collect()`. */
  stop(): void
  /** How often `onMetrics` failed or took too long. */
  readonly failures: number
  [Symbol.dispose](): void
}

/**
 * The figures of pools as plain objects: each time those of `stats()`, and what came since the time before. Pools are watched
 * from the first `start()` or `collect()` until `stop()`. The timer does not keep the process up, and no failure reaches a pool.
 * @throws SLUICE_BAD_OPTION
 */
export function monitor<P extends CollectedPool>(
  pools: P | NamedPools<P>,
  options: MonitorOptions<P> = {},
  { clock = systemClock }: MonitorSurroundings = {},
): Monitor {
  const named = readPools<P>(pools, 'monitor()', ['stats', 'attach'])
  return new PoolMonitor(named, readSettings(named, options), clock)
}

class PoolMonitor<P extends CollectedPool> implements Monitor {
  readonly #pools: ReadonlyMap<string, P>
  readonly #settings: MonitorSettings<P>
  readonly #clock: Clock
  readonly #alarm: Alarm
  readonly #watched = new Map<string, Watched>()
  #collecting: Promise<readonly PoolMetrics[]> | undefined
  /** When the timer goes off next; undefined while it is not started. */
  #dueAt: number | undefined
  /** The timer's own collection, handing over included, is under way. */
  #isBusy = false
  #failures = 0

  constructor(pools: ReadonlyMap<string, P>, settings: MonitorSettings<P>, clock: Clock) {
    this.#pools = pools
    this.#settings = settings
    this.#clock = clock
    this.#alarm = new Alarm(clock, () => void this.#tick(), false)
  }

  get failures(): number {
    return this.#failures
  }

  start(): void {
    const { every, onMetrics } = this.#settings
    if (onMetrics === undefined)
      throw new SluiceError('SLUICE_BAD_OPTION', 'start() needs onMetrics; without it call collect()')
    if (this.#dueAt !== undefined) return
    this.#watch()
    this.#dueAt = this.#clock.now() + every
    this.#rearm()
  }

  stop(): void {
    this.#dueAt = undefined
    this.#alarm.stop()
    for (const watched of this.#watched.values()) watched.stop()
    this.#watched.clear()
  }

  [Symbol.dispose](): void {
    this.stop()
  }

  collect(): Promise<readonly PoolMetrics[]> {
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = undefined
    })
    return this.#collecting
  }

  #watch(): void {
    for (const [name, pool] of this.#pools)
      if (!this.#watched.has(name)) this.#watched.set(name, new Watched(pool, this.#clock))
  }

  #rearm(): void {
    if (this.#dueAt !== undefined) this.#alarm.by(this.#dueAt, this.#clock.now())
  }

  async #tick(): Promise<void> {
    const { every } = this.#settings
    if (this.#dueAt === undefined) return
    // Beats that a slow collection or a frozen process has missed are left out.
    const missed = Math.floor((this.#clock.now() - this.#dueAt) / every)
    this.#dueAt += (1 + missed) * every
    this.#rearm()
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      await this.#handOver(await this.collect())
    } catch (error) {
      this.#fail(error)
    }
    this.#isBusy = false
  }

  async #handOver(metrics: readonly PoolMetrics[]): Promise<void> {
    const { onMetrics, timeoutMillis } = this.#settings
    if (onMetrics === undefined || this.#dueAt === undefined) return
    await within(this.#clock, timeoutMillis, (signal) => onMetrics(metrics, signal))
  }

  #fail(error: unknown): void {
    this.#failures += 1
    try {
      this.#settings.onError?.(error)
    } catch {
      this.#failures += 1
    }
  }

  async #collect(): Promise<readonly PoolMetrics[]> {
    this.#watch()
    const at = this.#clock.epoch()
    // All of one moment; only the further collectors take time.
    const pictures = [...this.#watched].map(([name, watched]) => [name, watched.collect()] as const)
    return Promise.all(pictures.map(([name, collected]) => this.#metrics(name, collected, at)))
  }

  async #metrics(
    name: string,
    { classes, recent, recorder, stats, totals }: Collected,
    at: number,
  ): Promise<PoolMetrics> {
    const pool = this.#pools.get(name) as P
    return Object.freeze({
      pool: name,
      kind: pool.kind ?? (canBeAsked(pool) ? 'postgresql' : 'other'),
      at,
      ...statsMetrics(stats),
      ...totals,
      queryErrorsByCode: Object.fromEntries(recorder.errors.entries()),
      connectionErrorsByCode: Object.fromEntries(recorder.connectionErrors.entries()),
      recent,
      classes,
      extra: await this.#extra(name, pool),
    })
  }

  async #extra(name: string, pool: P): Promise<PoolMetrics['extra']> {
    const { activity, extra, timeoutMillis } = this.#settings
    const collectors = [...extra]
    if (activity && canBeAsked(pool))
      collectors.push(['database', () => databaseFigures(pool, this.#clock, timeoutMillis)])
    const results = collectors.map(
      async ([of, collector]) =>
        [of, await runExtra(collector, { name, pool }, this.#clock, timeoutMillis)] as const,
    )
    return Object.fromEntries(await Promise.all(results))
  }
}
