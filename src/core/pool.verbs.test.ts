// resize, clear, pause, drain and end: each one finishes, and none breaks lent work.
import { expect, test } from 'vitest'
import { fakePool } from '../../test/support/fake-driver.ts'
import { settle } from '../../test/support/manual-clock.ts'

/** A pool with so many connections lent. */
async function busy(house: ReturnType<typeof fakePool>, count: number) {
  return Promise.all(Array.from({ length: count }, () => house.lend()))
}

test('a larger max serves those who wait at once', async () => {
  const house = fakePool({ max: 1 })
  await busy(house, 1)
  const asked = [house.ask(), house.ask()]
  house.pool.resize({ max: 3 })
  await settle()
  expect(asked.map(({ state }) => state)).toEqual(['lent', 'lent'])
})

test('a larger min is opened at once', async () => {
  const { pool } = fakePool({ max: 5 })
  pool.resize({ min: 3 })
  await settle()
  expect(pool.stats()).toMatchObject({ idle: 3, min: 3 })
})

test('a smaller max closes what is idle now and what is lent when it comes back', async () => {
  const house = fakePool({ max: 4 })
  const leases = await busy(house, 4)
  leases[0]?.release()
  house.pool.resize({ max: 2 })
  await settle()
  expect(house.pool.stats()).toMatchObject({ leased: 3, total: 3, max: 2, closed: { 'above-max': 1 } })
  for (const lease of leases.slice(1)) lease.release()
  await settle()
  expect(house.pool.stats()).toMatchObject({ idle: 2, total: 2, closed: { 'above-max': 2 } })
})

test('a smaller max takes effect although callers queue without end', async () => {
  const house = fakePool({ max: 3 })
  const leases = await busy(house, 3)
  const asked = Array.from({ length: 5 }, () => house.ask())
  house.pool.resize({ max: 1 })
  for (const lease of leases) lease.release()
  await settle()
  expect(house.pool.stats()).toMatchObject({ leased: 1, total: 1, waiting: 4 })
  for (const { lease } of asked) lease?.release()
  await settle()
  expect(asked.map(({ state }) => state)).toEqual(['lent', 'lent', 'lent', 'lent', 'lent'])
})

test('a size that does not fit is refused and changes nothing', () => {
  const { pool } = fakePool({ max: 5, min: 2 })
  expect(() => pool.resize({ max: 1 })).toThrow('min must not exceed max; min is 2 and max is 1')
  expect(() => pool.resize({ max: 0 })).toThrow('max must be a whole number from 1 to 10,000; it is 0')
  expect(pool.stats()).toMatchObject({ max: 5, min: 2 })
})

test('clear replaces every connection: idle ones now, lent ones when they come back', async () => {
  const house = fakePool({ max: 2, min: 1 })
  const [first, second] = await busy(house, 2)
  first?.release()
  house.pool.clear()
  await settle()
  expect(house.pool.stats()).toMatchObject({ closed: { cleared: 1 }, leased: 1 })
  second?.release()
  await settle()
  expect(house.pool.stats()).toMatchObject({ closed: { cleared: 2 }, idle: 1 })
  expect((await house.lend()).connection.uses).toBe(1)
})

test('clear also replaces what is being checked or cancelled, once that is over', async () => {
  const house = fakePool({ max: 2 })
  const [first, second] = await busy(house, 2)
  const settling = house.driver.gate('settle')
  const cancelling = house.driver.gate('cancel')
  first?.release()
  second?.cancel()
  house.pool.clear()
  await settling.pass()
  await cancelling.pass()
  expect(house.pool.stats()).toMatchObject({ total: 0, closed: { cleared: 2 } })
})

test('clear calls opens off, and those who wait for them are served by new ones', async () => {
  const house = fakePool({ max: 1 })
  house.driver.next('open', 'never')
  const asked = house.ask()
  house.pool.clear()
  await settle()
  expect([asked.lease?.resource.id, house.pool.stats().openFailures]).toEqual([2, 0])
})

