// The invariants I1 to I12 of the engine, each as a sentence. test/model proves the same under random histories.
import { expect, test } from 'vitest'
import { fakePool, permanentError } from '../../test/support/fake-driver.ts'
import { settle } from '../../test/support/manual-clock.ts'
import { SluiceError } from '../base/errors.ts'

const RELEASED_TWICE = 'Release called on client which has already been released to the pool.'

test('I1: a closing connection counts until the server has let go, and nobody gets its place before', async () => {
  const { ask, driver, lend, pool } = fakePool({ max: 1 })
  const lease = await lend()
  const gate = driver.gate('close')
  const second = ask()
  lease.release(true)
  await settle()
  expect(pool.stats()).toMatchObject({ total: 1, closing: 1, waiting: 1, closed: { destroyed: 1 } })
  expect([second.state, driver.sessions.size]).toEqual(['waiting', 1])
  await gate.pass()
  expect([second.state, driver.peak, driver.violations]).toEqual(['lent', 1, []])
})

test('I1: a cancelled statement holds its slot until the server has given it up', async () => {
  const { ask, driver, lend, pool } = fakePool({ max: 1 })
  const lease = await lend()
  const gate = driver.gate('cancel')
  const second = ask()
  lease.cancel()
  await settle()
  expect([pool.numbers().cancelling, second.state]).toEqual([1, 'waiting'])
  await gate.pass()
  expect([second.state, second.lease?.resource.id]).toEqual(['lent', 1])
})

test('I1: a close that takes too long counts as lost, and is reported', async () => {
  const { ask, clock, driver, lend, pool } = fakePool({ max: 1, closeTimeoutMillis: 100 })
  driver.honoursAbort = false
  const told: string[] = []
  pool.attach({
    lost: (connection, reason) => told.push(`lost ${connection.id} ${reason}`),
    closed: (connection, reason) => told.push(`closed ${connection.id} ${reason}`),
  })
  const lease = await lend()
  driver.next('close', 'never')
  lease.release(new Error('broken'))
  const second = ask()
  await clock.advance(99)
  expect([second.state, pool.stats().lost]).toEqual(['waiting', 0])
  await clock.advance(1)
  expect([second.state, pool.stats().lost, driver.sessions.size]).toEqual(['lent', 1, 2])
  expect(told).toEqual(['lost 1 destroyed', 'closed 1 destroyed'])
})

test('I2: an answer that comes after its deadline finds another state and changes nothing', async () => {
  const { clock, driver, lend, pool } = fakePool({ max: 1, checkTimeoutMillis: 50, prePing: false })
  driver.honoursAbort = false
  const lease = await lend()
  const gate = driver.gate('settle')
  lease.release()
  await clock.advance(50)
  expect(pool.stats().closed).toEqual({ busy: 1 })
  const next = await lend()
  await gate.pass()
  expect([next.released, next.resource.id, pool.stats().total]).toEqual([false, 2, 1])
})

test.each(['open', 'check', 'cancel', 'settle', 'close'] as const)(
  'I2: %s has a deadline of its own',
  async (operation) => {
    const { ask, clock, driver, pool } = fakePool({ max: 1, prePing: 10, acquireTimeoutMillis: 60_000 })
    driver.honoursAbort = false
    if (operation === 'open') driver.next('open', 'never')
    const first = ask()
    await clock.advance(20_000)
    driver.plan[operation] = 'never'
    if (operation === 'cancel') first.lease?.cancel()
    else first.lease?.release(operation === 'close')
    await clock.advance(20)
    const second = ask()
    await clock.advance(20_000)
    driver.heal()
    await clock.advance(20_000)
    expect([first.state, second.state, pool.numbers().leased]).toEqual(['lent', 'lent', 1])
  },
)

test('I3: a caller who aborts as its connection opens gets one answer, and the connection goes to nobody', async () => {
  const { ask, driver, pool } = fakePool({ max: 1 })
  const gate = driver.gate('open')
  const abort = new AbortController()
  const asked = ask({ signal: abort.signal })
  const passed = gate.pass()
  abort.abort(new Error('too slow'))
  await passed
  expect([asked.state, asked.answers, asked.error?.code]).toEqual(['refused', 1, 'SLUICE_ABORTED'])
  expect(pool.numbers()).toMatchObject({ idle: 1, leased: 0, waiting: 0 })
})

test('I3: an abort after the answer changes nothing', async () => {
  const { lend, pool } = fakePool()
  const abort = new AbortController()
  const lease = await lend({ signal: abort.signal })
  abort.abort()
  expect([lease.released, pool.stats().aborted]).toEqual([false, 0])
})

test('I3: a deadline that falls due in the turn of the release leaves one answer', async () => {
  const { ask, clock, lend } = fakePool({ max: 1 })
  const lease = await lend()
  const asked = ask({ timeoutMillis: 10 })
  clock.jump(10)
  lease.release()
  await clock.advance(0)
  expect([asked.state, asked.answers]).toEqual(['lent', 1])
})

