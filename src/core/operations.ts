/** What runs through a pool, one by one, for whoever attached: nothing is made, timed or told while nobody listens. */
import type { Clock } from '../base/clock.ts'
import type { HookList } from './hooks.ts'
import type { Operation } from './operation.ts'

/** Called once, when the caller is told. */
export type OperationOver = (error?: unknown) => void

/** The way from those who run operations to those who attached. */
export class Operations<T> {
  readonly #hooks: HookList<T>
  readonly #clock: Clock

  constructor(hooks: HookList<T>, clock: Clock) {
    this.#hooks = hooks
    this.#clock = clock
  }

  /** Whether anybody listens. Nothing need be made where not. */
  get isHeard(): boolean {
    return this.#hooks.hearsOperations
  }

  /** An operation is asked for. @param make makes it, given the moment */
  begin(make: (askedAt: number) => Operation): OperationOver {
    const askedAt = this.#clock.now()
    const operation = make(askedAt)
    this.#hooks.emit('asked', operation)
    return (error) => {
      const millis = this.#clock.now() - askedAt
      this.#hooks.emit('answered', operation, { millis, error })
    }
  }
}
