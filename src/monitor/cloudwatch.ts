/** The pools in CloudWatch: looked at once a minute, sent in batches, kept for a while where sending fails. */
import { Alarm } from '../base/alarm.ts'
import { equalJitter } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { requireMethods } from '../base/options.ts'
import { within } from '../base/within.ts'
import { Backlog } from './cloudwatch/backlog.ts'
import type { CloudWatchClient } from './cloudwatch/client.ts'
import { isRefusal } from './cloudwatch/client.ts'
import { dataOf } from './cloudwatch/data.ts'
import type { CloudWatchOptions, CloudWatchSettings } from './cloudwatch/options.ts'
import { readCloudWatchOptions } from './cloudwatch/options.ts'
import { Requests } from './cloudwatch/request.ts'
import { Failures } from './failures.ts'
import type { MonitoredPool, NamedPools } from './monitored.ts'
import { readPools } from './monitored.ts'

/** Pools that tell CloudWatch. */
export interface CloudWatchExport {
  /** Looks at the pools now, and sends all that is to be sent. Resolves when that is done, was tried in vain, or took `timeoutMillis`. */
  flush(): Promise<void>
  /** As `flush()`, once; what could not be sent is dropped, and nothing more is done from then on. */
  stop(): Promise<void>
  /** What became of the values so far. */
  stats(): CloudWatchStats
  [Symbol.asyncDispose](): Promise<void>
}

/** What became of values; a pool has four each time it is looked at. */
export interface CloudWatchStats {
  readonly sent: number
  /** To be sent still: those of the last sixty looks at most. */
  readonly waiting: number
  /** Given up: too old, refused by CloudWatch, or left over at `stop()`. */
  readonly dropped: number
  /** Requests that failed. */
  readonly failures: number
}

/** What it takes from outside; tests hand in their own. */
export interface CloudWatchSurroundings {
  readonly clock?: Clock
  /** A number from 0 up to 1, as `Math.random`. */
  readonly random?: () => number
}

/** Looks at the pools whose values are kept while nothing can be sent: an hour's, by default. */
const MOST_LOOKS = 60
const VALUES_A_POOL = 4

/** After a failure, before jitter. The AWS SDK has tried a few times by then. */
const BACKOFF_MILLIS = 1_000
const LONGEST_BACKOFF_MILLIS = 300_000

/**
 * Tells CloudWatch of pools: `PoolTotalCount`, `PoolIdleCount`, `PoolWaitingCount` and `PoolUtilization`, by `PoolName`. Its timer
 * does not keep the process up, and its failures never reach a pool.
 * @param pools one pool, which is called `default`, or several by name
 * @param client what the class `CloudWatch` of `@aws-sdk/client-cloudwatch` makes, or what is shaped like it
 * @throws SLUICE_BAD_OPTION
 */
export function cloudWatch(
  pools: MonitoredPool | NamedPools,
  client: CloudWatchClient,
  options: CloudWatchOptions,
  { clock = systemClock, random = Math.random }: CloudWatchSurroundings = {},
): CloudWatchExport {
  const named = readPools(pools, 'cloudWatch()', ['stats', 'attach'])
  requireMethods(client, 'cloudWatch()', ['putMetricData'], 'the CloudWatch of the AWS SDK')
  const settings = readCloudWatchOptions(options, named.keys())
  return new Exporter(named, client, settings, { clock, random })
}

class Exporter implements CloudWatchExport {
  readonly #pools: ReadonlyMap<string, MonitoredPool>
  readonly #settings: CloudWatchSettings
  readonly #clock: Clock
  readonly #random: () => number
  readonly #backlog: Backlog
  readonly #requests: Requests
  readonly #failures: Failures
  readonly #look: Alarm
  readonly #retry: Alarm
  #sending: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #sent = 0
  #failed = 0
  /** Since the last success. */
  #failedInARow = 0
  #notBefore = Number.NEGATIVE_INFINITY

  constructor(
    pools: ReadonlyMap<string, MonitoredPool>,
    client: CloudWatchClient,
    settings: CloudWatchSettings,
    { clock, random }: Required<CloudWatchSurroundings>,
  ) {
    this.#pools = pools
    this.#settings = settings
    this.#clock = clock
    this.#random = random
    this.#backlog = new Backlog(MOST_LOOKS * VALUES_A_POOL * pools.size)
    this.#requests = new Requests(client, clock, settings.timeoutMillis)
    this.#failures = new Failures(settings.onError, clock)
    this.#look = new Alarm(clock, () => this.#tick(), false)
    this.#retry = new Alarm(clock, () => void this.#send(), false)
    this.#rearm()
  }

  stats(): CloudWatchStats {
    const { dropped, size } = this.#backlog
    return { sent: this.#sent, waiting: size, dropped, failures: this.#failed }
  }

  async flush(): Promise<void> {
    if (this.#stopping !== undefined) return this.#stopping
    this.#takeAll()
    await this.#sendAll().catch((error: unknown) => this.#failures.tell(error))
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    this.#look.stop()
    this.#takeAll()
    await this.#sendAll().catch((error: unknown) => this.#failures.tell(error))
    this.#requests.abort(new Error('stopped'))
    await this.#sending
    this.#retry.stop()
    this.#backlog.clear()
  }

  // Looking ------------------------------------------------------------------------------------------------------------

  #rearm(): void {
    const now = this.#clock.now()
    this.#look.by(now + this.#settings.everyMillis, now)
  }

  #tick(): void {
    this.#rearm()
    this.#takeAll()
    if (this.#clock.now() >= this.#notBefore) void this.#send()
  }

  #takeAll(): void {
    const epoch = this.#clock.epoch()
    for (const [name, pool] of this.#pools) this.#failures.attempt(() => this.#take(name, pool, epoch))
  }

  #take(name: string, pool: MonitoredPool, epoch: number): void {
    const stats = pool.stats()
    if (stats.state === 'ended') return
    this.#backlog.add(dataOf(stats, this.#settings.dimensions.get(name) ?? [], epoch))
  }

  // Sending ------------------------------------------------------------------------------------------------------------

  /** In time, whatever becomes of the requests. */
  #sendAll(): Promise<void> {
    return within(this.#clock, this.#settings.timeoutMillis, async () => {
      // What is under way may fail, and has not tried what was added since.
      await this.#sending
      await this.#send()
    })
  }

  #send(): Promise<void> {
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  /** Sends one request after the other until one fails, or all is over. Never rejects. */
  async #drain(): Promise<void> {
    this.#retry.stop()
    while (this.#backlog.size > 0 && !this.#requests.isOver) {
      const batch = this.#backlog.take()
      try {
        await this.#requests.send({ Namespace: this.#settings.namespace, MetricData: batch })
        this.#sent += batch.length
        this.#failedInARow = 0
        this.#notBefore = Number.NEGATIVE_INFINITY
      } catch (error) {
        this.#failed += 1
        this.#failures.tell(error)
        if (isRefusal(error)) this.#backlog.drop(batch)
        else {
          this.#backlog.putBack(batch)
          return this.#backOff()
        }
      }
    }
  }

  #backOff(): void {
    const now = this.#clock.now()
    const attempt = this.#failedInARow++
    const millis = equalJitter(attempt, BACKOFF_MILLIS, LONGEST_BACKOFF_MILLIS, this.#random)
    this.#notBefore = now + millis
    this.#retry.by(this.#notBefore, now)
  }
}
