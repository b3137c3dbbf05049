/** The hysteresis of vertical scaling: when what the rule says is done, and when it is only noted. */
import type { NextSize } from '../sizing/vertical.ts'
import { nextSize, VERTICAL } from '../sizing/vertical.ts'
import type { WindowFigures } from './window.ts'

const firstPatience = 2
const mostPatience = 60

/**
 * Grows at once, shrinks with patience. A pool shrinks after two windows in a row in which the rule said so and the busiest
 * moment would have left the smaller pool below 80 %; the window in which it was resized does not count. A growth
 * after a shrink says that the shrink was too soon: from then on twice as many windows are waited for, up to 60. So a load that
 * comes and goes, at whatever pace, makes a pool change direction less and less often.
 */
export class Steadiness {
  #patience = firstPatience
  #quiet = 0
  #resting = false
  #shrunk = false

  /** How many quiet windows in a row it takes to shrink. */
  get patience(): number {
    return this.#patience
  }

  /** What a window leads to, for a `max` within `absoluteMax`. Whoever does it says so with `changed`. */
  judge(seen: WindowFigures, max: number, absoluteMax: number): NextSize {
    const { utilization, idle, busiest } = seen
    const next = nextSize({ utilization, idle, max, absoluteMax })
    const fits = 100 * busiest <= VERTICAL.growAbovePercent * next.max
    const quiet = next.change === 'shrink' && fits
    const rested = !this.#resting
    this.#resting = false
    this.#quiet = quiet && rested ? this.#quiet + 1 : quiet ? this.#quiet : 0
    if (next.change !== 'shrink') return next
    if (!fits) return kept(next, max, `, but ${busiest} were busy at once`)
    if (rested && this.#quiet >= this.#patience) return next
    return kept(next, max, `, in ${this.#quiet} of ${this.#patience} windows in a row`)
  }

  /** The pool has been resized. */
  changed(change: NextSize['change']): void {
    this.#resting = true
    if (change === 'grow') {
      if (this.#shrunk) this.#patience = Math.min(mostPatience, 2 * this.#patience)
      this.#shrunk = false
      this.#quiet = 0
    } else this.#shrunk = true
  }
}

function kept({ min, reason }: NextSize, max: number, why: string): NextSize {
  return { change: 'keep', max, min, reason: reason + why }
}
