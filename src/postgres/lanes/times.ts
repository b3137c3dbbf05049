/** What statements have taken so far: the ground on which a statement shares a lane or runs alone. */

/** A statement whose own time is longer in more than a few runs of a hundred does not share a lane. */
export const SHORT_MILLIS = 10

/** A statement whose results are larger does not either: they would hold up the answers behind them. In characters. */
const SMALL_SIZE = 262_144

/** What is expected of a statement that was never seen, on a lane because its caller says that it is short. In milliseconds. */
const ASSUMED_MILLIS = 0.05

/** How many runs the mean looks back on, and how many fast runs take a high value down to a third. */
const MEAN_RUNS = 16
const HIGH_RUNS = 32

/** A run counts as no longer than this where it is asked whether a statement is slow as a rule: one alone does not make it so. */
const ONE_RUN_MILLIS = 100

/**
 * The times of one statement, literals aside. The mean is an exponentially weighted one. The high value follows a longer run
 * at once and comes down by a thirty-second with each shorter one, so it stands near the 97th percentile: a statement that
 * turns slow is known to be slow with that very run, and has to be fast some hundred times to be trusted again.
 */
export class Times {
  #runs = 0
  #mean = ASSUMED_MILLIS
  #usual = 0
  #high = 0
  #size = 0

  get runs(): number {
    return this.#runs
  }

  /** Milliseconds that it keeps the server busy, on average. */
  get mean(): number {
    return this.#mean
  }

  /**
   * What a lane should reckon with, in milliseconds: the mean, and a doubt that fades with the square of the runs. A statement
   * that is hardly known is spread over the connections, so that a burst of it that turns out slow is not a queue.
   */
  get cost(): number {
    return this.#runs === 0 ? SHORT_MILLIS : this.#mean + SHORT_MILLIS / this.#runs ** 2
  }

  /** Milliseconds that few runs exceed. */
  get high(): number {
    return this.#high
  }

  /** Characters of its results that few runs exceed. */
  get size(): number {
    return this.#size
  }

  /** Whether it may stand in front of others. */
  get isShort(): boolean {
    return this.#runs > 0 && this.#high <= SHORT_MILLIS && this.#size <= SMALL_SIZE
  }

  /** Whether it was seen to take long. */
  get isSlow(): boolean {
    return this.#runs > 0 && this.#high > SHORT_MILLIS
  }

  /**
   * Whether it takes long as a rule, so that its callers may hold only a share of the pool. A lookup that a busy server answered late
   * once runs alone for a while; it would also wait behind the slow work of others, if one run were enough. Two of eight are.
   */
  get isUsuallySlow(): boolean {
    return this.#usual > SHORT_MILLIS
  }

  /** A run has taken so long and has not ended. */
  atLeast(millis: number): void {
    if (this.#runs === 0) {
      this.#runs = 1
      this.#mean = millis
      this.#usual = Math.min(millis, ONE_RUN_MILLIS)
    }
    if (millis > this.#high) this.#high = millis
  }

  /** One more run has ended. */
  record(millis: number, size: number): void {
    this.#runs += 1
    const weight = 1 / Math.min(this.#runs, MEAN_RUNS)
    // The first run takes the place of what was assumed.
    this.#mean += (millis - this.#mean) * weight
    this.#usual += (Math.min(millis, ONE_RUN_MILLIS) - this.#usual) * weight
    this.#high = above(this.#high, millis, this.#runs)
    this.#size = above(this.#size, size, this.#runs)
  }
}

/** The first runs count for more, since a first run also fills caches. */
function above(high: number, value: number, runs: number): number {
  return value >= high ? value : high + (value - high) / Math.min(runs, HIGH_RUNS)
}
