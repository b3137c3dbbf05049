/**
 * A bounded map that forgets what was not used lately. Once `capacity` keys have been used it holds between
 * `capacity` and 2 × `capacity` entries, the `capacity` used last always among them; what is deleted leaves
 * a gap. `undefined` as a value is not told from no entry.
 */
export class Recent<K, V> {
  readonly #capacity: number
  // Two generations instead of a list: a hit among the young costs one look and moves nothing.
  #young = new Map<K, V>()
  #old = new Map<K, V>()

  /** @param capacity how many of the entries used last are certain to be held; a whole number from 1 */
  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) throw new Error(`BUG: a capacity of ${capacity}`)
    this.#capacity = capacity
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** The value kept for `key`, which counts as a use of it. */
  get(key: K): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  /** Keeps `value` for `key`, which counts as a use of it. */
  set(key: K, value: V): void {
    // No key stands in both maps: a stale value would come back once the young one is deleted.
    this.#old.delete(key)
    this.#young.set(key, value)
    if (this.#young.size < this.#capacity) return
    this.#old = this.#young
    this.#young = new Map()
  }

  /** Forgets `key`. Returns whether there was an entry. */
  delete(key: K): boolean {
    return this.#young.delete(key) || this.#old.delete(key)
  }

  /** Whether any value passes. No use of any. */
  some(passes: (value: V) => boolean): boolean {
    for (const value of this.#young.values()) if (passes(value)) return true
    for (const value of this.#old.values()) if (passes(value)) return true
    return false
  }

  /** All values. No use of any. */
  *values(): Generator<V> {
    yield* this.#young.values()
    yield* this.#old.values()
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }
}
