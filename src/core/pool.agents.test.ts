// What one agent may hold, and how many turns it gets.
import { expect, test } from 'vitest'
import { fakePool } from '../../test/support/fake-driver.ts'
import { settle } from '../../test/support/manual-clock.ts'
import type { Lease } from './lease.ts'

test('an agent that holds its max waits beside an idle connection, and another agent takes it', async () => {
  const { ask, lend, pool } = fakePool({ max: 4, min: 4, agents: { max: 2 } })
  const leases = [await lend({ agent: 'noisy' }), await lend({ agent: 'noisy' })]
  const third = ask({ agent: 'noisy' })
  await settle()
  expect([third.state, ask({ agent: 'quiet' }).state, ask().state]).toEqual(['waiting', 'lent', 'lent'])
  leases[0]?.release()
  expect([third.state, pool.numbers().waiting]).toEqual(['lent', 0])
})

test('whose lease comes back is served in the same turn', async () => {
  const { ask, lend } = fakePool({ max: 4, agents: { max: 1 } })
  const lease = await lend({ agent: 'a' })
  const waiting = [ask({ agent: 'a' }), ask({ agent: 'a' })]
  lease.release()
  expect(waiting.map(({ state }) => state)).toEqual(['lent', 'waiting'])
  waiting[0]?.lease?.release()
  expect(waiting[1]?.state).toBe('lent')
})

test('nothing is opened for an agent that holds its max', async () => {
  const { ask, lend, pool } = fakePool({ max: 10, agents: { max: { noisy: 2 } } })
  for (let n = 0; n < 2; n++) await lend({ agent: 'noisy' })
  const waiting = Array.from({ length: 50 }, () => ask({ agent: 'noisy' }))
  await settle()
  expect([pool.stats().opened, pool.planned, waiting.every(({ state }) => state === 'waiting')]).toEqual([
    2,
    0,
    true,
  ])
})

test('of a burst of one agent only so many opens are started as it may hold', async () => {
  const { ask, pool } = fakePool({ max: 10, agents: { max: 3 } })
  for (let n = 0; n < 50; n++) ask({ agent: 'noisy' })
  await settle()
  expect(pool.stats()).toMatchObject({ opened: 3, leased: 3, waiting: 47 })
})

test('a queue full of an agent that holds its max turns nobody else away', async () => {
  const { ask, lend, pool } = fakePool({ max: 1, queueLimit: 2, agents: { max: 1 } })
  const lease = await lend({ agent: 'noisy' })
  const noisy = [1, 2, 3].map(() => ask({ agent: 'noisy' }))
  const quiet = ask({ agent: 'quiet' })
  expect(noisy.map(({ state }) => state)).toEqual(['waiting', 'waiting', 'refused'])
  expect([quiet.state, pool.stats().rejected]).toEqual(['waiting', 1])
  lease.release()
  expect([quiet.state, noisy[0]?.state].filter((state) => state === 'lent')).toHaveLength(1)
})

test('callers without a label are not bounded', async () => {
  const { lend } = fakePool({ max: 4, agents: { max: 1 } })
  const leases: Lease<object>[] = []
  for (let n = 0; n < 4; n++) leases.push(await lend())
  expect(leases).toHaveLength(4)
})

test('a place on a shared connection does not count', async () => {
  const { lend, pool } = fakePool({ max: 2, agents: { max: 1 } })
  await lend({ agent: 'a' })
  let joined = 0
  pool.request({ agent: 'a', use: 'shared' }, (_error, lease) => {
    if (lease?.kind === 'shared') joined += 1
  })
  await settle()
  expect(joined).toBe(1)
})

test('a cancelled statement counts until it has ended', async () => {
  const { ask, driver, lend, pool } = fakePool({ max: 4, min: 4, agents: { max: 1 } })
  const gate = driver.gate('cancel')
  const lease = await lend({ agent: 'a' })
  lease.cancel()
  const next = ask({ agent: 'a' })
  expect([next.state, pool.connections().find(({ state }) => state === 'cancelling')?.agent]).toEqual([
    'waiting',
    'a',
  ])
  await gate.pass()
  expect(next.state).toBe('lent')
})

test('a connection that dies with its lease gives its agent its place back', async () => {
  const { ask, lend } = fakePool({ max: 2, agents: { max: 1 } })
  const lease = await lend({ agent: 'a' })
  const next = ask({ agent: 'a' })
  lease.release(new Error('broken'))
  await settle()
  expect(next.state).toBe('lent')
})

test('its timeout says what the agent holds', async () => {
  const { ask, clock, lend } = fakePool({
    max: 4,
    acquireTimeoutMillis: 1_000,
    agents: { max: { noisy: 1 } },
  })
  await lend({ agent: 'noisy' })
  const asked = ask({ agent: 'noisy' })
  await clock.advance(1_000)
  expect(asked.error).toMatchObject({ code: 'SLUICE_ACQUIRE_TIMEOUT', retryAfterMillis: 1_000 })
  expect(asked.error?.message).toBe(
    'timeout exceeded when trying to connect: waited 1,000 ms for a connection while agent "noisy" holds its 1 connections ' +
      '(agents.max; 1 of 4 slots leased, 0 waiting; the longest lease is out for 1,000 ms by agent "noisy"); ' +
      'let it do less at once, give connections back sooner, or raise its max',
  )
})

test('an agent of weight three has three turns for each turn of another', async () => {
  const { lend, pool } = fakePool({ max: 1, agents: { weight: { a: 3 } } })
  let lease = await lend()
  const served: string[] = []
  for (const agent of ['b', 'b', 'b', 'a', 'a', 'a', 'a', 'a', 'a', 'a'])
    pool.request({ agent }, (_error, next) => {
      if (next === undefined) return
      served.push(agent)
      lease = next
    })
  for (let n = 0; n < 10; n++) lease.release()
  expect(served.join('')).toBe('baaabaaaba')
})

test('the end serves an agent at its max as its leases come back', async () => {
  const { ask, clock, lend, pool } = fakePool({ max: 3, agents: { max: 1 } })
  const lease = await lend({ agent: 'a' })
  const next = ask({ agent: 'a' })
  let ended = false
  void pool.end().then(() => {
    ended = true
  })
  await settle()
  lease.release()
  await settle()
  next.lease?.release()
  await clock.advance(1)
  expect([next.state, ended]).toEqual(['lent', true])
})
