import { expect, test } from 'vitest'
import type { PoolStats } from '../../core/stats.ts'
import type { Source } from '../source.ts'
import { Past } from './past.ts'

/** Pictures of one pool at these times, and how long before the last of them the earlier one is that it is held against. */
function agoAt(...times: readonly number[]): number | undefined {
  const past = new Past()
  const pool = {} as Source
  const found = times.map((at) => past.add(pool, {} as PoolStats, at))
  return found.at(-1)?.agoMillis
}

test('a picture is held against the youngest that is five minutes old', () => {
  expect(agoAt(0, 100_000, 299_999, 399_999)).toBe(399_999)
  expect(agoAt(0, 100_000, 300_000, 400_000)).toBe(300_000)
})

test('against the oldest, where none is', () => {
  expect(agoAt(0)).toBeUndefined()
  expect(agoAt(0, 30_000, 60_000)).toBe(60_000)
})

test('pictures are kept half a minute apart', () => {
  // That of 29,999 is not kept; that of 30,000 is.
  expect(agoAt(0, 29_999, 329_999)).toBe(329_999)
  expect(agoAt(0, 30_000, 330_000)).toBe(300_000)
})

test('each pool has pictures of its own', () => {
  const past = new Past()
  past.add({} as Source, {} as PoolStats, 0)
  expect(past.add({} as Source, {} as PoolStats, 60_000)).toBeUndefined()
})
