import { expect, test } from 'vitest'
import { pressureOf } from './pressure.ts'

const rest = { idle: 0, opening: 0, waiting: 0, waitShare: 0, utilization: 0 }

test.each([
  ['a pool at rest', {}, 'free'],
  ['79.9 % in use', { idle: 2, utilization: 79.9 }, 'free'],
  ['80 % in use', { idle: 2, utilization: 80 }, 'busy'],
  ['a full pool, all of it idle', { idle: 10 }, 'free'],
  ['a full pool that nobody waits for', { utilization: 100 }, 'busy'],
  ['somebody waits for a slot', { waiting: 1, utilization: 100 }, 'saturated'],
  ['somebody waits for whom a connection is on its way', { waiting: 1, opening: 1 }, 'free'],
  ['somebody waits beside an idle slot', { waiting: 1, idle: 1 }, 'free'],
  ['10 wait', { waiting: 10, utilization: 100 }, 'saturated'],
  ['11 wait', { waiting: 11, utilization: 100 }, 'exhausted'],
  ['half of a deadline is over', { waiting: 1, waitShare: 0.5, utilization: 100 }, 'saturated'],
  ['more than half of a deadline is over', { waiting: 1, waitShare: 0.51, utilization: 100 }, 'exhausted'],
])('%s: %o is %s', (_, stats, pressure) => {
  expect(pressureOf({ ...rest, ...stats })).toBe(pressure)
})
