/** The values that are still to be sent: bounded, the oldest are dropped first, and handed out in pieces that one request takes. */
import type { MetricDatum } from './client.ts'
import { bytesOf } from './data.ts'

/** What one request may hold. Source: the API's PutMetricData: 1,000 metrics, 1 MB. */
const MOST_METRICS = 1_000
const MOST_BYTES = 990_000

/** Values in the order in which they were taken. */
export class Backlog {
  readonly #limit: number
  #data: MetricDatum[] = []
  #dropped = 0

  /** @param limit how many values are kept */
  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#data.length
  }

  /** How many were given up, all in all. */
  get dropped(): number {
    return this.#dropped
  }

  add(data: readonly MetricDatum[]): void {
    this.#data.push(...data)
    this.#trim()
  }

  /** Takes the oldest out, as many as one request may hold. */
  take(): MetricDatum[] {
    let bytes = 0
    const first = this.#data.slice(0, MOST_METRICS)
    const tooMany = first.findIndex((datum) => {
      bytes += bytesOf(datum)
      return bytes > MOST_BYTES
    })
    return this.#data.splice(0, tooMany < 0 ? first.length : tooMany)
  }

  /** Takes back what was taken out and could not be sent. */
  putBack(data: readonly MetricDatum[]): void {
    this.#data = [...data, ...this.#data]
    this.#trim()
  }

  /** What was taken out is given up. */
  drop(data: readonly MetricDatum[]): void {
    this.#dropped += data.length
  }

  /** All that is here is given up. */
  clear(): void {
    this.drop(this.#data)
    this.#data = []
  }

  #trim(): void {
    this.drop(this.#data.splice(0, Math.max(0, this.#data.length - this.#limit)))
  }
}
