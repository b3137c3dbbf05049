/** Durations as a person reads them, in milliseconds. */
export interface Distribution {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

const DOUBLINGS = 40
const BUCKETS_PER_DOUBLING = 16
const SMALLEST = 0.001
/** One for all that is not longer than the smallest duration, and then those of the doublings. */
const BUCKETS = 1 + DOUBLINGS * BUCKETS_PER_DOUBLING
const POWERS: Float64Array = Float64Array.from({ length: DOUBLINGS }, (_, doubling) => 2 ** doubling)

/** The bucket that holds a duration. `Math.clz32` finds the doubling of every duration below half an hour without a logarithm. */
function bucketOf(millis: number): number {
  const micros = millis / SMALLEST
  if (micros <= 1) return 0
  const doubling = micros < 2 ** 31 ? 31 - Math.clz32(micros) : Math.floor(Math.log2(micros))
  if (doubling >= DOUBLINGS) return BUCKETS - 1
  const share = micros / (POWERS[doubling] as number) - 1
  return 1 + doubling * BUCKETS_PER_DOUBLING + Math.floor(share * BUCKETS_PER_DOUBLING)
}

/** The longest duration that a bucket holds. */
function edgeOf(bucket: number): number {
  if (bucket === 0) return SMALLEST
  const doubling = Math.floor((bucket - 1) / BUCKETS_PER_DOUBLING)
  const share = (((bucket - 1) % BUCKETS_PER_DOUBLING) + 1) / BUCKETS_PER_DOUBLING
  return SMALLEST * (POWERS[doubling] as number) * (1 + share)
}

/**
 * Counts durations in buckets, sixteen alike in each doubling: constant memory, one addition a value, and a quantile that is
 * right to within 6.3 %. From a microsecond to twelve days; smaller and larger values fall into the first and the last bucket.
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
    const bucket = bucketOf(millis)
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
      if (seen >= rank) return Math.min(this.#max, edgeOf(i))
    }
    return this.#max
  }

  /** The same counts, which do not change with these. */
  copy(): Histogram {
    const copy = new Histogram()
    copy.add(this)
    return copy
  }

  /** Counts what another has counted besides. */
  add(other: Histogram): void {
    for (let i = 0; i < BUCKETS; i++)
      this.#buckets[i] = (this.#buckets[i] as number) + (other.#buckets[i] as number)
    this.#count += other.#count
    this.#sum += other.#sum
    if (other.#max > this.#max) this.#max = other.#max
  }

  /** What was recorded after `earlier` was copied from this one. Its largest value may be right only to within a bucket. */
  since(earlier: Histogram): Histogram {
    const later = new Histogram()
    let highest = -1
    for (let i = 0; i < BUCKETS; i++) {
      const count = (this.#buckets[i] as number) - (earlier.#buckets[i] as number)
      later.#buckets[i] = count
      if (count > 0) highest = i
    }
    later.#count = this.#count - earlier.#count
    later.#sum = this.#sum - earlier.#sum
    // One that is larger than all before came later.
    if (this.#max > earlier.#max) later.#max = this.#max
    else if (highest >= 0) later.#max = Math.min(this.#max, edgeOf(highest))
    return later
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
