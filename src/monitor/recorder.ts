/**
 * Counts what a pool's own statistics do not keep: durations in boundaries that add up, by class; failures by code. One recorder
 * serves all who watch a pool, and is attached for as long as anybody does.
 */
import { Buckets } from '../base/buckets.ts'
import { codeOf } from '../base/errors.ts'
import { Histogram } from '../base/histogram.ts'
import type { Hooks } from '../core/hooks.ts'
import type { MonitoredPool } from './monitored.ts'
import { CONNECTION_SECONDS, QUERY_SECONDS } from './prometheus/metrics.ts'

/** What each class is expected to take, in milliseconds: above it a statement counts as slow. Of another class nothing is expected. */
export const EXPECTED_MILLIS: Readonly<Record<string, number>> = {
  simple: 100,
  moderate: 1_000,
  complex: 60_000,
  analytical: 300_000,
}

/** The operations of one class. */
export class ClassRecord {
  /** In seconds. */
  readonly durations: Buckets = new Buckets(QUERY_SECONDS)
  /** In milliseconds, for percentiles. */
  readonly times: Histogram = new Histogram()
  /** Took longer than is expected of the class. */
  slow = 0
}

/** Of classes and codes each. */
const MOST_WORDS = 50

/** Counts by a word, of which there are few: what comes after the fiftieth is `other`. */
export class Counts {
  readonly #counts = new Map<string, number>()

  add(word: string): void {
    const known = this.#counts.has(word) || this.#counts.size < MOST_WORDS ? word : 'other'
    this.#counts.set(known, (this.#counts.get(known) ?? 0) + 1)
  }

  get total(): number {
    let sum = 0
    for (const count of this.#counts.values()) sum += count
    return sum
  }

  entries(): IterableIterator<[string, number]> {
    return this.#counts.entries()
  }
}

/** What was seen of a pool since the first of those who watch it now began. */
export class Recorder implements Hooks<object> {
  /** From asking for a connection to having one, in seconds. */
  readonly waits: Buckets = new Buckets(CONNECTION_SECONDS)
  /** From having it to giving it back. */
  readonly uses: Buckets = new Buckets(CONNECTION_SECONDS)
  readonly opens: Buckets = new Buckets(CONNECTION_SECONDS)
  /** Connections that could not be opened, by code, and those that were lost. */
  readonly connectionErrors: Counts = new Counts()
  readonly classes: Map<string, ClassRecord> = new Map<string, ClassRecord>()
  /** Operations that failed, by code. */
  readonly errors: Counts = new Counts()

  opened(_: object, millis: number): void {
    this.opens.record(millis / 1_000)
  }

  openFailed(error: unknown): void {
    this.connectionErrors.add(errorType(error))
  }

  acquired(_: unknown, waitedMillis: number): void {
    this.waits.record(waitedMillis / 1_000)
  }

  released(_: unknown, __: unknown, heldMillis: number): void {
    this.uses.record(heldMillis / 1_000)
  }

  closing(_: object, reason: string): void {
    if (reason === 'lost') this.connectionErrors.add('lost')
  }

  answered(
    operation: { readonly class: string },
    end: { readonly millis: number; readonly error: unknown },
  ): void {
    const record = this.#classOf(operation.class)
    record.durations.record(end.millis / 1_000)
    record.times.record(end.millis)
    if (end.millis > (EXPECTED_MILLIS[operation.class] ?? Number.POSITIVE_INFINITY)) record.slow += 1
    if (end.error !== undefined) this.errors.add(errorType(end.error))
  }

  /** There are few, unless a pool makes them up: what comes after the fiftieth is `other`. */
  #classOf(asked: string): ClassRecord {
    const name = this.classes.has(asked) || this.classes.size < MOST_WORDS ? asked : 'other'
    let record = this.classes.get(name)
    if (record === undefined) {
      record = new ClassRecord()
      this.classes.set(name, record)
    }
    return record
  }
}

/** A word for an error, of which there are few: its code (an SQLSTATE, SLUICE_…, ECONNREFUSED), else `other`. */
export function errorType(error: unknown): string {
  const code = codeOf(error)
  return code !== undefined && /^[A-Z0-9_]{1,64}$/.test(code) ? code : 'other'
}

/** Somebody's use of a recorder. */
export interface Recording {
  readonly recorder: Recorder
  /** Watches no longer; once is enough. */
  stop(): void
}

interface Shared {
  readonly recorder: Recorder
  readonly detach: () => void
  users: number
}

const recorders = new WeakMap<MonitoredPool, Shared>()

/** Watches a pool. What is counted begins with the first who watches and ends with the last. */
export function record(pool: MonitoredPool): Recording {
  let shared = recorders.get(pool)
  if (shared === undefined) {
    const recorder = new Recorder()
    shared = { recorder, detach: pool.attach(recorder), users: 0 }
    recorders.set(pool, shared)
  }
  shared.users += 1
  const mine = shared
  let isOver = false
  return {
    recorder: mine.recorder,
    stop: () => {
      if (isOver) return
      isOver = true
      mine.users -= 1
      if (mine.users > 0) return
      mine.detach()
      recorders.delete(pool)
    },
  }
}
