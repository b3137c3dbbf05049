/** The circuit breaker in front of a pool: who may ask it for anything, and what became of those who did. */
import type { Clock } from '../base/clock.ts'
import type { OpenFailure, PoolNumbers } from '../base/errors.ts'
import { SluiceError } from '../base/errors.ts'
import type { Hooks } from '../core/hooks.ts'
import type { PoolStats } from '../core/stats.ts'
import type { Breaker, BreakerStats } from '../resilience/breaker.ts'
import type { Told } from './call.ts'
import type { Client } from './driver.ts'
import type { Trouble } from './trouble.ts'
import { isCrowded, troubleOf } from './trouble.ts'

/** What a refusal tells of the pool, and must know of it. */
export interface Scene {
  readonly state: PoolStats['state']
  readonly numbers: PoolNumbers
  readonly lastOpenFailure: OpenFailure | undefined
}

export class Gate {
  readonly #breaker: Breaker
  readonly #clock: Clock
  readonly #scene: () => Scene
  /** To be attached to the engine. */
  readonly hooks: Hooks<Client>

  constructor(breaker: Breaker, clock: Clock, scene: () => Scene) {
    this.#breaker = breaker
    this.#clock = clock
    this.#scene = scene
    this.hooks = {
      opened: () => breaker.opened(),
      openFailed: (error) => {
        // A full server goes on serving the connections that it has given.
        if (!isCrowded(error)) breaker.openFailed(clock.now())
      },
    }
  }

  /**
   * Starts something where it may go, else tells SLUICE_BREAKER_OPEN in this turn. How it ends is taken note of.
   * @throws what `start` throws
   */
  pass<R>(start: (told: Told<R>) => void, told: Told<R>): void {
    const now = this.#clock.now()
    const pass = this.#breaker.admit(now)
    if (pass === undefined) return this.#refuse(start, told, now)
    let isOut = true
    try {
      start((error, result) => {
        isOut = false
        switch (result === undefined ? troubleBehind(error) : 'none') {
          case 'none':
            this.#breaker.succeeded(pass, this.#clock.now())
            break
          case 'away':
            this.#breaker.failed(pass, this.#clock.now())
            break
          case 'busy':
          case 'own':
            this.#breaker.neutral(pass)
        }
        told(error, result)
      })
    } catch (error) {
      // Asked for with options that cannot be: it never was a call.
      if (isOut) this.#breaker.neutral(pass)
      throw error
    }
  }

  #refuse<R>(start: (told: Told<R>) => void, told: Told<R>, now: number): void {
    const scene = this.#scene()
    switch (scene.state) {
      case 'running':
      case 'paused':
        return told(this.#breaker.refusal(now, scene), undefined)
      case 'draining':
      case 'ending':
      case 'ended':
        // The pool turns it away itself, and trying again later would be no use.
        return start(told)
    }
  }

  stats(): BreakerStats {
    return this.#breaker.stats(this.#clock.now())
  }
}

/** One lost connection may take hundreds of statements along. It counts once: by the one that was at its head. */
function troubleBehind(error: unknown): Trouble {
  const wasBehind = SluiceError.is(error, 'SLUICE_CONNECTION_LOST') && error.cause !== undefined
  return wasBehind ? 'busy' : troubleOf(error)
}
