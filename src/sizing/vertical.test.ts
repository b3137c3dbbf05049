import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstSize, nextSize, VERTICAL } from './vertical.ts'

const busy = { utilization: 81, idle: 0 }
const quiet = { utilization: 29, idle: 11 }

test('a pool is looked at every minute and starts at 50 % and 10 % of its absolute max', () => {
  expect(VERTICAL.everyMillis).toBe(60_000)
  expect(firstSize(100)).toEqual({ max: 50, min: 10 })
  expect(firstSize(25)).toEqual({ max: 12, min: 2 })
  expect(firstSize(1)).toEqual({ max: 1, min: 0 })
})

test('above 80 % in use max becomes 1.5 times as large, and min a fifth of it', () => {
  expect(nextSize({ ...busy, max: 20, absoluteMax: 100 })).toEqual({
    change: 'grow',
    max: 30,
    min: 6,
    reason: '81 % in use, more than 80 %: 20 × 1.5, up to 100, makes 30',
  })
  expect(nextSize({ ...busy, max: 200, absoluteMax: 1_000 }).max).toBe(300)
  expect(nextSize({ utilization: 80, idle: 0, max: 20, absoluteMax: 100 }).change).toBe('keep')
  expect(nextSize({ utilization: 80.1, idle: 0, max: 20, absoluteMax: 100 }).change).toBe('grow')
})

test('growth stops at the absolute max, and one connection grows too', () => {
  expect(nextSize({ ...busy, max: 80, absoluteMax: 100 })).toMatchObject({
    change: 'grow',
    max: 100,
    min: 20,
  })
  expect(nextSize({ ...busy, max: 100, absoluteMax: 100 })).toMatchObject({ change: 'keep', max: 100 })
  expect(nextSize({ ...busy, max: 1, absoluteMax: 100 })).toMatchObject({ change: 'grow', max: 2 })
})

test('below 30 % in use with more than 10 idle max becomes 0.7 times as large', () => {
  expect(nextSize({ ...quiet, max: 90, absoluteMax: 100 })).toEqual({
    change: 'shrink',
    max: 63,
    min: 12,
    reason: '29 % in use and 11 idle: 90 × 0.7, not below 30, makes 63',
  })
  expect(nextSize({ ...quiet, max: 1_000, absoluteMax: 1_000 }).max).toBe(700)
  expect(nextSize({ ...quiet, utilization: 30, max: 90, absoluteMax: 100 }).change).toBe('keep')
  expect(nextSize({ ...quiet, idle: 10, max: 90, absoluteMax: 100 }).change).toBe('keep')
})

test('max never shrinks below 30 % of the absolute max, and a smaller one stays as it is', () => {
  expect(nextSize({ ...quiet, max: 40, absoluteMax: 100 })).toMatchObject({ change: 'shrink', max: 30 })
  expect(nextSize({ ...quiet, max: 310, absoluteMax: 1_000 }).max).toBe(300)
  expect(nextSize({ ...quiet, max: 30, absoluteMax: 100 })).toMatchObject({ change: 'keep', max: 30 })
  expect(nextSize({ ...quiet, max: 15, absoluteMax: 100 })).toMatchObject({ change: 'keep', max: 15 })
})

test('a pool above what there may be comes down to it at once, however busy', () => {
  expect(nextSize({ ...busy, max: 50, absoluteMax: 40 })).toEqual({
    change: 'shrink',
    max: 40,
    min: 8,
    reason: '50 is above the 40 that there may be',
  })
})

test('numbers out of range are refused by name', () => {
  expect(() => nextSize({ ...busy, max: 0, absoluteMax: 10 })).toThrow(
    'max must be a whole number 1 or more; it is 0',
  )
  expect(() => nextSize({ ...busy, utilization: Number.NaN, max: 1, absoluteMax: 10 })).toThrow('utilization')
  expect(() => firstSize(2.5)).toThrow('absoluteMax must be a whole number 1 or more; it is 2.5')
})

const anySeen = fc.record({
  utilization: fc.double({ min: 0, max: 120, noNaN: true }),
  idle: fc.nat(500),
  max: fc.integer({ min: 1, max: 500 }),
  absoluteMax: fc.integer({ min: 1, max: 500 }),
})

test('whatever was seen, min ≤ max ≤ absoluteMax, and the word says which way max went', () => {
  fc.assert(
    fc.property(anySeen, (seen) => {
      const { change, max, min } = nextSize(seen)
      expect(max).toBeLessThanOrEqual(seen.absoluteMax)
      expect(max).toBeGreaterThanOrEqual(1)
      expect(min).toBeLessThanOrEqual(max)
      expect(change).toBe(max > seen.max ? 'grow' : max < seen.max ? 'shrink' : 'keep')
    }),
  )
})

test('a busier pool is never given a smaller max', () => {
  fc.assert(
    fc.property(anySeen, fc.double({ min: 0, max: 50, noNaN: true }), (seen, more) => {
      const busier = { ...seen, utilization: seen.utilization + more }
      expect(nextSize(busier).max).toBeGreaterThanOrEqual(nextSize(seen).max)
    }),
  )
})
