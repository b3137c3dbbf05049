/** What runs through a pool, one by one, for whoever attached: nothing is made, timed or told while nobody listens. */
import type { Clock } from '../base/clock.ts'
import type { HookList } from './hooks.ts'
import type { Operation } from './operation.ts'

/** The way from those who run operations to those who attached. It is on the way of every statement: each call allocates what it tells, and no more. */
export class Operations<T> {
  readonly #hooks: HookList<T>
  readonly #clock: Clock

  constructor(hooks: HookList<T>, clock: Clock) {
    this.#hooks = hooks
    this.#clock = clock
  }

  /** Whether anybody listens. Nothing need be made where not. */
  get isHeard(): boolean {
    return this.#hooks.hearers.length > 0
  }

  now(): number {
    return this.#clock.now()
  }

  /** An operation is asked for. */
  asked(operation: Operation): void {
    for (const hooks of this.#hooks.hearers) {
      try {
        hooks.asked?.(operation)
      } catch (error) {
        this.#hooks.failed(error)
      }
    }
  }

  /** Its caller is told how it ended; once. */
  answered(operation: Operation, error: unknown): void {
    const end = { millis: this.#clock.now() - operation.askedAt, error }
    for (const hooks of this.#hooks.hearers) {
      try {
        hooks.answered?.(operation, end)
      } catch (thrown) {
        this.#hooks.failed(thrown)
      }
    }
  }
}
