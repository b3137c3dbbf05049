import fc from 'fast-check'
import { expect, test } from 'vitest'
import { randomOf } from '../../test/support/random.ts'
import type { SweepRound } from './sweep.ts'
import { judgeSweep } from './sweep.ts'
import { uslThroughput } from './usl.ts'

const sizes = [1, 2, 4, 8, 16, 32]
const curves = fc.record({
  lambda: fc.double({ min: 1, max: 100_000, noNaN: true }),
  sigma: fc.double({ min: 0, max: 0.9, noNaN: true }),
  kappa: fc.double({ min: 0, max: 0.05, noNaN: true }),
})

/** Rounds over a curve, each cell up to `noise` away from it either way. */
function rounds(
  at: (size: number) => number,
  count: number,
  noise: number,
  random: () => number,
): SweepRound[] {
  return Array.from({ length: count }, () =>
    sizes.map((size) => ({ size, throughput: at(size) * (1 - noise + 2 * noise * random()) })),
  )
}

test('the recommended size was measured, and keeps 95 % of the best there is under noise of 3 %', () => {
  fc.assert(
    fc.property(curves, fc.integer(), (curve, seed) => {
      const random = randomOf(seed)
      const at = (size: number): number => uslThroughput(curve, size)
      const { recommended, confidence } = judgeSweep(rounds(at, 8, 0.03, random), random, 200)
      expect(sizes).toContain(recommended.size)
      expect(at(recommended.size) / Math.max(...sizes.map(at))).toBeGreaterThan(0.95)
      expect(confidence).toBeGreaterThanOrEqual(0.9)
    }),
    // Chance decides here, and nine in ten is not always: these runs are the same every time.
    { seed: 11, numRuns: 500 },
  )
})

test('the smaller size is preferred on a tie', () => {
  const flat = rounds((size) => (size < 4 ? size * 100 : 400), 4, 0, Math.random)
  const { best, recommended, confidence } = judgeSweep(flat, randomOf(1))
  expect([best.size, recommended.size, confidence]).toEqual([4, 4, 1])
  const even = judgeSweep([sizes.map((size) => ({ size, throughput: 7 }))], randomOf(1))
  expect([even.best.size, even.recommended.size]).toEqual([1, 1])
})

test('97.5 % of the best are enough, and 96.5 % are not', () => {
  const step = (share: number) =>
    judgeSweep(
      rounds((size) => (size < 8 ? 100 * share : 100), 4, 0, Math.random),
      randomOf(1),
    )
  expect(step(0.975).recommended.size).toBe(1)
  expect(step(0.965).recommended.size).toBe(8)
})

test('a size that reaches it in only some of the rounds is not trusted', () => {
  const shaky = Array.from({ length: 9 }, (_, round) => [
    { size: 4, throughput: round % 2 === 0 ? 100 : 50 },
    { size: 8, throughput: 100 },
    { size: 16, throughput: 100 },
    { size: 32, throughput: 100 },
  ])
  const { sizes: found, recommended } = judgeSweep(shaky, randomOf(1))
  expect(found[0]?.ofBest).toBe(1)
  expect(recommended.size).toBe(8)
})

test('where everything is noise, what keeps it most often is recommended, and the confidence says so', () => {
  const random = randomOf(3)
  const {
    sizes: found,
    recommended,
    confidence,
  } = judgeSweep(
    rounds(() => 100, 3, 0.6, random),
    random,
  )
  expect(found.map(({ size }) => size)).toContain(recommended.size)
  expect(recommended.ofBest).toBeGreaterThanOrEqual(0.97)
  expect(confidence).toBeLessThan(0.9)
})

test('a size that only one round has seen is not chosen where others were seen more often', () => {
  const usual = [1, 8, 16].map((size) => ({ size, throughput: size === 1 ? 50 : 100 }))
  const lucky = [...usual, { size: 4, throughput: 100 }]
  expect(judgeSweep([usual, usual, lucky], randomOf(1)).recommended.size).toBe(8)
  expect(judgeSweep([lucky], randomOf(1)).recommended.size).toBe(4)
})

test('a round that was slow as a whole, or had only some of the sizes, changes nothing', () => {
  const at = (size: number): number => Math.min(size, 10) * 100
  const all = sizes.map((size) => ({ size, throughput: at(size) }))
  const slow = all.map(({ size, throughput }) => ({ size, throughput: throughput / 3 }))
  const some = [8, 12, 16, 32].map((size) => ({ size, throughput: at(size) / 2 }))
  const given = [all, slow, all, all, some, some, some]
  const { sizes: found, recommended, samples } = judgeSweep(given, randomOf(1))
  expect(found.map(({ size, ofBest }) => [size, Number(ofBest.toFixed(6))])).toEqual([
    [1, 0.1],
    [2, 0.2],
    [4, 0.4],
    [8, 0.8],
    [12, 1],
    [16, 1],
    [32, 1],
  ])
  expect(recommended.size).toBe(12)
  for (const { lowest, highest } of found) expect(highest / lowest).toBeCloseTo(1, 6)
  expect(samples).toHaveLength(given.flat().length)
})

test('the same random numbers give the same verdict', () => {
  const noisy = rounds((size) => size, 4, 0.2, randomOf(5))
  expect(judgeSweep(noisy, randomOf(1))).toEqual(judgeSweep(noisy, randomOf(1)))
})

test.each([
  [[], 'rounds must hold at least one measurement'],
  [[[]], 'rounds must hold at least one measurement'],
  [[[{ size: 2, throughput: 0 }]], 'throughput must be above 0; it is 0, of size 2'],
])('rounds that tell nothing are refused: %j', (given, sentence) => {
  expect(() => judgeSweep(given, Math.random)).toThrow(sentence)
})
