/** The circuit breaker in front of a pool: who may ask it for anything, and what became of those who did. */
import type { Clock } from '../base/clock.ts'
import type { SluiceErrorDetails } from '../base/errors.ts'
import type { Hooks } from '../core/hooks.ts'
import type { Breaker, BreakerStats, Pass } from '../resilience/breaker.ts'
import type { Told } from './call.ts'
import type { Client } from './driver.ts'
import type { Trouble } from './trouble.ts'
import { troubleOf } from './trouble.ts'

export class Gate {
  readonly #breaker: Breaker
  readonly #clock: Clock
  readonly #pool: () => Pick<SluiceErrorDetails, 'numbers' | 'lastOpenFailure'>
  /** To be attached to the engine. */
  readonly hooks: Hooks<Client>

  /** @param pool what a refusal tells of the pool */
  constructor(
    breaker: Breaker,
    clock: Clock,
    pool: () => Pick<SluiceErrorDetails, 'numbers' | 'lastOpenFailure'>,
  ) {
    this.#breaker = breaker
    this.#clock = clock
    this.#pool = pool
    this.hooks = { opened: () => breaker.opened(), openFailed: () => breaker.openFailed(clock.now()) }
  }

  /** Starts something where it may go, else tells SLUICE_BREAKER_OPEN in this turn. How it ends is taken note of. */
  pass<R>(start: (told: Told<R>) => void, told: Told<R>): void {
    const now = this.#clock.now()
    const pass = this.#breaker.admit(now)
    if (pass === undefined) return told(this.#breaker.refusal(now, this.#pool()), undefined)
    start((error, result) => {
      this.#left(pass, result === undefined ? troubleOf(error) : 'none')
      told(error, result)
    })
  }

  #left(pass: Pass, trouble: Trouble): void {
    switch (trouble) {
      case 'none':
        return this.#breaker.succeeded(pass, this.#clock.now())
      case 'away':
        return this.#breaker.failed(pass, this.#clock.now())
      case 'busy':
      case 'own':
        return this.#breaker.neutral(pass)
    }
  }

  stats(): BreakerStats {
    return this.#breaker.stats(this.#clock.now())
  }
}
