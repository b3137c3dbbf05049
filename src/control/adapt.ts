/** A pool whose size follows its load: the rule of `sluice/sizing`, once a window, with its evidence. */
import { Alarm } from '../base/alarm.ts'
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import { readFunction, readMillis, readNumber } from '../base/options.ts'
import type { NextSize, Size } from '../sizing/vertical.ts'
import { firstSize, nextSize, VERTICAL } from '../sizing/vertical.ts'
import { serverRoom } from './room.ts'
import { Steadiness } from './steadiness.ts'
import type { Asked, Watched } from './watched.ts'
import type { WindowFigures } from './window.ts'
import { Window } from './window.ts'

/** Options of {@link adapt}. */
export interface AdaptOptions {
  /** What `max` never exceeds. 1 to 10,000. */
  readonly absoluteMax: number
  /** How long a window is, in milliseconds. 100 or more; default 60,000. */
  readonly every?: number | undefined
  /** What a parent budget leaves to this pool, temporary connections included; asked once a window. Default without limit. */
  readonly limit?: (() => number) | undefined
  /**
   * How many connections the server lets this pool have; asked before each growth, and where it fails the pool does not
   * grow. Default: a pool that leads to a Postgres asks it ({@link serverRoom}), others have no limit of this kind.
   */
  readonly room?: (() => Promise<number>) | undefined
  /** Told of every change, after it. */
  readonly onChange?: ((change: SizeChange) => void) | undefined
  /** Told when the load asks for more than there is room for, or than was found out. */
  readonly onRefusal?: ((refusal: GrowthRefusal) => void) | undefined
}

/** What a decision rests on. */
export interface Evidence extends WindowFigures {
  readonly windowMillis: number
  readonly absoluteMax: number
  /** What `limit` said; `undefined` without one. */
  readonly limit: number | undefined
  /** What `room` said; `undefined` where it was not asked or did not answer. */
  readonly room: number | undefined
}

/** One change of a pool's size. */
export interface SizeChange {
  readonly from: Size
  readonly to: Size
  /** One sentence with the numbers that decided. */
  readonly reason: string
  /** `undefined` for the size to start at, which nothing was seen for. */
  readonly evidence: Evidence | undefined
}

/** A growth that did not come. */
export interface GrowthRefusal {
  readonly size: Size
  readonly wanted: Size
  readonly reason: string
  readonly evidence: Evidence
  /** Why `room` did not answer. */
  readonly cause: unknown
}

/** An adaptation under way. */
export interface Adaptation {
  /** Leaves the pool as it is from now on. */
  stop(): void
  [Symbol.dispose](): void
}

/** What an adaptation takes from outside besides options; tests hand in their own. */
export interface AdaptSurroundings {
  readonly clock?: Clock
  /** A number from 0 up to 1, as `Math.random`. */
  readonly random?: () => number
}

const samplesAWindow = 60
const leastSampleMillis = 10
const leastWindowMillis = 100

/**
 * Lets the size of a pool follow its load. It starts at half of `absoluteMax`, a tenth kept; from then on, once a window:
 * above 80 % in use `max` grows by half, up to `absoluteMax`; below 30 % with more than 10 idle it shrinks to seven
 * tenths, not below 30 % of `absoluteMax`; `min` is a fifth of it. How often in a row a window must say so: {@link Steadiness}.
 * Nothing that is lent is broken: connections above a smaller `max` close when they come back. Ends by itself when the pool ends.
 * @throws SLUICE_BAD_OPTION
 */
export function adapt(
  pool: Watched & Partial<Asked>,
  options: AdaptOptions,
  surroundings: AdaptSurroundings = {},
): Adaptation {
  return new PoolAdaptation(pool, options, surroundings)
}

interface Parts extends Omit<AdaptOptions, 'every'> {
  readonly every: number
}

function readOptions(pool: Watched & Partial<Asked>, options: AdaptOptions): Parts {
  const given: Given = { ...options }
  const absoluteMax = readNumber(given, 'absoluteMax', { min: 1, max: 10_000 })
  if (absoluteMax === undefined)
    throw new SluiceError('SLUICE_BAD_OPTION', 'absoluteMax is missing: the size that the pool never exceeds')
  return {
    absoluteMax,
    every: readMillis(given, 'every', leastWindowMillis) ?? VERTICAL.everyMillis,
    limit: readFunction(given, 'limit'),
    room: readFunction(given, 'room') ?? (asks(pool) ? () => serverRoom(pool) : undefined),
    onChange: readFunction(given, 'onChange'),
    onRefusal: readFunction(given, 'onRefusal'),
  }
}

function asks(pool: Partial<Asked>): pool is Asked {
  return pool.query !== undefined && pool.connections !== undefined
}

class PoolAdaptation implements Adaptation {
  readonly #pool: Watched
  readonly #options: Parts
  readonly #clock: Clock
  readonly #random: () => number
  readonly #alarm: Alarm
  readonly #steadiness = new Steadiness()
  readonly #stretchMillis: number
  #window = new Window()
  #windowBegan: number
  /** Which stretch of the window is sampled next: one sample in each, at a moment left to chance, so that no beat of the load is met at the same point each time. */
  #stretch = 0
  #asking = false
  #stopped = false

  constructor(
    pool: Watched & Partial<Asked>,
    options: AdaptOptions,
    { clock = systemClock, random = Math.random }: AdaptSurroundings,
  ) {
    this.#pool = pool
    this.#options = readOptions(pool, options)
    this.#clock = clock
    this.#random = random
    this.#alarm = new Alarm(clock, () => this.#look(), false)
    this.#stretchMillis = Math.max(leastSampleMillis, this.#options.every / samplesAWindow)
    this.#windowBegan = clock.now()
    this.#rearm()
    this.#begin()
  }

