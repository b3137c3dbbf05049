import type { Clock, Timer } from '../../src/base/clock.ts'

interface Armed extends Timer {
  readonly dueAt: number
  readonly order: number
  readonly fire: () => void
  held: boolean
}

/** A clock that moves only when told to. Timers that fall due fire in order, each at its own time. */
export class ManualClock implements Clock {
  #now = 0
  #order = 0
  readonly #armed = new Set<Armed>()

  now(): number {
    return this.#now
  }

  epoch(): number {
    return 1_700_000_000_000 + this.#now
  }

  setTimeout(fire: () => void, millis: number): Timer {
    const armed: Armed = {
      dueAt: this.#now + millis,
      order: this.#order++,
      fire,
      held: true,
      ref: () => {
        armed.held = true
      },
      unref: () => {
        armed.held = false
      },
    }
    this.#armed.add(armed)
    return armed
  }

  clearTimeout(timer: Timer): void {
    this.#armed.delete(timer as Armed)
  }

  endOfTurn(fire: () => void): void {
    setImmediate(fire)
  }

  /** Timers that are armed; with `held`, those that would keep the process up. */
  armed(which: 'all' | 'held' = 'all'): number {
    return [...this.#armed].filter((timer) => which === 'all' || timer.held).length
  }

  /** Moves time on and lets every promise that follows from it settle, timer by timer. */
  async advance(millis: number): Promise<void> {
    const target = this.#now + millis
    await settle()
    for (;;) {
      const due = [...this.#armed].filter((timer) => timer.dueAt <= target)
      const first = due.sort((a, b) => a.dueAt - b.dueAt || a.order - b.order)[0]
      if (first === undefined) break
      this.#armed.delete(first)
      this.#now = Math.max(this.#now, first.dueAt)
      first.fire()
      await settle()
    }
    this.#now = target
  }

  /** Moves time without firing anything, as a frozen process sees it; what fell due fires at the next `advance`. */
  jump(millis: number): void {
    this.#now += millis
  }
}

/** Lets all promise reactions run that need no timer and no I/O. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
