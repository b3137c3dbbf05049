import { describe, expect, test } from 'vitest'
import { callersFor, planFor, roomFor, sizesAround, sizesTo, timingFor } from './plan.ts'

const limits = {
  maxConnections: 100,
  reserved: 2,
  superuserReserved: 3,
  roleLimit: undefined,
  databaseLimit: undefined,
  sessions: 15,
}

describe('the room for a sweep', () => {
  test('is the share of what nobody has, without the reserved connections', () => {
    expect(roomFor(limits, 0.5, 64)).toEqual({ largest: 40, usable: 95, free: 80 })
  })

  test('is no more than --max, and no more than role and database allow', () => {
    expect(roomFor(limits, 1, 64).largest).toBe(64)
    expect(roomFor({ ...limits, roleLimit: 20 }, 0.5, 64)).toMatchObject({ largest: 10, free: 20 })
    expect(roomFor({ ...limits, databaseLimit: 8 }, 1, 64)).toMatchObject({ largest: 8, free: 8 })
  })

  test.each([
    [
      { ...limits, sessions: 90 },
      'The server has 5 connections left for this role, and a share of 0.5 of them is 2',
    ],
    [{ ...limits, sessions: 200 }, 'The server has 0 connections left'],
    [{ ...limits, roleLimit: 0 }, 'The server has 0 connections left'],
  ])('that is too small to compare sizes is refused', (given, sentence) => {
    expect(() => roomFor(given, 0.5, 64)).toThrow(sentence)
  })
})

describe('the sizes', () => {
  test.each([
    [3, [1, 2, 3]],
    [4, [1, 2, 3, 4]],
    [9, [1, 2, 4, 8]],
    [10, [1, 2, 4, 8, 10]],
    [64, [1, 2, 4, 8, 16, 32, 64]],
    [100, [1, 2, 4, 8, 16, 32, 64, 100]],
  ])('up to %i double, and end where it is worth while', (largest, sizes) => {
    expect(sizesTo(largest)).toEqual(sizes)
  })

  test('of the closer look are around the recommended one, and none is above the largest', () => {
    const sizes = [1, 2, 4, 8, 16, 32]
    expect(sizesAround(sizes, 8, 32)).toEqual([4, 5, 7, 8, 16, 32])
    expect(sizesAround(sizes, 5, 8)).toEqual([4, 5, 7, 8, 16])
    expect(sizesAround(sizes, 1, 2)).toEqual([1, 2])
    expect(sizesAround(sizes, 2, 2)).toEqual([1, 2, 4])
    expect(sizesAround(sizes, 32, 32)).toEqual([16, 21, 27, 32])
  })
})

describe('the time', () => {
  test('is divided so that rounds are many, and no window is shorter than ten statements', () => {
    for (const [budget, count, statement] of [
      [30_000, 7, 1],
      [30_000, 7, 50],
      [5_000, 3, 5],
      [600_000, 8, 0.1],
    ] as const) {
      const { warm, window } = timingFor(budget, count, statement)
      expect(window).toBeGreaterThanOrEqual(Math.max(150, 10 * statement))
      expect(3 * count * (warm + window + statement)).toBeLessThan(budget)
      expect(window).toBeLessThanOrEqual(700)
    }
  })

  test('that is little is spent on fewer sizes, never fewer than three, the smallest and the largest among them', () => {
    const { sizes, leftOut } = planFor(4_000, 64, 0.2)
    expect([sizes[0], sizes.at(-1), sizes.length + leftOut]).toEqual([1, 64, 7])
    expect(sizes.length).toBeGreaterThanOrEqual(3)
    expect(leftOut).toBeGreaterThan(0)
    expect(planFor(30_000, 64, 0.2)).toMatchObject({ sizes: [1, 2, 4, 8, 16, 32, 64], leftOut: 0 })
    expect(planFor(3_000, 3, 0.2)).toMatchObject({ sizes: [1, 2, 3], leftOut: 0 })
    expect(() => planFor(1_000, 64, 0.19)).toThrow('A statement takes 0.19 ms, and measuring 3 sizes')
  })

  test('that is too short for the statements is refused, naming what would be enough', () => {
    expect(() => timingFor(30_000, 7, 1_000)).toThrow(
      /^A statement takes 1\.00 s, and measuring 7 sizes three times and more takes about \d{3} s; 30 s of --seconds are left\. Give more --seconds, or shorter statements\.$/,
    )
  })
})

test('callers are twice the size, and enough to fill a lane where statements are short', () => {
  expect([callersFor(8, false, 1), callersFor(8, true, 1), callersFor(8, true, 20)]).toEqual([16, 64, 16])
  expect(callersFor(64, true, 1)).toBe(128)
})
