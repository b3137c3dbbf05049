/** The operations of the last seconds, told from what a recorder has counted since its beginning, and the waits for a connection. */
import { Histogram } from '../../base/histogram.ts'
import { Ring } from '../../base/ring.ts'
import type { Recorder } from '../../monitor/recorder.ts'
import type { ClassFrame, PoolFrame } from '../frame.ts'
import { Rate } from './rate.ts'

/** What percentiles look back on. */
const WINDOW_SECONDS = 10

/** What was counted up to a moment. */
interface Mark {
  readonly at: number
  readonly answered: number
  readonly failed: number
  readonly times: ReadonlyMap<string, Histogram>
  readonly waits: Histogram
}

/** What came in a stretch of time. */
export interface Stretch {
  /** A second. */
  readonly answered: number
  readonly failed: number
  /** Milliseconds; null where nothing was answered. */
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

/** Two decimals are enough for people, and half the size. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100
}

/** Looks at one recorder, which may have counted for others before; attached to the pool itself it hears of waits. */
export class RecentOperations {
  readonly #recorder: Recorder
  readonly #marks = new Ring<Mark>(WINDOW_SECONDS + 1)
  readonly #answered: Rate
  readonly #failed: Rate
  readonly #waits = new Histogram()
  #last: Mark

  constructor(recorder: Recorder, now: number) {
    this.#recorder = recorder
    this.#last = this.#mark(now)
    this.#marks.push(this.#last)
    this.#answered = new Rate(now, this.#last.answered)
    this.#failed = new Rate(now, this.#last.failed)
  }

  acquired(_: unknown, waitedMillis: number): void {
    this.#waits.record(waitedMillis)
  }

  /** To be called once a second. @returns what came since it was called last */
  second(now: number): Stretch {
    const before = this.#last
    this.#last = this.#mark(now)
    this.#marks.push(this.#last)
    this.perSecond(now)
    const all = new Histogram()
    for (const [name, times] of this.#last.times) all.add(since(times, before.times.get(name)))
    const seconds = (now - before.at) / 1_000
    const perSecond = (count: number) => (seconds > 0 ? rounded(count / seconds) : 0)
    return {
      answered: perSecond(this.#last.answered - before.answered),
      failed: perSecond(this.#last.failed - before.failed),
      ...quantiles(all),
    }
  }

  /** What has ended, and what of it failed, a second, over the last second or so. */
  perSecond(now: number): { answered: number; failed: number } {
    return {
      answered: rounded(this.#answered.read(now, countOf(this.#recorder))),
      failed: rounded(this.#failed.read(now, this.#recorder.errors.total)),
    }
  }

  /** All classes together, over the last ten seconds or so. */
  latency(now: number): Pick<Stretch, 'p50' | 'p95' | 'p99'> {
    const from = this.#windowStart(now)
    const all = new Histogram()
    for (const [name, { times }] of this.#recorder.classes) all.add(since(times, from.times.get(name)))
    return quantiles(all)
  }

  /** Those who got a connection in the last ten seconds or so; null where nobody did. */
  wait(now: number): PoolFrame['wait'] {
    const waits = this.#waits.since(this.#windowStart(now).waits)
    const { p95, p99 } = quantiles(waits)
    return { mean: waits.count === 0 ? null : rounded(waits.mean), p95, p99 }
  }

  /** Each class that was ever seen, over the last ten seconds or so. */
  classes(now: number): ClassFrame[] {
    const from = this.#windowStart(now)
    const seconds = (now - from.at) / 1_000
    return [...this.#recorder.classes].map(([name, { times }]) => {
      const recently = since(times, from.times.get(name))
      const perSecond = seconds > 0 ? rounded(recently.count / seconds) : 0
      return { class: name, perSecond, ...quantiles(recently) }
    })
  }

  /** After a standstill of the process older marks say nothing of the last seconds. */
  #windowStart(now: number): Mark {
    const recent = ({ at }: Mark) => now - at <= (WINDOW_SECONDS + 1) * 1_000
    return this.#marks.values().find(recent) ?? this.#last
  }

  #mark(at: number): Mark {
    const { classes, errors } = this.#recorder
    const times = new Map([...classes].map(([name, record]) => [name, record.times.copy()]))
    return { at, answered: countOf(this.#recorder), failed: errors.total, times, waits: this.#waits.copy() }
  }
}

function countOf({ classes }: Recorder): number {
  let sum = 0
  for (const { times } of classes.values()) sum += times.count
  return sum
}

function since(times: Histogram, earlier: Histogram | undefined): Histogram {
  return earlier === undefined ? times : times.since(earlier)
}

function quantiles(times: Histogram): Pick<Stretch, 'p50' | 'p95' | 'p99'> {
  if (times.count === 0) return { p50: null, p95: null, p99: null }
  return {
    p50: rounded(times.quantile(0.5)),
    p95: rounded(times.quantile(0.95)),
    p99: rounded(times.quantile(0.99)),
  }
}
