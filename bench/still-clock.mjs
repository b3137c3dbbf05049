/** A clock that moves only when told, so that a hundred thousand deadlines can fall due at once. */
export class StillClock {
  #now = 0
  /** @type {Set<{ at: number, fire: () => void }>} */
  #timers = new Set()

  now() {
    return this.#now
  }

  epoch() {
    return this.#now
  }

  setTimeout(/** @type {() => void} */ fire, /** @type {number} */ millis) {
    const timer = { at: this.#now + millis, fire, ref: () => {}, unref: () => {} }
    this.#timers.add(timer)
    return timer
  }

  clearTimeout(/** @type {never} */ timer) {
    this.#timers.delete(timer)
  }

  /** Passes time, and fires what falls due. */
  advance(/** @type {number} */ millis) {
    this.#now += millis
    for (const timer of this.#timers) {
      if (timer.at > this.#now) continue
      this.#timers.delete(timer)
      timer.fire()
    }
  }
}
