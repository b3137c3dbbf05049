/** What a pool did in a stretch of time, from samples of it. */
import type { Watched } from './watched.ts'

/** What a window has shown. */
export interface WindowFigures {
  readonly samples: number
  /** Busy slots ÷ max, in percent: the mean of the samples. */
  readonly utilization: number
  /** The most slots that were busy at once, as far as was sampled. */
  readonly busiest: number
  /** Idle connections: the mean of the samples. */
  readonly idle: number
  /** The most callers that waited at once, as far as was sampled. */
  readonly waiting: number
}

/**
 * Gathers the samples of one window. Samples rather than the lengths of leases, because a lease tells its length only when
 * it ends: one that spans three windows would count for nothing in two of them.
 */
export class Window {
  #samples = 0
  #utilization = 0
  #idle = 0
  #busiest = 0
  #waiting = 0

  add({ utilization, max, idle, waiting }: ReturnType<Watched['stats']>): void {
    this.#samples += 1
    this.#utilization += utilization
    this.#idle += idle
    this.#busiest = Math.max(this.#busiest, Math.round((utilization * max) / 100))
    this.#waiting = Math.max(this.#waiting, waiting)
  }

  /** @returns `undefined` where nothing was sampled */
  figures(): WindowFigures | undefined {
    if (this.#samples === 0) return undefined
    return {
      samples: this.#samples,
      utilization: this.#utilization / this.#samples,
      busiest: this.#busiest,
      idle: this.#idle / this.#samples,
      waiting: this.#waiting,
    }
  }
}