test('a paused pool lends nothing, lets callers wait, and takes connections back', async () => {
  const house = fakePool({ max: 2 })
  const [first] = await busy(house, 2)
  house.pool.pause()
  const asked = house.ask()
  first?.release()
  await settle()
  expect([asked.state, house.pool.numbers().idle, house.pool.stats().state]).toEqual(['waiting', 1, 'paused'])
  house.pool.resume()
  expect([asked.state, house.pool.stats().state]).toEqual(['lent', 'running'])
})

test('deadlines and aborts hold while the pool is paused', async () => {
  const house = fakePool({ max: 1 })
  house.pool.pause()
  const abort = new AbortController()
  const asked = [house.ask({ timeoutMillis: 50 }), house.ask({ signal: abort.signal })]
  abort.abort()
  await house.clock.advance(50)
  expect(asked.map(({ error }) => error?.code)).toEqual(['SLUICE_ACQUIRE_TIMEOUT', 'SLUICE_ABORTED'])
  expect(house.driver.calls).toEqual([])
})

test('drain takes nobody new, serves those who wait, and says true when all is at rest', async () => {
  const house = fakePool({ max: 1 })
  const [lease] = await busy(house, 1)
  const asked = house.ask()
  const drained = house.pool.drain()
  expect(house.ask().error).toMatchObject({
    code: 'SLUICE_POOL_ENDED',
    message: 'Cannot use a pool while it drains',
  })
  lease?.release()
  expect(asked.state).toBe('lent')
  asked.lease?.release()
  expect(await drained).toBe(true)
  expect([house.pool.numbers().idle, house.clock.armed('held')]).toEqual([1, 1])
})

test('drain says false when its time is up, and breaks nothing', async () => {
  const house = fakePool({ max: 1 })
  const [lease] = await busy(house, 1)
  const drained = house.pool.drain(100)
  await house.clock.advance(100)
  expect([await drained, lease?.released]).toEqual([false, false])
})

test('drain of a paused pool serves those who wait', async () => {
  const house = fakePool({ max: 1 })
  house.pool.pause()
  const asked = house.ask()
  const drained = house.pool.drain()
  await settle()
  asked.lease?.release()
  expect(await drained).toBe(true)
})

test('resume opens a drained pool again', async () => {
  const house = fakePool({ max: 1 })
  await house.pool.drain()
  house.pool.resume()
  expect((await house.lend()).resource.id).toBe(1)
})

test('end serves callers with a connection on its way, turns the others away, and waits for what is lent', async () => {
  const house = fakePool({ max: 2 })
  const [lease] = await busy(house, 1)
  house.driver.plan.open = 'slow'
  const [onItsWay, others] = [house.ask(), [house.ask(), house.ask()]]
  let over = false
  void house.pool.end().then(() => {
    over = true
  })
  expect(others.map(({ error }) => error?.code)).toEqual(['SLUICE_POOL_ENDED', 'SLUICE_POOL_ENDED'])
  await house.clock.advance(30)
  expect([onItsWay.state, over]).toEqual(['lent', false])
  onItsWay.lease?.release()
  await settle()
  expect([over, lease?.resource.state]).toEqual([false, 'open'])
  lease?.release()
  await settle()
  expect([over, house.driver.sessions.size, house.pool.stats().closed]).toEqual([true, 0, { ended: 2 }])
})

test('end calls off opens that nobody waits for', async () => {
  const house = fakePool({ max: 2, min: 2 })
  house.driver.plan.open = 'never'
  await house.clock.advance(1)
  await house.pool.end()
  expect([house.driver.sessions.size, house.clock.armed()]).toEqual([0, 0])
})

test('end of a paused pool serves those for whom a connection is idle', async () => {
  const house = fakePool({ max: 1 })
  const [lease] = await busy(house, 1)
  house.pool.pause()
  const asked = house.ask()
  lease?.release()
  const ended = house.pool.end()
  await settle()
  expect(asked.state).toBe('lent')
  asked.lease?.release()
  await ended
})

