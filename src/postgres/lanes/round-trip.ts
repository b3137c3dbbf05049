/** How long the way to the server and back takes, so that a far server is not taken for a slow one. */
import type { Clock } from '../../base/clock.ts'

/** For so long a measurement counts; for as long again it is the one before. Milliseconds. */
const WINDOW_MILLIS = 30_000

/**
 * The least time that anything has taken lately: a statement cannot come back sooner than the network lets it. The greeting of
 * a new connection bounds it, so that a pool which knows nothing but slow statements does not take their time for the way.
 */
export class RoundTrip {
  readonly #clock: Clock
  #current = Number.POSITIVE_INFINITY
  #before = Number.POSITIVE_INFINITY
  #greeting = 0
  #turnsAt = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get millis(): number {
    return Math.min(this.#current, this.#before, this.#greeting)
  }

  /** The server has greeted a new connection after so long. */
  bound(millis: number): void {
    this.#greeting = millis
  }

  /** A statement that had the connection to itself took so long in all. Returns the round trip, this one included. */
  measured(millis: number): number {
    const now = this.#clock.now()
    if (now >= this.#turnsAt) {
      this.#turnsAt = now + WINDOW_MILLIS
      this.#before = this.#current
      this.#current = Number.POSITIVE_INFINITY
    }
    if (millis < this.#current) this.#current = millis
    return this.millis
  }
}
