import { expect, test } from 'vitest'
import { crowdedError, fakePool } from '../../test/support/fake-driver.ts'
import { settle } from '../../test/support/manual-clock.ts'

/** A pool with so many idle connections. */
async function rested(idle: number, options: Parameters<typeof fakePool>[0] = {}) {
  const house = fakePool({ idleTimeoutMillis: 0, ...options })
  const leases = await Promise.all(Array.from({ length: idle }, () => house.lend()))
  for (const lease of leases) lease.release()
  house.driver.calls.splice(0)
  return house
}

// A burst ------------------------------------------------------------------------------------------------------------

test('a burst that is served before opens could serve it opens three, not what it asks for', async () => {
  const house = fakePool({ min: 5, max: 50 })
  house.driver.plan.open = 'slow'
  house.driver.slowMillis = 150
  await house.clock.advance(400)
  const asked = Array.from({ length: 50 }, () => house.ask())
  for (let n = 0; n < 10; n++) {
    await house.clock.advance(2)
    for (const { lease } of asked) if (lease?.released === false) lease.release()
  }
  await house.clock.advance(1_000)
  expect(asked.every(({ state }) => state === 'lent')).toBe(true)
  expect(house.pool.stats()).toMatchObject({ opened: 8, total: 8, waiting: 0 })
})

test('a pool that stays short for as long as an open takes opens more, whatever its leases took before', async () => {
  const house = fakePool({ max: 10 })
  house.driver.plan.open = 'slow'
  const first = house.ask()
  await house.clock.advance(30)
  first.lease?.release()
  const asked = Array.from({ length: 6 }, () => house.ask())
  expect(house.driver.calls).toEqual(['open 1', 'open 2', 'open 3', 'open 4'])
  await house.clock.advance(29)
  expect(house.driver.calls).toHaveLength(4)
  await house.clock.advance(1)
  expect(house.driver.calls).toHaveLength(6)
  await house.clock.advance(30)
  expect(asked.every(({ state }) => state === 'lent')).toBe(true)
})

test('where leases take longer than an open, more are opened at once', async () => {
  const house = fakePool({ max: 10 })
  house.driver.plan.open = 'slow'
  const first = house.ask()
  await house.clock.advance(30)
  await house.clock.advance(100)
  first.lease?.release()
  house.ask()
  house.ask()
  expect(house.driver.calls).toEqual(['open 1', 'open 2'])
})

// Losses -------------------------------------------------------------------------------------------------------------

test('after one loss each idle connection is asked before it is lent, once', async () => {
  const house = await rested(4)
  await house.clock.advance(10)
  const [victim] = [...house.driver.sessions]
  if (victim === undefined) throw new Error('four are open')
  house.driver.kill(victim)
  house.pool.lost(victim)
  const lease = await house.lend()
  expect(house.driver.calls.filter((call) => call.startsWith('check'))).toHaveLength(1)
  lease.release()
  await house.lend()
  expect(house.driver.calls.filter((call) => call.startsWith('check'))).toHaveLength(1)
  expect(house.pool.stats().generation).toBe(0)
})

test('many losses at once renew the pool once', async () => {
  const house = await rested(6)
  await house.clock.advance(10)
  for (const connection of [...house.driver.sessions].slice(0, 4)) {
    house.driver.kill(connection)
    house.pool.lost(connection)
  }
  await settle()
  expect(house.pool.stats()).toMatchObject({ generation: 1, total: 0, closed: { lost: 6 } })
  const lease = await house.lend()
  expect(lease.connection.generation).toBe(1)
})

test('a server that says that it goes takes every connection with it, lent ones when they come back', async () => {
  const house = await rested(2)
  const lease = await house.lend()
  house.pool.lost(lease.resource, true)
  expect(house.pool.lost(lease.resource, true)).toBe(false)
  await settle()
  expect(house.pool.stats()).toMatchObject({ generation: 1, idle: 0, leased: 1 })
  lease.release()
  await settle()
  expect(house.pool.stats()).toMatchObject({ total: 0, closed: { lost: 1, cleared: 1 } })
})

// Standstill -----------------------------------------------------------------------------------------------------------

test('after a standstill of the process every idle connection is asked before it is lent', async () => {
  const house = await rested(3)
  house.clock.jump(5_000)
  const asked = [house.ask(), house.ask(), house.ask()]
  await settle()
  expect(asked.map(({ state }) => state)).toEqual(['lent', 'lent', 'lent'])
  expect(house.driver.calls.toSorted()).toEqual(['check 1', 'check 2', 'check 3'])
})

