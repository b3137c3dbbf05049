/** How fast a counter grows, over the last second or so. */

const WINDOW_MILLIS = 1_000

/** Between two readings that are kept: twenty a second. Milliseconds. */
const STEP_MILLIS = 50

interface Reading {
  readonly at: number
  readonly count: number
}

/** Follows one counter. */
export class Rate {
  #readings: Reading[]

  constructor(at: number, count: number) {
    this.#readings = [{ at, count }]
  }

  /** Reads the counter. @returns its growth a second, since the youngest reading that is a second old or since the first */
  read(at: number, count: number): number {
    const young = this.#readings.findIndex((reading) => at - reading.at < WINDOW_MILLIS)
    if (young !== 0) this.#readings = this.#readings.slice(young < 0 ? -1 : young - 1)
    const first = this.#readings[0] as Reading
    const last = this.#readings.at(-1) as Reading
    if (at - last.at >= STEP_MILLIS) this.#readings.push({ at, count })
    return at > first.at ? ((count - first.count) * 1_000) / (at - first.at) : 0
  }
}