test('I4: a returned slot serves the waiter before its open ends, and the open serves the next', async () => {
  const { ask, driver, lend, pool } = fakePool({ max: 2 })
  const lease = await lend()
  const gate = driver.gate('open')
  const asked = ask()
  lease.release()
  expect([asked.state, asked.lease?.resource.id, pool.numbers().opening]).toEqual(['lent', 1, 1])
  await gate.pass()
  expect(pool.numbers()).toMatchObject({ idle: 1, leased: 1 })
})

test('I4: opens that nobody needs any more are not started', async () => {
  const { ask, driver, lend, pool } = fakePool({ max: 10 })
  const lease = await lend()
  driver.plan.open = 'slow'
  const asked = Array.from({ length: 6 }, () => ask())
  expect([pool.numbers().opening, pool.stats().waiting]).toEqual([4, 6])
  lease.release()
  asked[0]?.lease?.release()
  expect(asked.map(({ state }) => state)).toEqual([
    'lent',
    'lent',
    'waiting',
    'waiting',
    'waiting',
    'waiting',
  ])
  driver.plan.open = 'ok'
  await settle()
  expect(driver.calls.filter((call) => call.startsWith('open'))).toHaveLength(5)
})

test('I5: a caller’s abort does not abort the open', async () => {
  const { ask, clock, driver, pool } = fakePool({ max: 1 })
  driver.next('open', 'slow')
  const abort = new AbortController()
  const asked = ask({ signal: abort.signal })
  abort.abort()
  expect([asked.state, pool.numbers().opening]).toEqual(['refused', 1])
  await clock.advance(30)
  expect(pool.numbers()).toMatchObject({ idle: 1, opening: 0 })
})

test('I5: an open has one deadline for all of it, the init hook included', async () => {
  const { ask, clock, driver, pool } = fakePool({ max: 1, connectionTimeoutMillis: 50 })
  driver.next('open', 'slow')
  driver.next('init', 'slow')
  const failures: unknown[] = []
  pool.attach({ openFailed: (error) => failures.push(error) })
  const asked = ask()
  await clock.advance(49)
  expect(failures).toEqual([])
  await clock.advance(1)
  expect(failures).toMatchObject([{ code: 'SLUICE_OPEN_TIMEOUT' }])
  await clock.advance(100)
  expect([asked.state, driver.sessions.size]).toEqual(['lent', 1])
})

test('I6: one hung open stops nobody else', async () => {
  const { ask, clock, driver } = fakePool({ max: 3 })
  driver.next('open', 'never')
  const asked = [ask(), ask(), ask()]
  await settle()
  expect(asked.map(({ state }) => state)).toEqual(['lent', 'lent', 'waiting'])
  asked[0]?.lease?.release()
  expect(asked[2]?.state).toBe('lent')
  await clock.advance(20_000)
  expect(driver.sessions.size).toBeLessThanOrEqual(3)
})

test('I6: before the first success a permanent error reaches every waiter at once, as it is', async () => {
  const { ask, driver } = fakePool({ max: 2 })
  const wrong = permanentError('password authentication failed')
  driver.next('open', wrong, 'never')
  const asked = Array.from({ length: 5 }, () => ask())
  await settle()
  expect(asked.map(({ error }) => error)).toEqual([wrong, wrong, wrong, wrong, wrong])
})

test('I7: a lease is single-use: after its release it can touch neither the connection nor its next owner', async () => {
  const { driver, lend } = fakePool({ max: 1 })
  const first = await lend()
  first.release()
  const second = await lend()
  expect(() => first.release()).toThrow(RELEASED_TWICE)
  expect(() => first.release(true)).toThrow(RELEASED_TWICE)
  expect(() => first.cancel()).toThrow(RELEASED_TWICE)
  expect(() => first.resource).toThrow('This lease is over')
  expect([first.released, second.released, second.resource.state]).toEqual([true, false, 'open'])
  expect(driver.calls).toEqual(['open 1'])
})

test('I7: a lease is over before its release is told', async () => {
  const { lend, pool } = fakePool({ max: 1 })
  const told: unknown[] = []
  pool.attach({
    released: (lease) => {
      told.push(lease.released)
      try {
        lease.release()
      } catch (error) {
        told.push((error as Error).message)
      }
    },
  })
  const lease = await lend()
  lease.release()
  expect([told, pool.numbers().idle]).toEqual([[true, RELEASED_TWICE], 1])
})

test('I8: a connection that must first come to rest is lent only then', async () => {
  const { ask, driver, lend, pool } = fakePool({ max: 1 })
  const lease = await lend()
  const gate = driver.gate('settle')
  const asked = ask()
  lease.release()
  await settle()
  expect([asked.state, pool.numbers().checking]).toEqual(['waiting', 1])
  await gate.pass()
  expect(asked.lease?.resource.id).toBe(1)
})

