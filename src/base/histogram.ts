/** Durations as a person reads them, in milliseconds. */
export interface Distribution {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

const BUCKETS_PER_DOUBLING = 8
const SMALLEST = 0.001
const BUCKETS = 40 * BUCKETS_PER_DOUBLING

/**
 * Counts durations in buckets that grow by 2^(1/8): constant memory, one addition a value, and a quantile that is right to
 * within 9 %. From a microsecond to twelve days; smaller and larger values fall into the first and the last bucket.
 */
export class Histogram {
  readonly #buckets: Uint32Array = new Uint32Array(BUCKETS)
  #count = 0
  #sum = 0
  #max = 0

  get count(): number {
    return this.#count
  }

  get max(): number {
    return this.#max
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count
  }

  /** @param millis a duration in milliseconds, ≥ 0 */
  record(millis: number): void {
    const index = millis <= SMALLEST ? 0 : Math.ceil(Math.log2(millis / SMALLEST) * BUCKETS_PER_DOUBLING)
    const bucket = index < BUCKETS ? index : BUCKETS - 1
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1
    this.#count += 1
    this.#sum += millis
    if (millis > this.#max) this.#max = millis
  }

  /**
   * The duration that a share `q` of all values does not exceed: the upper edge of its bucket, never above the largest value seen.
   * @param q 0 to 1
   */
  quantile(q: number): number {
    if (this.#count === 0) return 0
    const rank = Math.max(1, Math.ceil(q * this.#count))
    let seen = 0
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.#buckets[i] as number
      if (seen >= rank) return Math.min(this.#max, SMALLEST * 2 ** (i / BUCKETS_PER_DOUBLING))
    }
    return this.#max
  }

  snapshot(): Distribution {
    return Object.freeze({
      count: this.#count,
      mean: this.mean,
      p50: this.quantile(0.5),
      p95: this.quantile(0.95),
      p99: this.quantile(0.99),
      max: this.#max,
    })
  }
}
