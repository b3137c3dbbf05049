/** What the tests of lanes share. */
import { expect } from 'vitest'
import type { Pool } from '../../src/index.ts'

/**
 * Whether Sluice has lanes. While it is false the tests prove what lanes must not change, and say nothing of whether any
 * were used. To be set, and then removed, with the first version that has them.
 */
const LANES_ARE_BUILT: boolean = true

/** Looks every few milliseconds at how many slots carry lanes; `stop()` says how many it saw at most. */
export function watchLanes(pool: Pool): { stop(): number } {
  let most = 0
  const timer = setInterval(() => {
    most = Math.max(most, lanesOf(pool))
  }, 2)
  return {
    stop() {
      clearInterval(timer)
      return Math.max(most, lanesOf(pool))
    },
  }
}

/** How many slots carry lanes now. */
export function lanesOf(pool: Pool): number {
  const { shared = 0 } = pool.stats() as { readonly shared?: number }
  return shared
}

/** Runs assertions that only lanes can meet. */
export function whereLanes(check: () => void): void {
  if (LANES_ARE_BUILT) check()
}

/** Asserts that lanes were used, where there are any. */
export function expectLanes(seen: number): void {
  whereLanes(() => expect(seen, 'slots that carried lanes').toBeGreaterThan(0))
}

/** The items in an order that `random` decides. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = [...items]
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[order[i], order[j]] = [order[j] as T, order[i] as T]
  }
  return order
}
