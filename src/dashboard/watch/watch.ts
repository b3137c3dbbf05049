/** Follows one pool: counts what happens to it, and takes its pictures when asked. */
import type { Clock } from '../../base/clock.ts'
import type { Recording } from '../../monitor/recorder.ts'
import { errorType, record } from '../../monitor/recorder.ts'
import type { EventFrame, History, PoolFrame, SlowPoolFrame } from '../frame.ts'
import type { DashboardPool, DashboardStats } from '../pool.ts'
import { changesOf } from './changes.ts'
import { Happenings } from './happenings.ts'
import { PoolHistory } from './history.ts'
import { pictureOf } from './picture.ts'
import { RecentOperations } from './recent.ts'
import { SlowLook } from './slow.ts'

/** Whom it tells of events. */
export type Teller = (level: EventFrame['level'], text: string) => void

/** What a pool is asked for; one that fails is told of once. */
type Question = 'second' | 'frame' | 'slow'

/** What is known of a pool's settings is asked for anew after that. */
const SETTINGS_MILLIS = 5_000

/** One pool, from its making until `stop()`. A pool that throws when it is asked is left out, and an event says so. */
export class PoolWatch {
  readonly #name: string
  readonly #pool: DashboardPool
  readonly #clock: Clock
  readonly #tell: Teller
  readonly #recording: Recording
  readonly #detach: readonly (() => void)[]
  readonly #happenings = new Happenings()
  readonly #history = new PoolHistory()
  readonly #recent: RecentOperations
  readonly #slow: SlowLook
  #last: DashboardStats | undefined
  #leakMillis = { value: 0, readAt: Number.NEGATIVE_INFINITY }
  readonly #failing = new Set<Question>()

  constructor(name: string, pool: DashboardPool, clock: Clock, tell: Teller) {
    this.#name = name
    this.#pool = pool
    this.#clock = clock
    this.#tell = tell
    this.#recording = record(pool)
    this.#recent = new RecentOperations(this.#recording.recorder, clock.now())
    this.#detach = [pool.attach(this.#happenings), pool.attach(this.#recent)]
    this.#slow = new SlowLook(name, pool, clock)
    // What changes from now on is told.
    this.#attempt('second', () => this.#look())
  }

  /** To be called once a second, whether anybody looks or not. */
  second(): void {
    this.#attempt('second', () => {
      const stats = this.#look()
      this.#history.add(this.#clock.epoch(), stats, this.#recent.second(this.#clock.now()))
      this.#slow.remember(stats)
    })
  }

  frame(): PoolFrame | undefined {
    return this.#attempt('frame', () => {
      const now = this.#clock.now()
      return pictureOf({
        name: this.#name,
        pool: this.#pool,
        stats: this.#look(),
        epoch: this.#clock.epoch(),
        perSecond: this.#recent.perSecond(now),
        classes: this.#recent.classes(now),
        latency: this.#recent.latency(now),
        wait: this.#recent.wait(now),
        leakMillis: this.#leaksAfter(now),
      })
    })
  }

  slow(): SlowPoolFrame | undefined {
    return this.#attempt('slow', () => this.#slow.take())
  }

  history(): History {
    return this.#history.columns(this.#name)
  }

  stop(): void {
    for (const detach of this.#detach) detach()
    this.#recording.stop()
  }

  /** Takes the pool's numbers, and tells what has happened since the last time. */
  #look(): DashboardStats {
    const stats = this.#pool.stats()
    for (const { level, text } of this.#happenings.take(this.#clock.now())) this.#tell(level, text)
    if (this.#last !== undefined)
      for (const { level, text } of changesOf(this.#last, stats)) this.#tell(level, text)
    this.#last = stats
    return stats
  }

  #leaksAfter(now: number): number {
    if (now - this.#leakMillis.readAt >= SETTINGS_MILLIS)
      this.#leakMillis = { value: this.#pool.settings?.().leakDetectionMillis ?? 0, readAt: now }
    return this.#leakMillis.value
  }

  /** What goes wrong while a pool is asked must end neither the process nor the pictures of the others. */
  #attempt<R>(question: Question, ask: () => R): R | undefined {
    try {
      const answer = ask()
      this.#failing.delete(question)
      return answer
    } catch (error) {
      if (this.#failing.size === 0)
        this.#tell('error', `The pool cannot be asked how it is: ${errorType(error)}`)
      this.#failing.add(question)
      return undefined
    }
  }
}
