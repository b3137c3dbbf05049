import { expect, test } from 'vitest'
import { numbersWith } from '../../test/support/numbers.ts'
import type { PoolNumbers } from '../base/errors.ts'
import { Tally, takeStats } from './stats.ts'

/** What a pool of 10 with such slots says of itself. */
function utilizationOf(slots: Partial<PoolNumbers>): number {
  const parts = {
    total: 10,
    state: 'running',
    generation: 0,
    waitingByPriority: [0, 0, 0],
    overloaded: false,
    oldestWaitMillis: 0,
    waitShare: 0,
    ageMillis: 0,
    lastOpenFailure: undefined,
    budget: undefined,
    numbers: numbersWith(slots),
  } as const
  return takeStats({ max: 10, min: 0, maxOverflow: 5 }, new Tally(), parts).utilization
}

test.each([
  [{ leased: 3 }, 30],
  [{ shared: 3 }, 30],
  [{ checking: 3 }, 30],
  [{ cancelling: 3 }, 30],
  [{ idle: 10 }, 0],
  [{ opening: 4 }, 0],
  [{ closing: 4 }, 0],
  [{ leased: 1, shared: 2, checking: 3, cancelling: 4 }, 100],
  [{ leased: 15 }, 150],
])('utilization is what is busy ÷ max: of 10 slots %o are %d percent', (slots, percent) => {
  expect(utilizationOf(slots)).toBe(percent)
})
