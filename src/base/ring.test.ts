import { expect, test } from 'vitest'
import { Ring } from './ring.ts'

test('the newest values are kept, the newest last', () => {
  const ring = new Ring<number>(3)
  expect([ring.values(), ring.oldest]).toEqual([[], undefined])
  for (const value of [1, 2]) ring.push(value)
  expect([ring.values(), ring.oldest]).toEqual([[1, 2], 1])
  for (const value of [3, 4, 5, 6, 7]) ring.push(value)
  expect([ring.values(), ring.oldest, ring.size]).toEqual([[5, 6, 7], 5, 3])
})

test('a ring of one holds the last', () => {
  const ring = new Ring<string>(1)
  ring.push('a')
  ring.push('b')
  expect(ring.values()).toEqual(['b'])
})

test.each([0, -1, 1.5, Number.NaN])('there is no ring of %s', (capacity) => {
  expect(() => new Ring(capacity)).toThrow(`BUG: a capacity of ${capacity}`)
})
