/** Notices that the process stood still: stopped, frozen with its machine, or kept busy by itself. What it knew of its connections may be wrong then. */
import type { Clock, Timer } from '../base/clock.ts'

const BEAT_MILLIS = 1_000
/** A beat that comes later than that is a standstill; a busy event loop on a busy machine is late by tenths of a second. */
const STALL_MILLIS = 2_000

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
    this.#arm(now)
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#dueBy = Number.POSITIVE_INFINITY
  }

  /** Looks whether a beat is missing: whoever comes first after a standstill may come before the timers do. */
  look(now: number): void {
    if (now <= this.#dueBy) return
    this.#dueBy = now + BEAT_MILLIS + STALL_MILLIS
    this.#owner.stalled(now)
  }

  #arm(now: number): void {
    this.#dueBy = now + BEAT_MILLIS + STALL_MILLIS
    this.#timer = this.#clock.setTimeout(() => this.#beat(), BEAT_MILLIS)
    this.#timer.unref()
  }

  #beat(): void {
    const now = this.#clock.now()
    this.look(now)
    const drift = this.#clock.epoch() - now
    if (drift - this.#drift > STALL_MILLIS) this.#owner.stalled(now)
    this.#drift = drift
    this.#timer = undefined
    this.#dueBy = Number.POSITIVE_INFINITY
    if (this.#owner.beat(now)) this.#arm(now)
  }
}
