import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ALLOCATION, allocate, memoryOf, sizeForHardware, sizeForInstances } from './supply.ts'

describe('hardware', () => {
  test('it is (cores × 2 + effective spindles) × multiplier', () => {
    expect(sizeForHardware({ cores: 4, spindles: 1, multiplier: 3 })).toMatchObject({
      value: 27,
      range: { from: 27, to: 27 },
      arithmetic: '(4 cores × 2 + 1 spindles) × 3 = 27',
    })
  })

  test('an SSD counts 4 to 8, and agents multiply by 2 to 4', () => {
    expect(sizeForHardware({ cores: 4 })).toMatchObject({ value: 24, range: { from: 24, to: 64 } })
    expect(sizeForHardware({ cores: 4, multiplier: 1 }).range).toEqual({ from: 12, to: 16 })
    expect(sizeForHardware({ cores: 4, spindles: 2 }).range).toEqual({ from: 20, to: 40 })
  })

  test('it says plainly that more connections only queue', () => {
    expect(sizeForHardware({ cores: 1 }).caveat).toContain('more connections only add queueing')
  })

  test('a multiplier beyond 4 is refused', () => {
    expect(() => sizeForHardware({ cores: 1, multiplier: 5 })).toThrow(
      'multiplier must be a number from 1 to 4; it is 5',
    )
  })
})

describe('instances', () => {
  test('(100 − 20) ÷ 5 is 16 each, or 8 and 8 overflow', () => {
    const spelt = sizeForInstances({ instances: 5, limit: 100, reserved: 20 })
    expect(spelt).toMatchObject({ value: 16, split: { max: 8, maxOverflow: 8 }, sharers: 5 })
    expect(sizeForInstances({ instances: 5 })).toEqual(spelt)
  })

  test('the instances of a rolling deploy have their share', () => {
    const answer = sizeForInstances({ instances: 5, surge: 2 })
    expect(answer).toMatchObject({ value: 11, split: { max: 6, maxOverflow: 5 }, sharers: 7 })
    expect(answer.arithmetic).toBe('(100 − 20) ÷ (5 + 2 in a deploy) = 11, or 6 + 5 overflow')
    expect(sizeForInstances({ instances: 5 }).caveat).toContain('a quarter more instances (2)')
  })

  test('more instances than connections are refused with what helps', () => {
    expect(() => sizeForInstances({ instances: 70, surge: 18, limit: 100, reserved: 20 })).toThrow(
      /instances must be 80 or fewer.*; it is 88: put a pooler such as PgBouncer/,
    )
    expect(() => sizeForInstances({ instances: 1, limit: 10, reserved: 10 })).toThrow(
      'reserved must be a whole number from 0 to 9; it is 10',
    )
  })

  test('together they never have more than there is, and one more each would be too many', () => {
    const given = fc
      .record({
        limit: fc.integer({ min: 20, max: 1_000 }),
        part: fc.double({ min: 0, max: 0.5, noNaN: true }),
        instances: fc.integer({ min: 1, max: 5 }),
        surge: fc.integer({ min: 0, max: 5 }),
      })
      .map(({ limit, part, ...rest }) => ({ limit, reserved: Math.floor(limit * part), ...rest }))
    fc.assert(
      fc.property(given, ({ limit, reserved, instances, surge }) => {
        const { value, split } = sizeForInstances({ limit, reserved, instances, surge })
        const all = instances + surge
        expect(value * all).toBeLessThanOrEqual(limit - reserved)
        expect((value + 1) * all).toBeGreaterThan(limit - reserved)
        expect(split.max + split.maxOverflow).toBe(value)
        expect(split.max).toBeGreaterThanOrEqual(1)
      }),
    )
  })
})

describe('allocation', () => {
  test('135 are 81 for the application, 14 for admin, 7 for monitoring and 33 as buffer', () => {
    expect(allocate(135).shares).toEqual({ application: 81, admin: 14, monitoring: 7, buffer: 33 })
  })

  test('of 1,000 they are 60 %, 10 %, 5 % and 25 %', () => {
    expect(ALLOCATION).toEqual({ application: 60, admin: 10, monitoring: 5, buffer: 25 })
    expect(allocate(1_000).shares).toEqual({ application: 600, admin: 100, monitoring: 50, buffer: 250 })
  })

  test('the shares add up to all there is, and none is below zero', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), (available) => {
        const shares = Object.values(allocate(available).shares)
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(available)
        expect(Math.min(...shares)).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})

describe('memory', () => {
  test('a backend counts as 10 MB', () => {
    expect(memoryOf({ connections: 180 })).toMatchObject({
      value: 1_800,
      arithmetic: '180 connections × about 10 MB = 1,800 MB of the server’s memory',
      source: 'planning figure',
    })
  })

  test('unless it was measured', () => {
    expect(memoryOf({ connections: 100, megabytesEach: 2.5 })).toMatchObject({
      value: 250,
      arithmetic: '100 connections × 2.5 MB = 250 MB of the server’s memory',
      source: 'measured',
    })
  })
})
