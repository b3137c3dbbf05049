/** A pool whose size follows its load: the rule of `sluice/sizing`, once a window, with its evidence. */
import { Alarm } from '../base/alarm.ts'
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import type { NextSize, Size } from '../sizing/vertical.ts'
import { firstSize, nextSize } from '../sizing/vertical.ts'
import type { AdaptOptions, AdaptSettings, Evidence } from './options.ts'
import { readAdaptOptions } from './options.ts'
import { Steadiness } from './steadiness.ts'
import type { Asked, Watched } from './watched.ts'
import type { WindowFigures } from './window.ts'
import { Window } from './window.ts'

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

/**
 * Lets the size of a pool follow its load. It starts at half of `absoluteMax`, a tenth kept. From then on, once a window: above
 * 80 % in use `max` grows by half, up to `absoluteMax`; below 30 % with more than 10 idle it shrinks to seven tenths, not below
 * 30 % of `absoluteMax`; `min` is a fifth of it. It grows at once, and shrinks after two such windows in a row whose busiest
 * moment would have left the smaller pool below 80 %; each shrink that a growth takes back doubles that number, up to 60.
 * Nothing that is lent is broken: connections above a smaller `max` close when they come back. Ends by itself with the pool.
 * @throws SLUICE_BAD_OPTION
 */
export function adapt(
  pool: Watched & Partial<Asked>,
  options: AdaptOptions,
  surroundings: AdaptSurroundings = {},
): Adaptation {
  return new PoolAdaptation(pool, options, surroundings)
}

class PoolAdaptation implements Adaptation {
  readonly #pool: Watched
  readonly #options: AdaptSettings
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
    this.#options = readAdaptOptions(pool, options)
    this.#clock = clock
    this.#random = random
    this.#alarm = new Alarm(clock, () => this.#look(), false)
    this.#stretchMillis = Math.max(leastSampleMillis, this.#options.every / samplesAWindow)
    this.#windowBegan = clock.now()
    // First what can fail: whoever gets an error gets nothing that goes on.
    this.#begin()
    this.#rearm()
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
    return this.#options.limit()
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
    // Where the budget is used up, the server need not be asked.
    if (room === undefined || max === bound) return this.#grow(next, evidence)
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
    // What the budget leaves may have changed since.
    if ('room' in answer) return this.#grow(next, { ...evidence, limit: this.#limit(), room: answer.room })
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
