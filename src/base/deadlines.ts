import type { Clock, Timer } from './clock.ts'
import { Link, List } from './list.ts'

/** When something ends; it is its own place in the books. */
export class Deadline<T> extends Link<T> {
  readonly dueAt: number

  constructor(value: T, dueAt: number) {
    super(value)
    this.dueAt = dueAt
  }
}

/** How many distinct durations are kept exactly; later ones are rounded up to a coarser step. */
const EXACT_DURATIONS = 64

/**
 * Many deadlines behind one timer. Deadlines of one duration fall due in the order in which they were added, so a list a
 * duration makes add and remove O(1); the timer is armed for the earliest one and looks again when it fires.
 */
export class Deadlines<T> {
  readonly #clock: Clock
  readonly #expire: (value: T) => void
  readonly #lists = new Map<number, List<T>>()
  #size = 0
  #timer: Timer | undefined
  #firesAt = Number.POSITIVE_INFINITY

  constructor(clock: Clock, expire: (value: T) => void) {
    this.#clock = clock
    this.#expire = expire
  }

  /** Calls `expire(value)` once `millis` have passed, unless the deadline is removed before. */
  add(value: T, millis: number, now: number): Deadline<T> {
    const duration = this.#duration(millis)
    const deadline = new Deadline(value, now + duration)
    let list = this.#lists.get(duration)
    if (list === undefined) {
      list = new List<T>()
      this.#lists.set(duration, list)
    }
    list.push(deadline)
    if (this.#size++ === 0) this.#timer?.ref()
    if (deadline.dueAt < this.#firesAt) this.#arm(deadline.dueAt, duration)
    return deadline
  }

  remove(deadline: Deadline<T>): void {
    if (deadline.list?.remove(deadline) !== true) return
    // The timer is left armed: the next deadline most often follows at once, and firing early costs less than arming anew.
    if (--this.#size === 0) this.#timer?.unref()
  }

  /** The largest part of its duration that any deadline has used up, 0 to 1; 0 where there are none. */
  share(now: number): number {
    let most = 0
    for (const [duration, list] of this.#lists) {
      const first = firstOf(list)
      if (first !== undefined) most = Math.max(most, (duration - (first.dueAt - now)) / duration)
    }
    return Math.min(1, most)
  }

  /** Forgets every deadline and the timer. */
  clear(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#firesAt = Number.POSITIVE_INFINITY
    this.#lists.clear()
    this.#size = 0
  }

  /** Callers who pass what is left of a budget would make a list each: from some number on they share coarser ones, at most 1/16 late. */
  #duration(millis: number): number {
    if (this.#lists.size < EXACT_DURATIONS || this.#lists.has(millis)) return millis
    const step = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(millis, 1))) - 4)
    return Math.ceil(millis / step) * step
  }

  #arm(dueAt: number, delay: number): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#firesAt = dueAt
    this.#timer = this.#clock.setTimeout(() => this.#fire(), Math.max(1, Math.ceil(delay)))
  }

  #fire(): void {
    this.#timer = undefined
    this.#firesAt = Number.POSITIVE_INFINITY
    const now = this.#clock.now()
    let next = Number.POSITIVE_INFINITY
    for (const [duration, list] of this.#lists) {
      let first = firstOf(list)
      while (first !== undefined && first.dueAt <= now) {
        this.remove(first)
        this.#expire(first.value)
        first = firstOf(list)
      }
      if (first === undefined) this.#lists.delete(duration)
      else if (first.dueAt < next) next = first.dueAt
    }
    if (next < this.#firesAt) this.#arm(next, next - now)
  }
}

/** Nothing but deadlines stands in these lists. */
function firstOf<T>(list: List<T>): Deadline<T> | undefined {
  return list.firstLink as Deadline<T> | undefined
}
