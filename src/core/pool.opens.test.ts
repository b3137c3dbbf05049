// When connections are opened, and what becomes of opens that fail, hang or come too late.
import { expect, test } from 'vitest'
import { fakePool, permanentError } from '../../test/support/fake-driver.ts'
import { settle } from '../../test/support/manual-clock.ts'

test('the driver begins in the turn of the acquire', () => {
  const { ask, driver } = fakePool()
  ask()
  expect(driver.calls).toEqual(['open 1'])
})

test('no more than four opens are under way at once, and each one that ends makes room for the next', async () => {
  const { ask, clock, driver, pool } = fakePool({ max: 20 })
  driver.plan.open = 'slow'
  const asked = Array.from({ length: 10 }, () => ask())
  expect([pool.numbers().opening, pool.unserved, pool.planned]).toEqual([4, 6, 6])
  await clock.advance(30)
  expect([pool.numbers().opening, asked.filter(({ state }) => state === 'lent').length]).toEqual([4, 4])
  await clock.advance(60)
  expect(asked.every(({ state }) => state === 'lent')).toBe(true)
})

test('a caller who comes while an unclaimed open is under way starts none of its own', async () => {
  const { ask, driver } = fakePool({ max: 5 })
  const gate = driver.gate('open')
  const abort = new AbortController()
  ask({ signal: abort.signal })
  abort.abort()
  const second = ask()
  await gate.pass()
  expect([second.lease?.resource.id, driver.calls]).toEqual([1, ['open 1']])
})

test('a passing error is tried again, with growing pauses, within the deadline of the waiter', async () => {
  const { ask, clock, driver, pool } = fakePool({ max: 1 }, () => 1)
  driver.next('open', 'error', 'error', 'error')
  const asked = ask()
  const at: number[] = []
  pool.attach({ openFailed: () => at.push(clock.now()) })
  await clock.advance(2_000)
  expect([at, asked.state]).toEqual([[0, 50, 150], 'lent'])
})

test('after a first success a permanent error is ridden out too', async () => {
  const { ask, clock, driver, lend } = fakePool({ max: 1 })
  const lease = await lend()
  lease.release(true)
  driver.next('open', permanentError('the database system is starting up'))
  const asked = ask()
  await settle()
  expect(asked.state).toBe('waiting')
  await clock.advance(100)
  expect(asked.state).toBe('lent')
})

test('who comes after a permanent failure gets an answer of its own at once', async () => {
  const { ask, driver } = fakePool({ max: 1 })
  const wrong = permanentError('no such database')
  driver.next('open', wrong, 'ok')
  const first = ask()
  await settle()
  const second = ask()
  await settle()
  expect([first.error, second.state]).toEqual([wrong, 'lent'])
})

test('a caller who asks again inside the refusal is not refused with the old error', async () => {
  const { driver, pool } = fakePool({ max: 2 })
  driver.next('open', permanentError('no such role'), 'ok')
  const told: string[] = []
  let tries = 0
  const tryAgain = (): void =>
    pool.request({}, (error) => {
      told.push(error instanceof Error ? error.message : 'lent')
      if (error !== undefined && tries++ < 50) tryAgain()
    })
  tryAgain()
  await settle()
  expect(told).toEqual(['no such role', 'lent'])
})

test('when nothing could be opened in time, the error says why', async () => {
  const { ask, clock, driver } = fakePool({ max: 1 })
  driver.plan.open = new Error('too many clients already')
  const asked = ask({ timeoutMillis: 1_000 })
  await clock.advance(1_000)
  expect(asked.error).toMatchObject({ code: 'SLUICE_OPEN_FAILED', phase: 'open', cause: driver.plan.open })
  expect(asked.error?.message).toMatch(
    /^timeout exceeded when trying to connect: no connection could be opened in 1,000 ms \(.*too many clients already\)$/,
  )
})

