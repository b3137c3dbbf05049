/**
 * Tells a slow server from a busy process. An answer is seen when the event loop comes round to it, so the time until then is
 * the server's only as far as the loop has looked in between and found nothing.
 */
import type { Clock, Timer } from '../../base/clock.ts'

/** How often the loop is seen to come round. Twice this stays below what makes a statement slow. */
const TICK_MILLIS = 4

export class Watch {
  readonly #clock: Clock
  readonly #ticked: (seenAt: number) => void
  #timer: Timer | undefined
  #lastAt = 0
  /** The loop has read what had come after this moment, and before `#lastAt`. */
  #seenAt = 0
  #underWay = 0
  #used = false

  /** @param ticked called with the moment up to which every answer that had come was read */
  constructor(clock: Clock, ticked: (seenAt: number) => void) {
    this.#clock = clock
    this.#ticked = ticked
  }

  /** Something is under way from `now` on. It ticks until a tick finds that nothing is, nor was since the last one. */
  begin(now: number): void {
    this.#underWay += 1
    this.#used = true
    if (this.#timer !== undefined) return
    this.#lastAt = now
    this.#seenAt = now
    this.#arm()
  }

  /** It is over. */
  end(): void {
    this.#underWay -= 1
  }

  /** How much of the time since `since` was the server's: no less than what is certain, and at most two ticks more. */
  own(since: number, now: number): number {
    const certain = Math.max(0, this.#seenAt - since)
    return Math.max(0, Math.min(now - since, certain + 2 * TICK_MILLIS))
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(): void {
    this.#timer = this.#clock.setTimeout(() => this.#tick(), TICK_MILLIS)
    this.#timer.unref()
  }

  #tick(): void {
    this.#seenAt = this.#lastAt
    this.#lastAt = this.#clock.now()
    this.#timer = undefined
    const goOn = this.#used || this.#underWay > 0
    this.#used = false
    this.#ticked(this.#seenAt)
    if (goOn) this.#arm()
  }
}
