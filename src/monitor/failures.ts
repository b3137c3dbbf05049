/** What an exporter does about its own failures: the pool never hears of them, and who asked to is told, not too often. */
import type { Clock } from '../base/clock.ts'

/** What fails does so again and again: at most one failure a minute is told. */
const SILENT_MILLIS = 60_000

/** Keeps failures away from where they happened. */
export class Failures {
  readonly #onError: ((error: unknown) => void) | undefined
  readonly #clock: Clock
  #silentUntil = Number.NEGATIVE_INFINITY
  #count = 0

  /** @param onError is called in a turn of its own: what it throws is an uncaught exception, as with any listener */
  constructor(onError: ((error: unknown) => void) | undefined, clock: Clock) {
    this.#onError = onError
    this.#clock = clock
  }

  /** How many there were, told or not. */
  get count(): number {
    return this.#count
  }

  /** Does something that may fail. Undefined where it did. */
  attempt<R>(act: () => R): R | undefined {
    try {
      return act()
    } catch (error) {
      this.tell(error)
      return undefined
    }
  }

  tell(error: unknown): void {
    this.#count += 1
    const onError = this.#onError
    const now = this.#clock.now()
    if (onError === undefined || now < this.#silentUntil) return
    this.#silentUntil = now + SILENT_MILLIS
    queueMicrotask(() => onError(error))
  }
}
