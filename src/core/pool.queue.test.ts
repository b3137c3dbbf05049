// Waiting: let in, turned away, ended in time, and cheap in great numbers.
import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import type { Asked } from '../../test/support/fake-driver.ts'
import { fakePool } from '../../test/support/fake-driver.ts'
import { settle } from '../../test/support/manual-clock.ts'

test('a caller is served in its own turn where a connection is idle', async () => {
  const { ask, lend } = fakePool({ max: 1 })
  const lease = await lend()
  lease.release()
  expect(ask().state).toBe('lent')
})

test('nobody overtakes those who wait', async () => {
  const { ask, lend, pool } = fakePool({ max: 1 })
  const lease = await lend()
  const first = ask()
  let second: Asked | undefined
  pool.attach({
    released: () => {
      second = ask()
    },
  })
  lease.release()
  expect([first.state, second?.state]).toEqual(['lent', 'waiting'])
})

test('a wait ends at its deadline, with the numbers of that moment', async () => {
  const { ask, clock, lend, pool } = fakePool({ max: 1, acquireTimeoutMillis: 1_000 })
  await lend({ agent: 'hog' })
  const asked = ask()
  await clock.advance(999)
  expect(asked.state).toBe('waiting')
  await clock.advance(1)
  expect(asked.error).toMatchObject({ code: 'SLUICE_ACQUIRE_TIMEOUT', numbers: { leased: 1, waiting: 0 } })
  expect(asked.error?.message).toContain('the longest lease is out for 1,000 ms by agent "hog"')
  expect(pool.stats()).toMatchObject({ timeouts: 1, waiting: 0, leased: 1 })
})

test('a caller may wait for less than the pool allows, not for more', async () => {
  const { ask, clock, lend } = fakePool({ max: 1, acquireTimeoutMillis: 100 })
  await lend()
  const [shorter, longer] = [ask({ timeoutMillis: 10 }), ask({ timeoutMillis: 10_000 })]
  await clock.advance(10)
  expect([shorter.state, longer.state]).toEqual(['refused', 'waiting'])
  await clock.advance(90)
  expect(longer.state).toBe('refused')
})

test('an abort ends the wait at once, with the caller’s reason', async () => {
  const { ask, lend, pool } = fakePool({ max: 1 })
  await lend()
  const abort = new AbortController()
  const asked = ask({ signal: abort.signal })
  const reason = new Error('user left')
  abort.abort(reason)
  expect(asked.error).toMatchObject({ code: 'SLUICE_ABORTED', cause: reason, outcome: 'not-sent' })
  expect(pool.stats()).toMatchObject({ aborted: 1, waiting: 0 })
})

test('a signal that has aborted already never waits, not even beside an idle connection', async () => {
  const { ask, driver, lend } = fakePool({ max: 1 })
  expect(ask({ signal: AbortSignal.abort() }).error?.code).toBe('SLUICE_ABORTED')
  expect(driver.calls).toEqual([])
  const lease = await lend()
  lease.release()
  expect(ask({ signal: AbortSignal.abort() }).error?.code).toBe('SLUICE_ABORTED')
})

test('a thousand callers on one signal are aborted together, without a warning', async () => {
  const { ask, lend, pool } = fakePool({ max: 1 })
  const warnings: Error[] = []
  const note = (warning: Error) => warnings.push(warning)
  process.on('warning', note)
  await lend()
  const abort = new AbortController()
  const asked = Array.from({ length: 1_000 }, () => ask({ signal: abort.signal }))
  await settle()
  abort.abort()
  process.off('warning', note)
  expect(asked.every(({ answers, error }) => answers === 1 && error?.code === 'SLUICE_ABORTED')).toBe(true)
  expect([warnings, pool.numbers().waiting]).toEqual([[], 0])
})

test('a priority that does not exist is refused, whether a connection is idle or not', async () => {
  const { lend, pool } = fakePool({ max: 1 })
  await expect(pool.acquire({ priority: 4 })).rejects.toMatchObject({ code: 'SLUICE_BAD_OPTION' })
  const lease = await lend()
  lease.release()
  await expect(pool.acquire({ priority: 0 })).rejects.toThrow('priority must be a whole number from 1 to 3')
})

test('a full queue turns the newcomer away when nobody in it is less urgent', async () => {
  const { ask, lend, pool } = fakePool({ max: 1, queueLimit: 2 })
  await lend()
  const waiting = [ask(), ask()]
  expect(ask().error).toMatchObject({ code: 'SLUICE_QUEUE_FULL', retryAfterMillis: 1_000 })
  expect(waiting.map(({ state }) => state)).toEqual(['waiting', 'waiting'])
  expect(pool.stats()).toMatchObject({ rejected: 1, waiting: 2 })
})

test('a more urgent newcomer takes the place of the youngest of the least urgent', async () => {
  const { ask, lend, pool } = fakePool({ max: 1, queueLimit: 3 })
  await lend()
  const [old, young, medium] = [ask({ priority: 'low' }), ask({ priority: 'low' }), ask()]
  const urgent = ask({ priority: 'high' })
  expect([old.state, young.error?.code, medium.state]).toEqual(['waiting', 'SLUICE_SHED', 'waiting'])
  expect([urgent.state, pool.stats().rejected, pool.stats().waitingByPriority]).toEqual([
    'waiting',
    1,
    [1, 1, 1],
  ])
})

