/** Pauses that can all be ended at once, without a listener each on a signal. */
export class Rest {
  readonly #wakers = new Set<() => void>()
  #over = false

  get over(): boolean {
    return this.#over
  }

  /** Resolves after `millis`, or at once when `end` is called. */
  for(millis: number): Promise<void> {
    if (this.#over) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#wakers.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, millis)
      this.#wakers.add(wake)
    })
  }

  end(): void {
    this.#over = true
    for (const wake of [...this.#wakers]) wake()
  }
}
