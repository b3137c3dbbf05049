// What the pool does with connections that nobody has: kept, checked, replaced, let go.
import { expect, test } from 'vitest'
import { fakePool } from '../../test/support/fake-driver.ts'
import { settle } from '../../test/support/manual-clock.ts'

/** So many connections, open and idle. */
async function rested(house: ReturnType<typeof fakePool>, count: number): Promise<void> {
  const asked = Array.from({ length: count }, () => house.ask())
  await settle()
  for (const { lease } of asked) lease?.release()
  await settle()
}

test('min connections are opened ahead, but not in the turn of the constructor', async () => {
  const { clock, driver, pool } = fakePool({ min: 3 })
  expect(driver.calls).toEqual([])
  await clock.advance(1)
  expect(pool.numbers().idle).toBe(3)
})

test('min is kept: what the server ends is opened again', async () => {
  const { clock, driver, pool } = fakePool({ min: 2 })
  await clock.advance(1)
  const [victim] = [...driver.sessions]
  if (victim === undefined) throw new Error('two are open')
  driver.kill(victim)
  expect(pool.lost(victim)).toBe(true)
  await settle()
  expect(pool.stats()).toMatchObject({ idle: 2, opened: 3, closed: { lost: 1 } })
})

test('min is tried again after a failure, without anybody asking', async () => {
  const { clock, driver, pool } = fakePool({ min: 1 })
  driver.next('open', 'error', 'error')
  await clock.advance(500)
  expect(pool.stats()).toMatchObject({ idle: 1, openFailures: 2 })
})

test('idle connections are closed at their time, down to min', async () => {
  const house = fakePool({ min: 1, idleTimeoutMillis: 100 })
  await rested(house, 3)
  await house.clock.advance(99)
  expect(house.pool.numbers().idle).toBe(3)
  await house.clock.advance(1)
  expect(house.pool.stats()).toMatchObject({ idle: 1, closed: { idle: 2 } })
  await house.clock.advance(10_000)
  expect(house.pool.numbers().idle).toBe(1)
})

test('the soft idle timeout lets go while more than min are idle', async () => {
  const house = fakePool({ min: 1, idleTimeoutMillis: 1_000, softIdleTimeoutMillis: 100 })
  await rested(house, 4)
  const lease = await house.lend()
  await house.clock.advance(100)
  expect(house.pool.numbers()).toMatchObject({ idle: 1, leased: 1 })
  lease.release()
})

test('the connection used last is used next, so that the others grow old', async () => {
  const house = fakePool({ idleTimeoutMillis: 100 })
  await rested(house, 2)
  for (let n = 0; n < 5; n++) {
    const lease = await house.lend()
    expect(lease.resource.id).toBe(2)
    lease.release()
    await house.clock.advance(30)
  }
  expect(house.pool.stats()).toMatchObject({ idle: 1, closed: { idle: 1 } })
})

test('a round of upkeep comes no more often than evictionRunIntervalMillis', async () => {
  const house = fakePool({ idleTimeoutMillis: 100, evictionRunIntervalMillis: 1_000 })
  await rested(house, 1)
  await house.clock.advance(100)
  await rested(house, 1)
  await house.clock.advance(999)
  expect(house.pool.numbers().idle).toBe(1)
  await house.clock.advance(1)
  expect(house.pool.numbers().idle).toBe(0)
})

test('an alarm that rings for a retry between two rounds does not cost the next round', async () => {
  const house = fakePool({ max: 2, min: 1, idleTimeoutMillis: 100, evictionRunIntervalMillis: 400 })
  const { clock, driver, pool } = house
  await rested(house, 2)
  await clock.advance(50)
  pool.resize({ min: 0 })
  driver.plan.open = 'error'
  const leases = [await house.lend(), await house.lend()]
  const asked = house.ask({ timeoutMillis: 5 })
  leases[0]?.release(true)
  await clock.advance(10)
  leases[1]?.release()
  expect(asked.state).toBe('refused')
  await clock.advance(2_000)
  expect(pool.numbers().idle).toBe(0)
})

test('lifetimes differ by up to a tenth, so that connections opened together do not go together', async () => {
  const randoms = [0, 0.999]
  const house = fakePool(
    { max: 2, idleTimeoutMillis: 0, maxLifetimeMillis: 1_000 },
    () => randoms.shift() ?? 0.5,
  )
  await rested(house, 2)
  await house.clock.advance(905)
  expect(house.pool.stats()).toMatchObject({ idle: 1, closed: { lifetime: 1 } })
  await house.clock.advance(94)
  expect(house.pool.numbers().idle).toBe(1)
  await house.clock.advance(1)
  expect(house.pool.stats()).toMatchObject({ idle: 0, closed: { lifetime: 2 } })
})

