import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fakePool } from '../../test/support/fake-driver.ts'
import { ManualClock, settle } from '../../test/support/manual-clock.ts'
import { Budget } from '../core/budget.ts'
import { adapt } from './adapt.ts'
import type { AdaptOptions, GrowthRefusal, SizeChange } from './options.ts'
import type { Watched } from './watched.ts'

const minute = 60_000

/** A pool of which only the load is there: so many of its slots are busy, the others idle. */
function loaded(options: Partial<AdaptOptions> = {}) {
  const clock = new ManualClock()
  const load = { busy: 0, idle: undefined as number | undefined, waiting: 0, maxOverflow: 0 }
  const size = { max: 10, min: 0 }
  const state = { now: 'running' as ReturnType<Watched['stats']>['state'] }
  const pool: Watched = {
    stats: () => ({
      ...size,
      maxOverflow: load.maxOverflow,
      utilization: (100 * Math.min(load.busy, size.max)) / size.max,
      idle: load.idle ?? size.max - Math.min(load.busy, size.max),
      waiting: load.waiting,
      state: state.now,
    }),
    resize: (to) => void Object.assign(size, to),
  }
  const changes: SizeChange[] = []
  const refusals: GrowthRefusal[] = []
  const adaptation = adapt(
    pool,
    {
      absoluteMax: 100,
      onChange: (change) => void changes.push(change),
      onRefusal: (refusal) => void refusals.push(refusal),
      ...options,
    },
    { clock, random: () => 0.5 },
  )
  return { clock, load, size, state, changes, refusals, adaptation }
}

test('a pool starts at 50 % of its absolute max, 10 % kept, and says so', () => {
  const { changes, size } = loaded()
  expect(size).toEqual({ max: 50, min: 10 })
  expect(changes).toEqual([
    {
      from: { max: 10, min: 0 },
      to: { max: 50, min: 10 },
      reason: 'start at half of 100, a tenth kept',
      evidence: undefined,
    },
  ])
})

test('more than 80 % in use for a minute makes max 1.5 times as large, up to the absolute max, and min 20 % of it', async () => {
  const { changes, clock, load, size } = loaded()
  load.busy = 41
  await clock.advance(minute - 1)
  expect(size.max).toBe(50)
  await clock.advance(1)
  expect(size).toEqual({ max: 75, min: 15 })
  expect(changes[1]).toMatchObject({
    from: { max: 50, min: 10 },
    to: { max: 75, min: 15 },
    reason: '82 % in use, more than 80 %: 50 × 1.5, up to 100, makes 75',
    evidence: { samples: 60, utilization: 82, busiest: 41, idle: 9, waiting: 0, windowMillis: minute },
  })
  load.busy = 75
  await clock.advance(minute)
  expect(size).toEqual({ max: 100, min: 20 })
  load.busy = 100
  await clock.advance(10 * minute)
  expect(size).toEqual({ max: 100, min: 20 })
})

test('80 % in use is not more than 80 %', async () => {
  const { clock, load, size } = loaded()
  load.busy = 40
  await clock.advance(10 * minute)
  expect(size.max).toBe(50)
})

test('less than 30 % in use with more than 10 idle, two windows in a row, makes max 0.7 times as large', async () => {
  const { changes, clock, load, size } = loaded()
  load.busy = 14
  await clock.advance(minute)
  expect(size.max).toBe(50)
  await clock.advance(minute)
  expect(size).toEqual({ max: 35, min: 7 })
  expect(changes[1]).toMatchObject({ evidence: { utilization: 28, idle: 36 } })
  expect(changes[1]?.reason).toContain('50 × 0.7, not below 30, makes 35')
})

test('30 % in use is not less than 30 %, and 10 idle are not more than 10', async () => {
  const thirty = loaded()
  thirty.load.busy = 15
  await thirty.clock.advance(10 * minute)
  expect(thirty.size.max).toBe(50)
  const ten = loaded()
  ten.load.idle = 10
  await ten.clock.advance(10 * minute)
  expect(ten.size.max).toBe(50)
})

test('max does not shrink below 30 % of the absolute max, and the window after a change does not count', async () => {
  const { changes, clock, load, size } = loaded()
  load.busy = 0
  await clock.advance(2 * minute)
  expect(size.max).toBe(35)
  await clock.advance(minute)
  expect(size.max).toBe(35)
  await clock.advance(minute)
  expect(size).toEqual({ max: 30, min: 6 })
  await clock.advance(20 * minute)
  expect(changes).toHaveLength(3)
})

test('a pool whose busiest moment would not fit into the smaller one does not shrink', async () => {
  const { clock, load, size } = loaded()
  for (let window = 0; window < 10; window++) {
    load.busy = 29
    await clock.advance(2_000)
    load.busy = 0
    await clock.advance(minute - 2_000)
  }
  expect(size.max).toBe(50)
})

