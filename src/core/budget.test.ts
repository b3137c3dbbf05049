import { describe, expect, test } from 'vitest'
import type { FakePool } from '../../test/support/fake-driver.ts'
import { fakePool } from '../../test/support/fake-driver.ts'
import { ManualClock, settle } from '../../test/support/manual-clock.ts'
import { Budget } from './budget.ts'
import type { PoolOptions } from './options.ts'

/** Pools on one clock under one budget; drivers complain where the server would see more sessions than the cap allows. */
function house(
  max: number,
  ...pools: PoolOptions[]
): { budget: Budget; clock: ManualClock; pools: FakePool[] } {
  const clock = new ManualClock()
  const budget = new Budget({ max })
  const made = pools.map((options) => fakePool({ max, budget, ...options }, undefined, clock))
  for (const { driver } of made)
    driver.bound = () => max - sessionsOf(made.filter((other) => other.driver !== driver))
  return { budget, clock, pools: made }
}

function sessionsOf(pools: readonly FakePool[]): number {
  return pools.reduce((sum, { driver }) => sum + driver.sessions.size, 0)
}

const wishes = (pool: FakePool, count: number) => Array.from({ length: count }, () => pool.ask())

/** A caller that holds a connection for `millis` each time, over and over; counts how often it had one. */
function loop({ pool }: FakePool, clock: ManualClock, millis: number): { turns: number; longest: number } {
  const seen = { turns: 0, longest: 0 }
  const again = () => {
    const since = clock.now()
    pool.request({}, (_, lease) => {
      if (lease === undefined) return
      seen.turns += 1
      seen.longest = Math.max(seen.longest, clock.now() - since)
      clock.setTimeout(() => {
        lease.release()
        again()
      }, millis)
    })
  }
  again()
  return seen
}

describe('sizes', () => {
  test('a budget needs a max of 1 to 10,000', () => {
    expect(() => new Budget({} as never)).toThrow('a budget needs max: how many connections')
    expect(() => new Budget({ max: 0 })).toThrow(
      'budget.max must be a whole number from 1 to 10,000; it is 0',
    )
    expect(() => fakePool({ budget: { max: 3 } as never })).toThrow('budget must be a Budget')
  })

  test('a pool may not ask for more than the budget has, nor all of them together reserve more', () => {
    const budget = new Budget({ max: 5 })
    expect(() => fakePool({ max: 6, budget })).toThrow(
      'max must not exceed that of the budget; max is 6 and budget.max is 5',
    )
    const { pool } = fakePool({ max: 5, min: 3, budget })
    const all = 'the min of all pools together must not exceed budget.max'
    expect(() => fakePool({ max: 5, min: 3, budget })).toThrow(
      `${all}; min is 3, the other pools have 3, and budget.max is 5`,
    )
    fakePool({ max: 5, min: 2, budget })
    expect(() => pool.resize({ min: 4 })).toThrow(`${all}; min is 4, the other pools have 2`)
    expect(() => pool.resize({ max: 6 })).toThrow('max must not exceed that of the budget')
    pool.resize({ max: 4, min: 1 })
    expect(pool.stats()).toMatchObject({ max: 4, min: 1 })
  })

  test('a pool can ask what is possible: what is left for it now, and the most it can ever have', async () => {
    const { budget, pools } = house(10, { min: 2 }, { min: 3 })
    const [a, b] = pools as [FakePool, FakePool]
    expect(a.pool.budget).toEqual({ max: 10, used: 0, room: 7, limit: 7 })
    expect(b.pool.stats().budget).toEqual({ max: 10, used: 0, room: 8, limit: 8 })
    for (let n = 0; n < 4; n++) await a.lend()
    expect([a.pool.budget?.room, b.pool.budget?.room, budget.used, budget.room]).toEqual([3, 6, 4, 3])
    expect(fakePool().pool.stats().budget).toBeUndefined()
  })

  test('an ended pool leaves its place to the others', async () => {
    const { budget, pools } = house(2, {}, {})
    const [a, b] = pools as [FakePool, FakePool]
    const leases = [await a.lend(), await a.lend()]
    const waits = b.ask()
    const ended = a.pool.end()
    for (const lease of leases) lease.release()
    await ended
    await settle()
    expect([waits.state, budget.used]).toEqual(['lent', 1])
    expect(b.pool.budget?.limit).toBe(2)
  })
})