test('when the open takes longer than the caller waits, the error says so in pg’s words', async () => {
  const { ask, clock, driver } = fakePool({ max: 1 })
  driver.plan.open = 'never'
  const asked = ask({ timeoutMillis: 100 })
  await clock.advance(100)
  expect(asked.error).toMatchObject({ code: 'SLUICE_OPEN_TIMEOUT', phase: 'open' })
  expect(asked.error?.message).toMatch(/^Connection terminated due to connection timeout/)
})

test('an open past its deadline holds its slot until the driver has let go', async () => {
  const { ask, clock, driver, pool } = fakePool({
    max: 1,
    connectionTimeoutMillis: 50,
    closeTimeoutMillis: 500,
  })
  driver.honoursAbort = false
  const gate = driver.gate('open')
  const asked = ask()
  await clock.advance(200)
  expect(pool.stats()).toMatchObject({ closing: 1, total: 1, openFailures: 1, closed: { late: 1 } })
  await gate.pass()
  expect([asked.state, driver.calls, driver.peak]).toEqual(['lent', ['open 1', 'close 1', 'open 2'], 1])
})

test('an open that never lets go is lost after closeTimeoutMillis, and closed should it still come', async () => {
  const { ask, clock, driver, pool } = fakePool({
    max: 1,
    connectionTimeoutMillis: 50,
    closeTimeoutMillis: 100,
  })
  driver.honoursAbort = false
  const gate = driver.gate('open')
  const asked = ask()
  await clock.advance(300)
  expect([asked.lease?.resource.id, pool.stats().lost, driver.sessions.size]).toEqual([2, 1, 2])
  await gate.pass()
  expect([driver.calls, driver.sessions.size]).toEqual([['open 1', 'open 2', 'close 1'], 1])
})

test('an open that was called off may take longer than its time', async () => {
  const { ask, clock, driver, pool } = fakePool({
    max: 1,
    connectionTimeoutMillis: 50,
    closeTimeoutMillis: 500,
  })
  driver.honoursAbort = false
  const gate = driver.gate('open')
  const asked = ask()
  pool.clear()
  expect(pool.numbers()).toMatchObject({ opening: 0, closing: 1 })
  await clock.advance(200)
  await gate.pass()
  expect([asked.lease?.resource.id, pool.stats().openFailures, driver.violations]).toEqual([2, 0, []])
})

test('a driver that throws instead of rejecting has failed to open', async () => {
  const { ask, clock, driver, pool } = fakePool({ max: 1 })
  const { open } = driver
  driver.open = () => {
    driver.open = open
    throw new Error('thrown')
  }
  const asked = ask()
  await clock.advance(100)
  expect([asked.state, pool.stats().openFailures]).toEqual(['lent', 1])
})

test('a driver that calls the pool in the turn of its open does not make it open too many', async () => {
  const { ask, driver, pool } = fakePool({ max: 2 })
  const { open } = driver
  const inner: ReturnType<typeof ask>[] = []
  driver.bound = () => 2
  driver.open = (signal) => {
    if (inner.length < 5) inner.push(ask())
    return open.call(driver, signal)
  }
  const outer = ask()
  await settle()
  expect([outer, ...inner].filter(({ state }) => state === 'lent')).toHaveLength(2)
  expect([driver.peak, driver.violations, pool.stats().total]).toEqual([2, [], 2])
})

test('an open that hangs is not waited for longer than a second while there is room for another', async () => {
  const { ask, clock, driver } = fakePool({ max: 2, connectionTimeoutMillis: 10_000 })
  driver.next('open', 'never')
  const asked = ask()
  await clock.advance(900)
  expect([asked.state, driver.calls]).toEqual(['waiting', ['open 1']])
  await clock.advance(200)
  expect([asked.state, driver.calls.slice(0, 2)]).toEqual(['lent', ['open 1', 'open 2']])
})

test('four opens that hang do not keep the others from starting', async () => {
  const { ask, clock, driver } = fakePool({ max: 10, connectionTimeoutMillis: 10_000 })
  driver.next('open', 'never', 'never', 'never', 'never')
  const asked = Array.from({ length: 6 }, () => ask())
  await clock.advance(1_100)
  expect(asked.filter(({ state }) => state === 'lent')).toHaveLength(6)
})