test('with rejectOnFull nobody loses a place', async () => {
  const { ask, lend } = fakePool({ max: 1, queueLimit: 1, rejectOnFull: true })
  await lend()
  const low = ask({ priority: 'low' })
  expect([ask({ priority: 'high' }).error?.code, low.state]).toEqual(['SLUICE_QUEUE_FULL', 'waiting'])
})

test('callers with a connection on its way do not count against the queue’s limit', async () => {
  const { ask, driver } = fakePool({ max: 3, queueLimit: 0 })
  driver.plan.open = 'slow'
  const asked = Array.from({ length: 4 }, () => ask())
  expect(asked.map(({ state }) => state)).toEqual(['waiting', 'waiting', 'waiting', 'refused'])
})

test('a full queue turns nobody away beside an idle connection that must be checked first', async () => {
  const { ask, clock, lend } = fakePool({ max: 1, queueLimit: 0, prePing: 1_000 })
  const lease = await lend()
  lease.release()
  await clock.advance(2_000)
  const asked = ask()
  await settle()
  expect(asked.state).toBe('lent')
})

test('a check that is slow keeps nobody from a new connection', async () => {
  const { ask, clock, driver, lend } = fakePool({ max: 2, prePing: 1_000 })
  const lease = await lend()
  lease.release()
  await clock.advance(2_000)
  driver.next('check', 'never')
  const asked = ask()
  await clock.advance(99)
  expect(asked.state).toBe('waiting')
  await clock.advance(1)
  expect(asked.lease?.resource.id).toBe(2)
})

test('a check that is slow keeps nobody from another idle connection', async () => {
  const { ask, clock, driver, lend } = fakePool({ max: 2, prePing: 1_000 })
  const leases = await Promise.all([lend(), lend()])
  for (const lease of leases) lease.release()
  await clock.advance(2_000)
  driver.next('check', 'never')
  const asked = ask()
  await clock.advance(99)
  expect([asked.state, driver.calls.at(-1)]).toEqual(['waiting', 'check 2'])
  await clock.advance(1)
  expect(asked.lease?.resource.id).toBe(1)
})

test('stats and connections are one picture that does not change any more', async () => {
  const { ask, clock, lend, pool } = fakePool({ max: 2 })
  const lease = await lend({ agent: 'planner' })
  await lend()
  await clock.advance(70)
  ask({ priority: 'high' })
  await clock.advance(30)
  const before = [pool.stats(), pool.connections()] as const
  expect(before[0]).toMatchObject({
    state: 'running',
    total: 2,
    leased: 2,
    waiting: 1,
    oldestWaitMillis: 30,
    waitShare: 0.001,
    ageMillis: 100,
    utilization: 100,
    acquired: 2,
    opened: 2,
    reuse: 0,
  })
  expect(before[1][0]).toMatchObject({
    state: 'leased',
    agent: 'planner',
    uses: 1,
    leasedForMillis: 100,
    sinceMillis: 100,
    createdAt: new Date(1_700_000_000_000),
  })
  lease.release()
  expect([before[0].waiting, before[0].leased, Object.isFrozen(before[0])]).toEqual([1, 2, true])
  expect(pool.stats()).toMatchObject({ waiting: 0, acquired: 3, reuse: 1 / 3, lease: { count: 1, max: 100 } })
  expect(pool.stats().wait).toMatchObject({ count: 3, max: 30 })
})

/** Bytes on the heap, after everything unreachable is gone. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  gc()
  return process.memoryUsage().heapUsed
}

test('100,000 waiters: at most 1 kB each; added, aborted, timed out and served without a search', async () => {
  const { clock, lend, pool } = fakePool({ max: 1 })
  let lease = await lend()
  const aborts = Array.from({ length: 100 }, () => new AbortController())
  const ended = { lent: 0, SLUICE_ABORTED: 0, SLUICE_ACQUIRE_TIMEOUT: 0 }
  const before = heapUsed()
  for (let n = 0; n < 100_000; n++) {
    const signal = n % 2 === 0 ? aborts[n % 100]?.signal : undefined
    const options = { agent: `agent ${n % 50}`, timeoutMillis: n % 4 === 1 ? 1_000 : 20_000, signal }
    pool.request(options, (error, next) => {
      if (next === undefined) ended[(error as { code: 'SLUICE_ABORTED' }).code] += 1
      else {
        ended.lent += 1
        lease = next
      }
    })
  }
  const perWaiter = (heapUsed() - before) / 100_000
  expect(pool.numbers().waiting).toBe(100_000)
  for (const abort of aborts) abort.abort()
  await clock.advance(1_000)
  while (pool.numbers().waiting > 0) lease.release()
  lease.release()
  expect(ended).toEqual({ lent: 25_000, SLUICE_ABORTED: 50_000, SLUICE_ACQUIRE_TIMEOUT: 25_000 })
  expect(perWaiter).toBeLessThan(1_000)
})