test('what was lent or being opened in a standstill is asked before it is lent again, at once too', async () => {
  const house = await rested(1, { max: 1 })
  const lease = await house.lend()
  house.clock.jump(5_000)
  const next = house.ask()
  lease.release()
  expect([next.state, house.driver.calls]).toEqual(['waiting', ['check 1']])
  await settle()
  expect(next.state).toBe('lent')
  const opening = fakePool({ max: 1 })
  opening.driver.plan.open = 'slow'
  const first = opening.ask()
  opening.clock.jump(5_000)
  opening.ask()
  await opening.clock.advance(1)
  expect([first.state, opening.driver.calls]).toEqual(['lent', ['open 1', 'check 1']])
})

test('after a suspension that only the wall clock shows every idle connection is asked before it is lent', async () => {
  const house = await rested(2)
  await house.clock.advance(100)
  const epoch = house.clock.epoch.bind(house.clock)
  house.clock.epoch = () => epoch() + 3_600_000
  await house.lend()
  await house.lend()
  expect(house.driver.calls.toSorted()).toEqual(['check 1', 'check 2'])
})

test('what has been idle for longer than it should is asked before it is lent, where upkeep had no turn', async () => {
  const house = await rested(1, { idleTimeoutMillis: 300 })
  house.clock.jump(299)
  const lease = await house.lend()
  expect(house.driver.calls).toEqual([])
  lease.release()
  house.clock.jump(300)
  await house.lend()
  expect(house.driver.calls).toEqual(['check 1'])
})

test('and so is what the soft timeout should have closed, but not what is kept for min', async () => {
  const soft = await rested(2, { min: 1, softIdleTimeoutMillis: 300 })
  soft.clock.jump(300)
  await soft.lend()
  await soft.lend()
  expect(soft.driver.calls).toEqual(['check 2'])
  const kept = await rested(1, { min: 1, idleTimeoutMillis: 300 })
  kept.clock.jump(300)
  await kept.lend()
  expect(kept.driver.calls).toEqual([])
})

test('without a standstill they are lent as they are, and with `prePing: false` always', async () => {
  const house = await rested(1)
  await house.clock.advance(5_000)
  const lease = await house.lend()
  expect(house.driver.calls).toEqual([])
  lease.release()
  const trusting = await rested(1, { prePing: false })
  trusting.clock.jump(60_000)
  await trusting.lend()
  expect(trusting.driver.calls).toEqual([])
})

test('a pool without connections has no heart to beat', async () => {
  const house = fakePool()
  expect(house.clock.armed()).toBe(0)
  const beats: number[] = []
  house.pool.attach({ beat: (now) => beats.push(now) })
  const lease = await house.lend()
  await house.clock.advance(2_000)
  lease.release(true)
  await house.clock.advance(40_000)
  expect([beats, house.clock.armed()]).toEqual([[1_000, 2_000, 3_000], 0])
})

// The server --------------------------------------------------------------------------------------------------------------

test('a server without a place is asked less often, and nobody fails whose time is not over', async () => {
  const house = fakePool({ max: 10, acquireTimeoutMillis: 20_000 })
  house.driver.plan.open = crowdedError('sorry, too many clients already')
  const asked = Array.from({ length: 10 }, () => house.ask())
  await house.clock.advance(10_000)
  expect(asked.every(({ state }) => state === 'waiting')).toBe(true)
  expect(house.driver.calls.length).toBeLessThan(60)
  house.driver.plan.open = 'ok'
  await house.clock.advance(600)
  expect(asked.every(({ state }) => state === 'lent')).toBe(true)
})

test('once the server can be reached again, opens that hang are begun anew', async () => {
  const house = fakePool({ max: 2 })
  house.driver.plan.open = 'never'
  const asked = [house.ask(), house.ask(), house.ask()]
  await house.clock.advance(5_000)
  house.driver.plan.open = 'ok'
  await house.clock.advance(1_000)
  expect(asked.map(({ state }) => state)).toEqual(['waiting', 'waiting', 'waiting'])
  house.pool.reachable()
  await settle()
  expect(asked.map(({ state }) => state)).toEqual(['lent', 'lent', 'waiting'])
  expect(house.driver.peak).toBeLessThanOrEqual(2)
})
