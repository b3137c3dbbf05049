import fc from 'fast-check'
import { expect, test } from 'vitest'
import { randomOf } from '../../test/support/random.ts'
import { fitUsl, median, uslKnee, uslPeak, uslThroughput } from './usl.ts'

const sizes = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]
const curves = fc.record({
  lambda: fc.double({ min: 1, max: 100_000, noNaN: true }),
  sigma: fc.double({ min: 0, max: 0.9, noNaN: true }),
  kappa: fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 0.05, noNaN: true })),
})

test('a curve without noise is found again, whatever its parameters', () => {
  fc.assert(
    fc.property(curves, (curve) => {
      const fit = fitUsl(sizes.map((size) => ({ size, throughput: uslThroughput(curve, size) })))
      expect(fit.lambda / curve.lambda).toBeCloseTo(1, 6)
      expect(fit.sigma).toBeCloseTo(curve.sigma, 6)
      expect(fit.kappa).toBeCloseTo(curve.kappa, 6)
      expect(fit.rSquared).toBeCloseTo(1, 6)
    }),
  )
})

test('a noisy curve is followed to within its noise at every size, and its bounds are kept', () => {
  fc.assert(
    fc.property(curves, fc.integer(), (curve, seed) => {
      const random = randomOf(seed)
      const samples = [1, 2, 3, 4, 5].flatMap(() =>
        sizes.map((size) => ({ size, throughput: uslThroughput(curve, size) * (0.96 + 0.08 * random()) })),
      )
      const fit = fitUsl(samples)
      expect(fit.lambda).toBeGreaterThan(0)
      expect(fit.sigma).toBeGreaterThanOrEqual(0)
      expect(fit.kappa).toBeGreaterThanOrEqual(0)
      for (const size of sizes)
        expect(Math.abs(uslThroughput(fit, size) / uslThroughput(curve, size) - 1)).toBeLessThan(0.05)
    }),
  )
})

test('a round that somebody disturbed moves the curve by little', () => {
  const curve = { lambda: 1_000, sigma: 0.05, kappa: 0.001 }
  const samples = [1, 2, 3, 4].flatMap((round) =>
    sizes.map((size) => ({ size, throughput: uslThroughput(curve, size) * (round === 2 ? 0.4 : 1) })),
  )
  const fit = fitUsl(samples)
  for (const size of sizes)
    expect(uslThroughput(fit, size) / uslThroughput(curve, size)).toBeGreaterThan(0.97)
})

test('the peak is √((1 − σ) ÷ κ), at least 1, and without coherency there is none', () => {
  expect(uslPeak({ lambda: 1, sigma: 0.19, kappa: 0.0001 })).toBeCloseTo(90, 9)
  expect(uslPeak({ lambda: 1, sigma: 0.5, kappa: 5 })).toBe(1)
  expect(uslPeak({ lambda: 1, sigma: 1.5, kappa: 0 })).toBe(1)
  expect(uslPeak({ lambda: 1, sigma: 0.5, kappa: 0 })).toBe(Number.POSITIVE_INFINITY)
})

test('the knee is the smallest size that reaches the share, and never above the largest size', () => {
  fc.assert(
    fc.property(
      curves,
      fc.integer({ min: 1, max: 200 }),
      fc.double({ min: 0.5, max: 1, noNaN: true }),
      (curve, largest, share) => {
        const knee = uslKnee(curve, largest, share)
        const all = Array.from({ length: largest }, (_, index) => uslThroughput(curve, index + 1))
        const enough = share * Math.max(...all)
        expect(knee).toBeGreaterThanOrEqual(1)
        expect(knee).toBeLessThanOrEqual(largest)
        expect(all[knee - 1]).toBeGreaterThanOrEqual(enough)
        for (const less of all.slice(0, knee - 1)) expect(less).toBeLessThan(enough)
      },
    ),
  )
})

test('a straight line has its knee at 95 % of the largest size, a flat one at 1', () => {
  expect(uslKnee({ lambda: 10, sigma: 0, kappa: 0 }, 40)).toBe(38)
  expect(uslKnee({ lambda: 10, sigma: 1, kappa: 0 }, 40)).toBe(1)
})

test.each([
  [[], 'at least 3 different sizes; they are of 0'],
  [
    [
      { size: 1, throughput: 1 },
      { size: 2, throughput: 1 },
      { size: 2, throughput: 1 },
    ],
    'at least 3 different sizes; they are of 2',
  ],
  [[{ size: 0, throughput: 1 }], 'size must be a whole number from 1; it is 0'],
  [[{ size: 1.5, throughput: 1 }], 'size must be a whole number from 1; it is 1.5'],
  [[{ size: 1, throughput: 0 }], 'throughput must be a finite number above 0; it is 0'],
  [[{ size: 1, throughput: Number.NaN }], 'throughput must be a finite number above 0; it is NaN'],
])('samples that tell nothing are refused in a sentence: %j', (samples, sentence) => {
  expect(() => fitUsl(samples)).toThrow(sentence)
})

test('the median is the middle, or between the two middle ones', () => {
  expect([median([5]), median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([5, 2, 2.5])
})