  stop(): void {
    this.#stopped = true
    this.#alarm.stop()
  }

  [Symbol.dispose](): void {
    this.stop()
  }

  #begin(): void {
    const { absoluteMax } = this.#options
    const first = firstSize(absoluteMax)
    const limit = this.#limit()
    const bound = this.#bound(limit)
    const start = `start at half of ${absoluteMax}, a tenth kept`
    if (first.max <= bound) this.#resize({ ...first, change: 'keep', reason: start }, undefined)
    else {
      const less = nextSize({ utilization: 0, idle: 0, max: first.max, absoluteMax: bound })
      this.#resize({ ...less, change: 'keep', reason: `${start}; ${less.reason}` }, undefined)
    }
  }

  // Time ---------------------------------------------------------------------------------------------------------------

  get #windowEnd(): number {
    return this.#windowBegan + this.#options.every
  }

  #rearm(): void {
    const sample = this.#windowBegan + (this.#stretch + this.#random()) * this.#stretchMillis
    this.#alarm.by(Math.min(sample, this.#windowEnd), this.#clock.now())
  }

  #look(): void {
    const stats = this.#pool.stats()
    if (stats.state === 'ending' || stats.state === 'ended') return this.stop()
    const now = this.#clock.now()
    const seen = this.#window.figures()
    if (now < this.#windowEnd) {
      // One that pauses or drains shows what it was told, not what it is asked.
      if (stats.state === 'running') this.#window.add(stats)
      this.#stretch = 1 + Math.floor((now - this.#windowBegan) / this.#stretchMillis)
      return this.#rearm()
    }
    // A process that stood still for a while has seen nothing of that while.
    const stoodStill = now - this.#windowEnd > this.#options.every / 2
    this.#window = new Window()
    this.#windowBegan = now
    this.#stretch = 0
    this.#rearm()
    if (seen !== undefined && !stoodStill && !this.#asking) this.#decide(seen)
  }

  // Decisions ----------------------------------------------------------------------------------------------------------

  #limit(): number | undefined {
    return this.#options.limit?.()
  }

  /** What `max` may be, given what slots above it take; a pool has at least one. */
  #bound(...limits: (number | undefined)[]): number {
    const { maxOverflow } = this.#pool.stats()
    const known = limits.filter((limit) => limit !== undefined)
    const room = Math.floor(Math.min(...known) - maxOverflow)
    return Math.min(this.#options.absoluteMax, Math.max(1, room))
  }

  #decide(seen: WindowFigures): void {
    const { absoluteMax, every, room } = this.#options
    const { max } = this.#pool.stats()
    const limit = this.#limit()
    const evidence: Evidence = { ...seen, windowMillis: every, absoluteMax, limit, room: undefined }
    const bound = this.#bound(limit)
    const { utilization, idle } = seen
    // Above its bound: there is nothing to be patient about.
    if (max > bound) return this.#resize(nextSize({ utilization, idle, max, absoluteMax: bound }), evidence)
    const next = this.#steadiness.judge(seen, max, absoluteMax)
    if (next.change === 'shrink') this.#change(next, evidence)
    if (next.change !== 'grow') return
    if (room === undefined) return this.#grow(next, evidence)
    this.#asking = true
    void this.#ask(room, next, evidence)
  }

  async #ask(room: () => Promise<number>, next: NextSize, evidence: Evidence): Promise<void> {
    let answer: { room: number } | { cause: unknown }
    try {
      answer = { room: await room() }
    } catch (cause) {
      answer = { cause }
    }
    this.#asking = false
    if (this.#stopped || this.#pool.stats().state !== 'running') return
    if ('room' in answer) return this.#grow(next, { ...evidence, room: answer.room })
    const reason = `${next.reason}, but it is not known how many connections the server has room for`
    this.#refuse(next, reason, evidence, answer.cause)
  }

  /** Grows as far as there is room. The size is read anew: somebody else may have resized the pool since. */
  #grow(wanted: NextSize, evidence: Evidence): void {
    const { utilization, idle, limit, room } = evidence
    const { max } = this.#pool.stats()
    const bound = this.#bound(limit, room)
    if (max < bound) return this.#change(nextSize({ utilization, idle, max, absoluteMax: bound }), evidence)
    const least = [`absoluteMax ${this.#options.absoluteMax}`]
    if (limit !== undefined) least.push(`the limit ${limit}`)
    if (room !== undefined) least.push(`the server’s room ${room}`)
    this.#refuse(wanted, `${wanted.reason}, but ${least.join(' and ')} leave no more than ${bound}`, evidence)
  }

  #change(next: NextSize, evidence: Evidence): void {
    this.#steadiness.changed(next.change)
    this.#resize(next, evidence)
  }

  #resize({ max, min, reason }: NextSize, evidence: Evidence | undefined): void {
    const { max: oldMax, min: oldMin } = this.#pool.stats()
    this.#pool.resize({ max, min })
    const from = { max: oldMax, min: oldMin }
    this.#options.onChange?.(Object.freeze({ from, to: { max, min }, reason, evidence }))
  }

  #refuse({ max, min }: Size, reason: string, evidence: Evidence, cause?: unknown): void {
    const size = this.#pool.stats()
    this.#options.onRefusal?.(
      Object.freeze({
        size: { max: size.max, min: size.min },
        wanted: { max, min },
        reason,
        evidence,
        cause,
      }),
    )
  }
}