test('a lent connection lives past its lifetime, counts as expired, and closes when it comes back', async () => {
  const house = fakePool({ max: 1, maxLifetimeMillis: 1_000 })
  const lease = await house.lend()
  await house.clock.advance(2_000)
  expect([lease.resource.state, house.pool.expired]).toEqual(['open', 1])
  lease.release()
  expect(house.pool.stats().closed).toEqual({ lifetime: 1 })
})

test('past its lifetime an idle connection is not lent, even where upkeep is late', async () => {
  const house = fakePool({ max: 1, maxLifetimeMillis: 1_000 })
  await rested(house, 1)
  house.clock.jump(2_000)
  expect((await house.lend()).resource.id).toBe(2)
})

test('a connection is closed after maxUses leases', async () => {
  const house = fakePool({ max: 1, maxUses: 3 })
  const ids: number[] = []
  for (let n = 0; n < 7; n++) {
    const lease = await house.lend()
    ids.push(lease.resource.id)
    lease.release()
    await settle()
  }
  expect(ids).toEqual([1, 1, 1, 2, 2, 2, 3])
  expect(house.pool.stats()).toMatchObject({ closed: { 'max-uses': 2 }, reuse: 4 / 7 })
})

test('a connection idle for long is checked before it is lent', async () => {
  const house = fakePool({ max: 1, prePing: 1_000 })
  await rested(house, 1)
  await house.clock.advance(999)
  const fresh = await house.lend()
  expect(house.driver.calls).toEqual(['open 1'])
  fresh.release()
  await house.clock.advance(1_000)
  const gate = house.driver.gate('check')
  const asked = house.ask()
  expect([asked.state, house.pool.numbers().checking]).toEqual(['waiting', 1])
  await gate.pass()
  expect([asked.lease?.resource.id, house.driver.calls]).toEqual([1, ['open 1', 'check 1']])
})

test('a connection that fails its check is replaced, and the caller does not notice', async () => {
  const house = fakePool({ max: 1, prePing: 1_000 })
  await rested(house, 1)
  await house.clock.advance(5_000)
  house.driver.next('check', 'error')
  expect((await house.lend()).resource.id).toBe(2)
  expect(house.pool.stats().closed).toEqual({ 'check-failed': 1 })
})

test('prePing: true checks every idle connection once before each use, and a new one never', async () => {
  const house = fakePool({ max: 1, prePing: true })
  const first = await house.lend()
  first.release()
  await house.clock.advance(1)
  const second = await house.lend()
  expect([second.resource.id, house.driver.calls]).toEqual([1, ['open 1', 'check 1']])
})

test('prePing: false checks nothing', async () => {
  const house = fakePool({ max: 1, prePing: false, idleTimeoutMillis: 0 })
  await rested(house, 1)
  await house.clock.advance(10_000_000)
  expect([(await house.lend()).resource.id, house.driver.calls]).toEqual([1, ['open 1']])
})

test('a waiter whose open hangs is given an idle connection that answers its check', async () => {
  const house = fakePool({ max: 2, prePing: 1_000 })
  await rested(house, 1)
  const lease = await house.lend()
  house.driver.next('open', 'never')
  const abort = new AbortController()
  house.ask({ signal: abort.signal })
  abort.abort()
  lease.release()
  await house.clock.advance(2_000)
  expect(house.pool.numbers()).toMatchObject({ idle: 1, opening: 1 })
  expect((await house.lend()).resource.id).toBe(1)
})

test('overflow slots open while callers wait, and close after use', async () => {
  const house = fakePool({ max: 1, maxOverflow: 2 })
  const asked = Array.from({ length: 5 }, () => house.ask())
  await settle()
  expect(house.pool.stats()).toMatchObject({ leased: 3, waiting: 2, total: 3, max: 1, maxOverflow: 2 })
  asked[0]?.lease?.release()
  asked[1]?.lease?.release()
  expect(asked.every(({ state }) => state === 'lent')).toBe(true)
  for (const { lease } of asked) if (lease?.released === false) lease.release()
  await settle()
  expect(house.pool.stats()).toMatchObject({ idle: 1, total: 1, closed: { 'above-max': 2 } })
  expect([house.driver.peak, house.driver.violations]).toEqual([3, []])
})

test('an idle connection that is lost closes; another is left to whoever has it', async () => {
  const house = fakePool({ max: 1 })
  const lease = await house.lend()
  const { resource } = lease
  expect(house.pool.lost(resource)).toBe(false)
  lease.release()
  expect([house.pool.lost(resource), house.pool.lost(resource)]).toEqual([true, false])
  await settle()
  expect([house.pool.lost(resource), house.pool.stats().total]).toEqual([false, 0])
})