test.each([
  ['left in a transaction', 'dirty'],
  ['ended by the server', 'lost'],
] as const)('I8: a connection %s is retired as %s, never lent again', async (_how, reason) => {
  const { driver, lend, pool } = fakePool({ max: 1 })
  const lease = await lend()
  if (reason === 'lost') driver.kill(lease.resource)
  else driver.next('settle', { verdict: 'dirty' })
  lease.release()
  expect((await lend()).resource.id).toBe(2)
  expect(pool.stats().closed).toEqual({ [reason]: 1 })
})

test('I8: a driver that throws when asked loses the connection, not the slot', async () => {
  const { driver, lend, pool } = fakePool({ max: 1 })
  const lease = await lend()
  driver.reusable = () => {
    throw new Error('a bug in the driver')
  }
  lease.release()
  await settle()
  expect(pool.stats()).toMatchObject({ total: 0, leased: 0, closed: { lost: 1 } })
})

test('I9: a released slot goes to the oldest waiter of the highest priority, agents in turn', async () => {
  const { ask, lend } = fakePool({ max: 1 })
  const lease = await lend()
  const served: string[] = []
  const wait = (name: string, priority: 'high' | 'low', agent: string) => {
    return { name, asked: ask({ priority, agent }) }
  }
  const waiting = [
    wait('low', 'low', 'a'),
    wait('a1', 'high', 'a'),
    wait('a2', 'high', 'a'),
    wait('b1', 'high', 'b'),
  ]
  lease.release()
  for (let n = 0; n < 4; n++) {
    const next = waiting.find(({ asked, name }) => asked.state === 'lent' && !served.includes(name))
    served.push(next?.name ?? 'nobody')
    next?.asked.lease?.release()
  }
  expect(served).toEqual(['a1', 'b1', 'a2', 'low'])
})

test('I10: resize, clear, drain and end leave lent connections alone', async () => {
  const { driver, lend, pool } = fakePool({ max: 2 })
  const leases = [await lend(), await lend()]
  pool.resize({ max: 1 })
  pool.clear()
  const drained = pool.drain()
  const ended = pool.end()
  await settle()
  expect(leases.map((lease) => lease.resource.state)).toEqual(['open', 'open'])
  for (const lease of leases) lease.release()
  expect(await drained).toBe(true)
  await ended
  expect([driver.sessions.size, pool.stats().state]).toEqual([0, 'ended'])
})

test('I11: every error carries the pool’s numbers, the phase and the last open failure with its age', async () => {
  const { ask, clock, driver, lend } = fakePool({ max: 2, acquireTimeoutMillis: 500, queueLimit: 2 })
  await lend({ agent: 'planner' })
  driver.plan.open = Object.assign(new Error('too many clients already'), { code: '53300' })
  const timedOut = ask({ timeoutMillis: 300 })
  const aborted = new AbortController()
  const gone = ask({ signal: aborted.signal })
  await clock.advance(200)
  aborted.abort(new Error('changed my mind'))
  await clock.advance(100)
  for (const { error } of [timedOut, gone]) {
    expect(SluiceError.is(error)).toBe(true)
    expect(error).toMatchObject({
      numbers: { max: 2, leased: 1 },
      lastOpenFailure: { message: 'too many clients already', code: '53300' },
    })
  }
  expect(timedOut.error).toMatchObject({ code: 'SLUICE_OPEN_FAILED', phase: 'open', cause: driver.plan.open })
  expect(timedOut.error?.message).toMatch(/^timeout exceeded when trying to connect: .*\(53300\)/)
  expect(gone.error).toMatchObject({ code: 'SLUICE_ABORTED', phase: 'queue', outcome: 'not-sent' })
})

test('I12: with allowExitOnIdle an idle pool keeps nothing that holds the process open', async () => {
  const { clock, lend } = fakePool({
    allowExitOnIdle: true,
    idleTimeoutMillis: 5_000,
    maxLifetimeMillis: 9_000,
  })
  const lease = await lend()
  lease.release()
  await settle()
  expect([clock.armed('held'), clock.armed() > 0]).toEqual([0, true])
})

test('I12: without it the idle timer holds the process until the last connection is closed', async () => {
  const { clock, driver, lend } = fakePool({ idleTimeoutMillis: 5_000 })
  const lease = await lend()
  lease.release()
  await settle()
  expect(clock.armed('held')).toBe(1)
  await clock.advance(5_000)
  expect([clock.armed('held'), driver.sessions.size]).toEqual([0, 0])
})

test('I12: end() is idempotent and leaves no timer', async () => {
  const { clock, lend, pool } = fakePool({ max: 2, min: 1, leakDetectionMillis: 50 })
  let told = 0
  pool.attach({ ended: () => told++ })
  const lease = await lend()
  lease.release()
  const ended = pool.end()
  expect(pool.end()).toBe(ended)
  await ended
  expect(pool.end()).toBe(ended)
  expect([told, clock.armed(), pool.stats().state]).toEqual([1, 0, 'ended'])
})
