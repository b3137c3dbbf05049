import fc from 'fast-check'
import { expect, test } from 'vitest'
import { equalJitter, fullJitter } from './backoff.ts'

test('the wait doubles with each failure until it reaches the cap', () => {
  const waits = [0, 1, 2, 3, 4, 5, 2_000].map((attempt) => fullJitter(attempt, 50, 1_000, () => 1))
  expect(waits).toEqual([50, 100, 200, 400, 800, 1_000, 1_000])
})

test('the whole of the wait is random, from nothing on', () => {
  expect(fullJitter(3, 50, 1_000, () => 0)).toBe(0)
  expect(fullJitter(3, 50, 1_000, () => 0.25)).toBe(100)
})

test('no wait is below zero or above its cap', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(fc.nat(5_000), share, (attempt, random) => {
      const wait = fullJitter(attempt, 50, 1_000, () => random)
      expect(wait).toBeGreaterThanOrEqual(0)
      expect(wait).toBeLessThanOrEqual(1_000)
    }),
  )
})

test('half of a wait that must not be nothing is fixed', () => {
  expect([0, 0.5, 1].map((random) => equalJitter(3, 50, 1_000, () => random))).toEqual([200, 300, 400])
  expect(equalJitter(30, 50, 1_000, () => 1)).toBe(1_000)
})
