/** Counts values below fixed boundaries: what can be added up over processes, as Prometheus and OpenTelemetry have it. */
export class Buckets {
  /** Ascending; a value that equals one counts below it. */
  readonly boundaries: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  /** @param boundaries ascending, in the unit of the values */
  constructor(boundaries: readonly number[]) {
    this.boundaries = boundaries
    this.#counts = Array.from(boundaries, () => 0)
  }

  get count(): number {
    return this.#count
  }

  get sum(): number {
    return this.#sum
  }

  record(value: number): void {
    this.#sum += value
    this.#count += 1
    const { boundaries } = this
    let place = 0
    while (place < boundaries.length && value > (boundaries[place] as number)) place += 1
    if (place < boundaries.length) this.#counts[place] = (this.#counts[place] as number) + 1
  }

  /** How many values do not exceed each boundary. */
  cumulative(): number[] {
    let sum = 0
    return this.#counts.map((count) => {
      sum += count
      return sum
    })
  }
}