describe('between pools', () => {
  test('an idle connection of one closes, as yielded, for a caller of another', async () => {
    const { budget, pools } = house(3, {}, {})
    const [a, b] = pools as [FakePool, FakePool]
    const leases = [await a.lend(), await a.lend(), await a.lend()]
    for (const lease of leases) lease.release()
    expect(a.pool.stats().idle).toBe(3)
    await b.lend()
    expect([a.pool.stats().closed, a.pool.stats().idle, budget.used]).toEqual([{ yielded: 1 }, 2, 3])
  })

  test('a connection that is being closed counts, until the server has let go', async () => {
    const { budget, clock, pools } = house(1, {}, {})
    const [a, b] = pools as [FakePool, FakePool]
    ;(await a.lend()).release()
    const close = a.driver.gate('close')
    await clock.advance(200)
    const waits = b.ask()
    await settle()
    expect([waits.state, a.pool.stats().closing, b.pool.stats().opening, budget.used]).toEqual([
      'waiting',
      1,
      0,
      1,
    ])
    await close.pass()
    expect([waits.state, budget.used]).toEqual(['lent', 1])
  })

  test('what is reserved is not given up, and is there at once', async () => {
    const { pools } = house(3, { min: 2 }, {})
    const [a, b] = pools as [FakePool, FakePool]
    const leases = [await a.lend(), await a.lend(), await a.lend()]
    for (const lease of leases) lease.release()
    const asked = wishes(b, 3)
    await settle()
    expect(asked.map(({ state }) => state)).toEqual(['lent', 'waiting', 'waiting'])
    expect(a.pool.stats()).toMatchObject({ idle: 2, closed: { yielded: 1 } })
  })

  test('of what is free nobody takes what another has reserved', async () => {
    const { pools } = house(3, { min: 2 }, {})
    const [a, b] = pools as [FakePool, FakePool]
    const asked = wishes(b, 3)
    await settle()
    expect(asked.filter(({ state }) => state === 'lent')).toHaveLength(1)
    await a.lend()
    await a.lend()
  })

  test('where all are busy, the larger one gives up what comes back until those who have waiters are equal', async () => {
    const { clock, pools } = house(6, {}, {})
    const [a, b] = pools as [FakePool, FakePool]
    const first = Array.from({ length: 12 }, () => loop(a, clock, 5))
    await clock.advance(50)
    expect(a.pool.stats().total).toBe(6)
    const second = Array.from({ length: 12 }, () => loop(b, clock, 5))
    await clock.advance(100)
    expect([a.pool.stats().leased, b.pool.stats().leased]).toEqual([3, 3])
    await clock.advance(500)
    // Once equal they stay as they are.
    expect([a.pool.stats().closed, b.pool.stats().closed]).toEqual([{ yielded: 3 }, {}])
    expect(Math.min(...[...first, ...second].map(({ turns }) => turns))).toBeGreaterThan(10)
  })

  test('a pool whose shared connections are never idle is asked for one of them', async () => {
    const { clock, pools } = house(1, {}, {})
    const [a, b] = pools as [FakePool, FakePool]
    const lane = await a.lend({ use: 'shared' })
    const waits = b.ask()
    await clock.advance(99)
    expect(a.pool.sharing.wholeWanted).toBe(0)
    await clock.advance(1)
    expect(a.pool.sharing.wholeWanted).toBe(1)
    a.ask({ use: 'shared' })
    lane.release()
    await settle()
    expect([waits.state, a.pool.stats().closed]).toEqual(['lent', { yielded: 1 }])
  })

  test('with fewer connections than pools all have turns, and none is so short that opens outweigh work', async () => {
    const { clock, pools } = house(1, {}, {}, {})
    const seen = pools.map((pool) => loop(pool, clock, 5))
    await clock.advance(6_000)
    for (const { longest, turns } of seen) {
      expect(turns).toBeGreaterThan(200)
      expect(longest).toBeLessThan(500)
    }
    const opened = pools.reduce((sum, { pool }) => sum + pool.stats().opened, 0)
    expect(opened).toBeLessThan(70)
  })

  test('one that is idle between two statements is left to a pool that has no more than the other', async () => {
    const { clock, pools } = house(4, {}, {})
    const [a, b] = pools as [FakePool, FakePool]
    const alone = loop(a, clock, 5)
    await settle()
    for (let n = 0; n < 20; n++) loop(b, clock, 5)
    await clock.advance(1_000)
    expect([a.pool.stats().closed, a.pool.stats().opened, b.pool.stats().leased]).toEqual([{}, 1, 3])
    expect(alone).toMatchObject({ longest: 0 })
  })

  test('one that was idle for 100 ms goes to whoever needs it, however many that pool has', async () => {
    const { clock, pools } = house(3, {}, {})
    const [a, b] = pools as [FakePool, FakePool]
    ;(await a.lend()).release()
    await b.lend()
    await b.lend()
    const asked = b.ask()
    await clock.advance(99)
    expect(asked.state).toBe('waiting')
    await clock.advance(1)
    expect([asked.state, a.pool.stats().closed]).toEqual(['lent', { yielded: 1 }])
  })

  test('a burst of one does not keep the callers of the others from their first connection', async () => {
    const { clock, pools } = house(4, {}, {}, {})
    const [a, b, c] = pools as [FakePool, FakePool, FakePool]
    for (let n = 0; n < 100; n++) loop(a, clock, 5)
    await clock.advance(20)
    const asked = [b.ask(), c.ask()]
    await clock.advance(20)
    expect(asked.map(({ state }) => state)).toEqual(['lent', 'lent'])
  })

  test('a pool whose server lets nobody in keeps nobody else from connections', async () => {
    const { clock, pools } = house(2, {}, {})
    const [a, b] = pools as [FakePool, FakePool]
    b.driver.plan.open = 'error'
    ;(await a.lend()).release()
    for (let n = 0; n < 20; n++) b.ask()
    const seen = Array.from({ length: 4 }, () => loop(a, clock, 5))
    await clock.advance(2_000)
    expect(Math.min(...seen.map(({ turns }) => turns))).toBeGreaterThan(100)
    expect(b.pool.stats().openFailures).toBeGreaterThan(2)
  })

  test('a caller who waits for others’ connections in vain is told who has them', async () => {
    const { clock, pools } = house(2, {}, { acquireTimeoutMillis: 50 })
    const [a, b] = pools as [FakePool, FakePool]
    await a.lend()
    await a.lend()
    const waits = b.ask()
    await clock.advance(50)
    expect(waits.error?.message).toBe(
      'timeout exceeded when trying to connect: waited 50 ms for a connection (0 of 2 slots leased, 0 waiting; the budget of 2 that it shares is used up, 2 by other pools or kept for them); give connections back sooner, raise the max of the budget if the server has room, or shorten what they run',
    )
  })

  test('a queue of none lets in whoever gets an idle connection of another pool', async () => {
    const { clock, pools } = house(1, {}, { queueLimit: 0 })
    const [a, b] = pools as [FakePool, FakePool]
    ;(await a.lend()).release()
    const [first, second] = wishes(b, 2)
    await clock.advance(100)
    expect([first?.state, second?.error?.code]).toEqual(['lent', 'SLUICE_QUEUE_FULL'])
  })

  test('a paused pool gives up what is idle', async () => {
    const { clock, pools } = house(1, {}, {})
    const [a, b] = pools as [FakePool, FakePool]
    ;(await a.lend()).release()
    a.pool.pause()
    const asked = a.ask()
    await clock.advance(100)
    await b.lend()
    expect([asked.state, a.pool.stats().closed]).toEqual(['waiting', { yielded: 1 }])
  })

  test('a min that grows is filled from what others have above theirs', async () => {
    const { pools } = house(4, {}, {})
    const [a, b] = pools as [FakePool, FakePool]
    const leases = [await a.lend(), await a.lend(), await a.lend(), await a.lend()]
    wishes(a, 8)
    b.pool.resize({ min: 2 })
    for (const lease of leases) lease.release()
    await settle()
    expect([b.pool.stats().idle, a.pool.stats().leased]).toEqual([2, 2])
  })
})
