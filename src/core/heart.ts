/** Notices that the process stood still: stopped, frozen with its machine, or kept busy by itself. What it knew of its connections may be wrong then. */
import type { Clock, Timer } from '../base/clock.ts'

/** Between two looks at the clock. The owner's beat is every second one of them. */
const TICK_MILLIS = 500
/**
 * A look that comes later than that is a standstill, so that none of a second goes unnoticed: servers and what lies between
 * close idle sessions after seconds. A busy event loop on a busy machine is late by tenths of a second.
 */
const STALL_MILLIS = 500
/** How often the wall clock is asked at most, by those who look between two ticks. */
const GLANCE_MILLIS = 1

/** Whom a {@link Heart} tells. */
export interface HeartOwner {
  /** A second has passed. Returns whether to go on. */
  beat(now: number): boolean
  /** The process stood still until now. */
  stalled(now: number): void
}

export class Heart {
  readonly #clock: Clock
  readonly #owner: HeartOwner
  #timer: Timer | undefined
  #dueBy = Number.POSITIVE_INFINITY
  /** From when on a look is worth its time. */
  #glanceAt = Number.POSITIVE_INFINITY
  #ticks = 0
  /** Wall clock less running clock: it grows while a suspended machine stops the one and not the other. */
  #drift = 0

  constructor(clock: Clock, owner: HeartOwner) {
    this.#clock = clock
    this.#owner = owner
  }

  /** Beats until its owner says otherwise. It never keeps the process up. */
  start(now: number): void {
    if (this.#timer !== undefined) return
    this.#drift = this.#clock.epoch() - now
    this.#ticks = 0
    this.#arm(now)
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#rest()
  }

  /** Looks whether a standstill has just ended: whoever comes first after one may come before the timers do. */
  look(now: number): void {
    if (now < this.#glanceAt) return
    this.#glanceAt = now + GLANCE_MILLIS
    const drift = this.#clock.epoch() - now
    const isLate = now > this.#dueBy
    const isAhead = drift - this.#drift > STALL_MILLIS
    if (isLate) this.#dueBy = now + TICK_MILLIS + STALL_MILLIS
    if (isAhead) this.#drift = drift
    if (isLate || isAhead) this.#owner.stalled(now)
  }

  #arm(now: number): void {
    this.#dueBy = now + TICK_MILLIS + STALL_MILLIS
    this.#glanceAt = now
    this.#timer = this.#clock.setTimeout(() => this.#tick(), TICK_MILLIS)
    this.#timer.unref()
  }

  #rest(): void {
    this.#timer = undefined
    this.#dueBy = Number.POSITIVE_INFINITY
    this.#glanceAt = Number.POSITIVE_INFINITY
  }

  #tick(): void {
    const now = this.#clock.now()
    this.look(now)
    // A wall clock that is set by and by is no standstill.
    this.#drift = this.#clock.epoch() - now
    this.#rest()
    this.#ticks += 1
    if (this.#ticks % 2 === 1 || this.#owner.beat(now)) this.#arm(now)
  }
}
