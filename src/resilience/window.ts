/** Counts over the last stretch of time, in constant memory. */

/** How finely time is told: what is counted is forgotten a tenth of the window at a time. */
const BUCKETS = 10

/** What a {@link Window} has counted. */
export interface Counts {
  readonly calls: number
  /** Calls that were marked: those that failed, or those that were run again. */
  readonly marked: number
}

/** How many calls there were within the last `windowMillis`, and how many of them were marked. Forgets in steps of a tenth of that. */
export class Window {
  readonly #bucketMillis: number
  readonly #calls = new Float64Array(BUCKETS)
  readonly #marked = new Float64Array(BUCKETS)
  /** The newest bucket, counted from when the clock said 0. */
  #newest = -1

  /** @param windowMillis more than 0 */
  constructor(windowMillis: number) {
    this.#bucketMillis = windowMillis / BUCKETS
  }

  call(now: number): void {
    const bucket = this.#bucketAt(now)
    this.#calls[bucket] = (this.#calls[bucket] as number) + 1
  }

  mark(now: number): void {
    const bucket = this.#bucketAt(now)
    this.#marked[bucket] = (this.#marked[bucket] as number) + 1
  }

  sum(now: number): Counts {
    this.#bucketAt(now)
    const add = (a: number, b: number) => a + b
    return { calls: this.#calls.reduce(add), marked: this.#marked.reduce(add) }
  }

  /** Where `now` is counted; what has become too old by then is forgotten. */
  #bucketAt(now: number): number {
    const at = Math.floor(now / this.#bucketMillis)
    const first = Math.max(this.#newest + 1, at - BUCKETS + 1)
    for (let n = first; n <= at; n++) {
      this.#calls[n % BUCKETS] = 0
      this.#marked[n % BUCKETS] = 0
    }
    this.#newest = Math.max(this.#newest, at)
    return at % BUCKETS
  }
}