test('a short burst in a window that is quiet on average does not make a pool grow', async () => {
  const { clock, load, size } = loaded()
  for (let window = 0; window < 5; window++) {
    load.busy = 50
    await clock.advance(20_000)
    load.busy = 25
    await clock.advance(40_000)
  }
  expect(size.max).toBe(50)
})

test('a shrink that a growth takes back makes the next shrink wait twice as long', async () => {
  const { changes, clock, load, size } = loaded()
  const cycle = async (quietWindows: number) => {
    load.busy = 0
    await clock.advance(quietWindows * minute)
    load.busy = 100
    await clock.advance(minute)
  }
  await cycle(2)
  expect(changes.map(({ to }) => to.max)).toEqual([50, 35, 52])
  // The window after the growth does not count, and then four must be quiet.
  await cycle(4)
  expect(size.max).toBe(78)
  await cycle(5)
  expect(changes.map(({ to }) => to.max)).toEqual([50, 35, 52, 78, 54, 81])
})

test('loads that alternate, at whatever pace, make a pool turn around ever more rarely', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ busy: fc.integer({ min: 0, max: 200 }), seconds: fc.integer({ min: 1, max: 600 }) }),
        {
          minLength: 2,
          maxLength: 4,
        },
      ),
      async (beat) => {
        const { changes, clock, load, size } = loaded()
        const windows = 240
        while (clock.now() < windows * minute) {
          for (const { busy, seconds } of beat) {
            load.busy = busy
            await clock.advance(seconds * 1_000)
            expect(size.max).toBeGreaterThanOrEqual(30)
            expect(size.max).toBeLessThanOrEqual(100)
          }
        }
        const ways = changes.slice(1).map(({ from, to }) => Math.sign(to.max - from.max))
        const turns = ways.filter((way, index) => index > 0 && way !== ways[index - 1]).length
        // Patience of 2, 4, 8, 16, 32, 60 and 60 windows: the seventh shrink comes after more than 182 of them.
        expect(turns).toBeLessThanOrEqual(15)
      },
    ),
    { numRuns: 12 },
  )
}, 120_000)

test('a parent budget bounds the start, the growth, and a pool that is above it', async () => {
  let limit = 40
  const { changes, clock, load, refusals, size } = loaded({ limit: () => limit })
  expect(size.max).toBe(40)
  load.busy = 40
  await clock.advance(minute)
  expect(size.max).toBe(40)
  expect(refusals[0]).toMatchObject({
    size: { max: 40 },
    wanted: { max: 60 },
    evidence: { limit: 40, utilization: 100 },
  })
  expect(refusals[0]?.reason).toMatch(/but absoluteMax 100 and the limit 40 leave no more than 40$/)
  limit = 45
  await clock.advance(minute)
  expect(size.max).toBe(45)
  limit = 20
  await clock.advance(minute)
  expect(size).toEqual({ max: 20, min: 4 })
  expect(changes.at(-1)).toMatchObject({
    reason: '45 is above the 20 that there may be',
    evidence: { limit: 20 },
  })
})

test('without being told a pool stays within the budget that it shares, and what others keep of it', async () => {
  const budget = new Budget({ max: 40 })
  const { clock, pool, lend } = fakePool({ max: 40, budget })
  fakePool({ max: 40, min: 10, budget })
  adapt(pool, { absoluteMax: 100 }, { clock, random: () => 0.5 })
  expect(pool.stats()).toMatchObject({ max: 30, min: 6 })
  for (let n = 0; n < 30; n++) await lend()
  await clock.advance(3 * minute)
  expect(pool.stats()).toMatchObject({ max: 30, leased: 30 })
})

test('temporary connections count against what there is room for', () => {
  const clock = new ManualClock()
  const { pool } = fakePool({ max: 5, maxOverflow: 15 })
  adapt(pool, { absoluteMax: 100, limit: () => 40 }, { clock })
  expect(pool.stats().max).toBe(25)
})

test('the server is asked before a growth and bounds it; a refused ask means no growth', async () => {
  const answers: (number | Error)[] = [60, 60, new Error('no answer'), 90]
  let asked = 0
  const { clock, load, refusals, size } = loaded({
    room: async () => {
      asked++
      const answer = answers.shift() as number | Error
      if (answer instanceof Error) throw answer
      return answer
    },
  })
  await clock.advance(5 * minute)
  expect(asked).toBe(0)
  load.busy = 100
  await clock.advance(minute)
  expect([asked, size.max]).toEqual([1, 45])
  await clock.advance(minute)
  expect([asked, size.max]).toEqual([2, 60])
  await clock.advance(minute)
  expect([asked, size.max]).toEqual([3, 60])
  expect(refusals[0]).toMatchObject({
    cause: new Error('no answer'),
    size: { max: 60 },
    wanted: { max: 90 },
    evidence: { room: undefined },
  })
  await clock.advance(minute)
  expect([asked, size.max]).toEqual([4, 90])
})

