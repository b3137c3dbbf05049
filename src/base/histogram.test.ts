import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Histogram } from './histogram.ts'

/** The widest bucket, the first of a doubling, spans a sixteenth. */
const ERROR = 1 + 1 / 16

test('an empty histogram says zero everywhere', () => {
  expect(new Histogram().snapshot()).toEqual({ count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 })
})

test('count, mean and max are exact', () => {
  const histogram = new Histogram()
  for (const millis of [1, 2, 6]) histogram.record(millis)
  expect([histogram.count, histogram.mean, histogram.max]).toEqual([3, 3, 6])
})

test('every quantile is right to within one bucket, 6.3 %, and never below the true one', () => {
  const values = fc.array(fc.double({ min: 0.001, max: 1e8, noNaN: true }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (durations, q) => {
      const histogram = new Histogram()
      for (const millis of durations) histogram.record(millis)
      const sorted = [...durations].sort((a, b) => a - b)
      const truth = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] as number
      const said = histogram.quantile(q)
      // A value on the edge of a bucket may fall to either side of it in floating point.
      expect(said).toBeGreaterThanOrEqual(truth * (1 - 1e-9))
      expect(said).toBeLessThanOrEqual(truth * ERROR * (1 + 1e-9))
    }),
    { numRuns: 500 },
  )
})

test('no quantile exceeds the largest value', () => {
  const histogram = new Histogram()
  histogram.record(7)
  expect([histogram.quantile(0), histogram.quantile(0.5), histogram.quantile(1)]).toEqual([7, 7, 7])
})

test('zero and what is longer than twelve days are counted too', () => {
  const histogram = new Histogram()
  histogram.record(0)
  histogram.record(1e12)
  expect([histogram.count, histogram.quantile(0.5), histogram.max]).toEqual([2, 0.001, 1e12])
})

test('a snapshot does not change any more', () => {
  const histogram = new Histogram()
  histogram.record(1)
  const before = histogram.snapshot()
  histogram.record(100)
  expect([before.count, before.max, Object.isFrozen(before)]).toEqual([1, 1, true])
})

test('what was recorded since a copy is told apart from what was there before', () => {
  const histogram = new Histogram()
  for (const millis of [1, 500]) histogram.record(millis)
  const earlier = histogram.copy()
  expect(histogram.since(earlier).snapshot()).toEqual({ count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 })
  for (const millis of [2, 4]) histogram.record(millis)
  const later = histogram.since(earlier)
  expect([later.count, later.mean]).toEqual([2, 3])
  expect(later.max).toBeGreaterThanOrEqual(4)
  expect(later.max).toBeLessThanOrEqual(4 * ERROR)
  histogram.record(900)
  expect(histogram.since(earlier).max).toBe(900)
  expect([earlier.count, earlier.max]).toEqual([2, 500])
})

test('two histograms add up to the one that had seen all', () => {
  const [one, two, all] = [new Histogram(), new Histogram(), new Histogram()]
  for (const millis of [1, 20, 300]) {
    one.record(millis)
    all.record(millis)
  }
  for (const millis of [7, 4_000]) {
    two.record(millis)
    all.record(millis)
  }
  one.add(two)
  expect(one.snapshot()).toEqual(all.snapshot())
})
