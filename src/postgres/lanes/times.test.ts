import { describe, expect, test } from 'vitest'
import { Times } from './times.ts'

function having(...runs: readonly number[]): Times {
  const times = new Times()
  for (const millis of runs) times.record(millis, 0)
  return times
}

function runs(count: number, millis: number): number[] {
  return Array.from({ length: count }, () => millis)
}

/** How many runs of a millisecond a statement needs until it counts as short. */
function runsUntilShort(times: Times): number {
  for (let n = 0; n < 1_000; n++) {
    if (times.isShort) return n
    times.record(1, 0)
  }
  return Number.POSITIVE_INFINITY
}

describe('a statement that never ran', () => {
  test('is taken neither for short nor for slow', () => {
    const { isShort, isSlow, runs } = new Times()
    expect([isShort, isSlow, runs]).toEqual([false, false, 0])
  })

  test('is reckoned with as if it took all that a short one may', () => {
    expect([new Times().cost, new Times().mean]).toEqual([10, 0.05])
  })
})

describe('the mean', () => {
  test('is that of all runs while they are few', () => {
    expect(having(1, 2, 6).mean).toBeCloseTo(3)
    expect(having(...runs(15, 1), 17).mean).toBeCloseTo(2)
  })

  test('later gives each run a sixteenth', () => {
    expect(having(...runs(100, 1), 17).mean).toBeCloseTo(2)
  })
})

describe('what a lane reckons with', () => {
  test('is the mean and a doubt that fades with the square of the runs', () => {
    expect([1, 2, 10].map((count) => having(...runs(count, 0.5)).cost)).toEqual([10.5, 3, 0.6])
  })
})

describe('the high value', () => {
  test('follows a longer run at once, however many were short', () => {
    expect(having(...runs(1_000, 1), 40).high).toBe(40)
  })

  test('comes down by a thirty-second of the way with each shorter run', () => {
    expect(having(...runs(100, 0), 32, 0).high).toBeCloseTo(31)
  })

  test('comes down faster while the runs are few, since a first run also fills caches', () => {
    expect(having(40, 0).high).toBe(20)
    expect(having(...runs(9, 40), 30).high).toBe(39)
  })
})

describe('being short', () => {
  test('takes one run that was', () => {
    expect(having(10)).toMatchObject({ isShort: true, isSlow: false })
    expect(having(10.1)).toMatchObject({ isShort: false, isSlow: true })
  })

  test('ends with the first run that was long, and needs more than seventy fast ones to be believed again', () => {
    const times = having(...runs(1_000, 1), 100)
    expect([times.isShort, times.isSlow]).toEqual([false, true])
    expect(runsUntilShort(times)).toBe(76)
  })

  test('needs more fast runs the longer the slow one was', () => {
    expect(runsUntilShort(having(...runs(1_000, 1), 1_000))).toBe(149)
  })

  test('is lost to a statement of which more than a few in a hundred are long', () => {
    const short = (every: number) => {
      const times = having(...runs(100, 1))
      let count = 0
      for (let n = 1; n <= 1_000; n++) {
        times.record(n % every === 0 ? 30 : 1, 0)
        if (times.isShort) count += 1
      }
      return count
    }
    expect([short(20), short(200)]).toEqual([19, expect.toSatisfy((count: number) => count > 750)])
  })

  test('ends with a large result, which does not make a statement slow', () => {
    const times = new Times()
    times.record(1, 262_144)
    expect(times.isShort).toBe(true)
    times.record(1, 262_145)
    expect([times.isShort, times.isSlow, times.size]).toEqual([false, false, 262_145])
  })
})

describe('being slow as a rule', () => {
  const isUsuallySlow = (...runs: readonly number[]): boolean => having(...runs).isUsuallySlow

  test('is what few runs say on average', () => {
    expect([isUsuallySlow(), isUsuallySlow(10), isUsuallySlow(10.1), isUsuallySlow(10.1, 9.8)]).toEqual([
      false,
      false,
      true,
      false,
    ])
  })

  test('is not said of a statement that was late once, however late, though it runs alone for a while', () => {
    const times = having(...runs(30, 1), 60_000)
    expect([times.isSlow, times.isUsuallySlow]).toEqual([true, false])
  })

  test('takes two late runs of eight, and ends some fast ones later', () => {
    const twice = (between: number, after = 0): boolean =>
      isUsuallySlow(...runs(100, 0), 60_000, ...runs(between, 0), 60_000, ...runs(after, 0))
    expect([twice(6), twice(7)]).toEqual([true, false])
    expect([twice(0, 2), twice(0, 3)]).toEqual([true, false])
  })

  test('is said where the only run known is one that has not ended', () => {
    const times = new Times()
    times.atLeast(60_000)
    expect(times.isUsuallySlow).toBe(true)
    for (let n = 0; n < 9; n++) times.record(0, 0)
    expect(times.isUsuallySlow).toBe(false)
  })
})

describe('a run that has not ended', () => {
  test('makes its statement slow as soon as it has taken long', () => {
    const times = having(...runs(50, 1))
    times.atLeast(11)
    expect([times.isShort, times.isSlow, times.high, times.runs]).toEqual([false, true, 11, 50])
  })

  test('counts where nothing else is known', () => {
    const times = new Times()
    times.atLeast(11)
    expect([times.isSlow, times.runs]).toEqual([true, 1])
  })

  test('takes nothing back of what an earlier one took', () => {
    const times = having(40)
    times.atLeast(11)
    expect(times.high).toBe(40)
  })
})