test('an answer that comes after stop() changes nothing', async () => {
  let answer = (_room: number) => {}
  const { adaptation, clock, load, size } = loaded({
    room: () =>
      new Promise((resolve) => {
        answer = resolve
      }),
  })
  load.busy = 50
  await clock.advance(minute)
  adaptation.stop()
  answer(100)
  await settle()
  expect(size.max).toBe(50)
})

test('a pool that pauses, or a process that stood still, shows nothing to decide on', async () => {
  const paused = loaded()
  paused.load.busy = 50
  paused.state.now = 'paused'
  await paused.clock.advance(5 * minute)
  expect(paused.size.max).toBe(50)
  const frozen = loaded()
  frozen.load.busy = 50
  await frozen.clock.advance(minute / 2)
  frozen.clock.jump(60 * minute)
  await frozen.clock.advance(minute / 2)
  expect(frozen.size.max).toBe(50)
})

test('stop(), the end of a block and the end of the pool leave no timer, and a timer holds no process up', async () => {
  const { adaptation, clock } = loaded()
  expect([clock.armed(), clock.armed('held')]).toEqual([1, 0])
  adaptation.stop()
  expect(clock.armed()).toBe(0)
  const disposed = loaded()
  disposed.adaptation[Symbol.dispose]()
  expect(disposed.clock.armed()).toBe(0)
  const ended = loaded()
  ended.state.now = 'ended'
  await ended.clock.advance(minute)
  expect(ended.clock.armed()).toBe(0)
})

test('a pool that shrinks keeps what is lent until it comes back, and breaks none of it', async () => {
  const { clock, driver, lend, pool } = fakePool({
    max: 10,
    acquireTimeoutMillis: 10 * minute,
    idleTimeoutMillis: 0,
  })
  const bounds = { limit: 40 }
  adapt(pool, { absoluteMax: 40, limit: () => bounds.limit }, { clock, random: () => 0.5 })
  const leases = []
  for (let n = 0; n < 20; n++) leases.push(await lend())
  expect(pool.stats()).toMatchObject({ max: 20, leased: 20 })
  await clock.advance(minute)
  expect(pool.stats().max).toBe(30)
  bounds.limit = 5
  await clock.advance(minute)
  expect(pool.stats()).toMatchObject({ max: 5, leased: 20 })
  expect(driver.violations).toEqual([])
  for (const lease of leases) {
    expect(lease.released).toBe(false)
    lease.release()
  }
  await settle()
  expect(pool.stats()).toMatchObject({ leased: 0, idle: 5, closed: { 'above-max': 15 } })
  expect(driver.violations).toEqual([])
})

test('a pool that closes its idle connections by itself keeps its max, which nobody uses', async () => {
  const { clock, lend, pool } = fakePool({
    max: 10,
    acquireTimeoutMillis: 10 * minute,
    idleTimeoutMillis: 10_000,
  })
  adapt(pool, { absoluteMax: 40 }, { clock, random: () => 0.5 })
  const leases = []
  for (let n = 0; n < 20; n++) leases.push(await lend())
  for (const lease of leases) lease.release()
  await clock.advance(10 * minute)
  expect(pool.stats()).toMatchObject({ max: 20, min: 4, idle: 4, total: 4 })
})

test.each([
  [{}, 'absoluteMax is missing: the size that the pool never exceeds'],
  [{ absoluteMax: 0 }, 'absoluteMax must be a whole number from 1 to 10,000; it is 0'],
  [{ absoluteMax: 10, every: 99 }, /^every must be a number from 100 to .* \(milliseconds\); it is 99$/],
  [{ absoluteMax: 10, limit: 5 }, 'limit must be a function; it is 5'],
] as const)('%o is refused', (options, message) => {
  const { pool } = fakePool()
  expect(() => adapt(pool, options as unknown as AdaptOptions)).toThrow(message)
})

test('an adaptation that cannot begin leaves nothing behind', () => {
  const { clock, pool } = fakePool()
  const onChange = (): void => {
    throw new Error('not now')
  }
  // Too small for a `min`, which would be opened.
  expect(() => adapt(pool, { absoluteMax: 5, onChange }, { clock })).toThrow('not now')
  expect(clock.armed()).toBe(0)
})

test('a budget that another pool takes up while the server is asked still holds', async () => {
  const limits = { now: 100 }
  let answer: (room: number) => void = () => undefined
  const { changes, clock, load, size } = loaded({
    limit: () => limits.now,
    room: () =>
      new Promise((resolve) => {
        answer = resolve
      }),
  })
  load.busy = 50
  await clock.advance(minute)
  limits.now = 60
  answer(1_000)
  await settle()
  expect([size.max, changes.at(-1)?.evidence?.limit]).toEqual([60, 60])
})
