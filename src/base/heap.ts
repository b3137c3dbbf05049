/** What may stand in a {@link Heap}: it owns its place, which only the heap writes. */
export interface Placed {
  /** Where it stands; below zero while it stands in no heap. */
  place: number
}

/** A binary heap that knows where each value stands: the least in constant time, every change in the logarithm of the size. */
export class Heap<V extends Placed> {
  readonly #values: V[] = []
  readonly #keyOf: (value: V) => number

  /** @param keyOf the number that the values are ordered by */
  constructor(keyOf: (value: V) => number) {
    this.#keyOf = keyOf
  }

  get size(): number {
    return this.#values.length
  }

  /** The value with the least key. */
  get first(): V | undefined {
    return this.#values[0]
  }

  /** Adds a value that stands in no heap. */
  push(value: V): void {
    if (value.place >= 0) throw new Error('BUG: a value is pushed that stands in a heap already')
    this.#values.push(value)
    this.#rise(value, this.#values.length - 1)
  }

  remove(value: V): void {
    const { place } = value
    if (this.#values[place] !== value) throw new Error('BUG: a value is missing from its heap')
    value.place = -1
    const last = this.#values.pop() as V
    if (last === value) return
    this.#put(last, place)
    this.moved(last)
  }

  /** Its key has changed. */
  moved(value: V): void {
    if (this.#values.length === 1) return
    this.#sink(value, value.place)
    this.#rise(value, value.place)
  }

  #put(value: V, place: number): void {
    this.#values[place] = value
    value.place = place
  }

  #rise(value: V, from: number): void {
    const key = this.#keyOf(value)
    let place = from
    while (place > 0) {
      const parent = this.#values[(place - 1) >> 1] as V
      if (this.#keyOf(parent) <= key) break
      this.#put(parent, place)
      place = (place - 1) >> 1
    }
    this.#put(value, place)
  }

  #sink(value: V, from: number): void {
    const key = this.#keyOf(value)
    let place = from
    for (;;) {
      const left = this.#values[2 * place + 1]
      const right = this.#values[2 * place + 2]
      const least =
        right !== undefined && left !== undefined && this.#keyOf(right) < this.#keyOf(left) ? right : left
      if (least === undefined || this.#keyOf(least) >= key) break
      const { place: below } = least
      this.#put(least, place)
      place = below
    }
    this.#put(value, place)
  }
}