test('an open that fails while the pool ends is told to those who wait', async () => {
  const house = fakePool({ max: 1 })
  const gate = house.driver.gate('open')
  const asked = house.ask()
  const ended = house.pool.end()
  await gate.fail(new Error('no route to host'))
  await ended
  expect(asked.error?.message).toBe('no route to host')
})

test('after endTimeoutMillis end closes what is still lent', async () => {
  const house = fakePool({ max: 1, endTimeoutMillis: 500 })
  const [lease] = await busy(house, 1)
  const ended = house.pool.end()
  await house.clock.advance(499)
  expect(lease?.released).toBe(false)
  await house.clock.advance(1)
  await ended
  expect([lease?.released, house.driver.sessions.size, house.clock.armed()]).toEqual([true, 0, 0])
})

test('an ended pool refuses in pg’s words, and the verbs do nothing', async () => {
  const house = fakePool({ max: 2, min: 1 })
  await house.pool.end()
  house.pool.resize({ max: 3 })
  house.pool.clear()
  house.pool.pause()
  house.pool.resume()
  expect(await house.pool.drain()).toBe(true)
  expect(house.ask().error).toMatchObject({
    code: 'SLUICE_POOL_ENDED',
    message: 'Cannot use a pool after calling end on the pool',
  })
  await house.clock.advance(10_000)
  expect([house.driver.calls, house.pool.stats().state, house.clock.armed()]).toEqual([[], 'ended', 0])
})

test('a verb called from a hook or from an answer does not trip the pump', async () => {
  const house = fakePool({ max: 2 })
  house.pool.attach({
    acquired: () => house.pool.resize({ max: 3 }),
    released: () => house.pool.clear(),
    closed: () => void house.pool.drain(),
  })
  const lease = await house.lend()
  let ended: Promise<void> | undefined
  house.pool.request({}, (_error, second) => {
    second?.release()
    ended = house.pool.end()
  })
  await settle()
  lease.release()
  await ended
  expect([house.pool.stats().state, house.driver.violations]).toEqual(['ended', []])
})

test('end may be given less time later, never more', async () => {
  const house = fakePool({ max: 1, endTimeoutMillis: 500 })
  const [lease] = await busy(house, 1)
  const ended = house.pool.end({ timeoutMillis: 300 })
  expect([house.pool.end(), house.pool.end({ timeoutMillis: 100 })]).toEqual([ended, ended])
  await house.clock.advance(99)
  expect(lease?.released).toBe(false)
  await house.clock.advance(1)
  await ended
  expect([lease?.released, house.clock.armed()]).toEqual([true, 0])
  expect(() => house.pool.end({ timeoutMillis: -1 })).toThrow('timeoutMillis must be a number from 0')
})

test('when its time is up end also closes what is coming to rest and what is being cancelled', async () => {
  const house = fakePool({ max: 2 })
  const [resting, cancelling] = await busy(house, 2)
  house.driver.next('settle', 'never')
  house.driver.next('cancel', 'never')
  resting?.release()
  cancelling?.cancel()
  expect(house.pool.numbers()).toMatchObject({ checking: 1, cancelling: 1 })
  const ended = house.pool.end({ timeoutMillis: 50 })
  await house.clock.advance(50)
  await ended
  expect([house.driver.sessions.size, house.driver.violations]).toEqual([0, []])
})

test('drain does not wait for what is meant to be kept, end does', async () => {
  const house = fakePool({ max: 2 })
  const kept = await house.lend({ longLived: true })
  const [lease] = await busy(house, 1)
  const drained = house.pool.drain(100)
  lease?.release()
  expect([await drained, kept.released]).toEqual([true, false])
  let over = false
  void house.pool.end().then(() => {
    over = true
  })
  await settle()
  expect(over).toBe(false)
  kept.release()
  await settle()
  expect(over).toBe(true)
})
