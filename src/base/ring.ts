/** The newest values of a series: constant memory, and no value moves while others come. */
export class Ring<V> {
  readonly #capacity: number
  readonly #values: V[] = []
  /** Where the oldest one stands, once it is full. */
  #first = 0

  /** @param capacity how many are kept; a whole number from 1 */
  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) throw new Error(`BUG: a capacity of ${capacity}`)
    this.#capacity = capacity
  }

  get size(): number {
    return this.#values.length
  }

  get oldest(): V | undefined {
    return this.#values[this.#first]
  }

  push(value: V): void {
    if (this.#values.length < this.#capacity) {
      this.#values.push(value)
      return
    }
    this.#values[this.#first] = value
    this.#first = (this.#first + 1) % this.#capacity
  }

  /** All of them, the newest last. */
  values(): V[] {
    return [...this.#values.slice(this.#first), ...this.#values.slice(0, this.#first)]
  }
}
