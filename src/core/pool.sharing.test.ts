// One connection for many callers, and the share of the pool that slow work may hold.
import { expect, test } from 'vitest'
import type { Asked, FakeConnection, FakePool } from '../../test/support/fake-driver.ts'
import { fakePool } from '../../test/support/fake-driver.ts'
import { settle } from '../../test/support/manual-clock.ts'
import type { Lease } from './lease.ts'
import type { PoolOptions, RequestOptions } from './options.ts'
import type { Use } from './slot.ts'

/** A pool whose callers say what the connection is for. */
function sharingPool(options?: PoolOptions) {
  const house = fakePool(options)
  const ask: (how?: RequestOptions) => Asked = house.ask
  const lend: (how?: RequestOptions) => Promise<Lease<FakeConnection>> = house.lend
  return { ...house, ask, lend }
}

function times(count: number, ask: () => Asked): Asked[] {
  return Array.from({ length: count }, ask)
}

function states(asked: readonly Asked[]): string {
  return asked.map(({ state }) => state).join(' ')
}

/** Lets everybody join who waits to share. */
function admitAll(pool: FakePool['pool'], lease: Lease<FakeConnection>): number {
  let count = 0
  while (pool.sharing.admit(lease)) count += 1
  return count
}

// Shared connections ---------------------------------------------------------------------------------------------------

test('a connection lent to share is shared until its owner gives it back', async () => {
  const { lend, pool } = sharingPool({ max: 1 })
  const lease = await lend({ use: 'shared', agent: 'a' })
  expect(pool.stats()).toMatchObject({ shared: 1, leased: 0, idle: 0, total: 1, utilization: 100 })
  expect(pool.connections()[0]).toMatchObject({ state: 'shared', uses: 1 })
  lease.release()
  expect([pool.numbers().shared, pool.numbers().idle, lease.released]).toEqual([0, 1, true])
})

test('those who wait to share open one connection for a hundred of them, and all join it', async () => {
  const { driver, pool } = sharingPool({ max: 10 })
  const leases: (Lease<FakeConnection> | undefined)[] = []
  for (let n = 0; n < 100; n++) {
    pool.request({ use: 'shared' }, (_error, lease) => {
      leases.push(lease)
      if (lease !== undefined && leases.length === 1) admitAll(pool, lease)
    })
  }
  expect([pool.numbers().opening, pool.planned]).toEqual([1, 0])
  await settle()
  expect([leases.length, new Set(leases).size, leases[0]?.kind]).toEqual([100, 1, 'shared'])
  expect([driver.calls, pool.stats().acquired, pool.numbers().waiting]).toEqual([['open 1'], 1, 0])
})

test('one more than a connection is expected to serve opens a second one', () => {
  const { ask, pool } = sharingPool({ max: 10, sharedDepth: 3 })
  times(3, () => ask({ use: 'shared' }))
  expect(pool.numbers().opening).toBe(1)
  ask({ use: 'shared' })
  expect(pool.numbers().opening).toBe(2)
})

test('of connections that must be asked first only as many are asked as will be shared', async () => {
  const { ask, clock, driver, lend } = sharingPool({ max: 3, prePing: 1_000, sharedDepth: 2 })
  for (const lease of [await lend(), await lend(), await lend()]) lease.release()
  await clock.advance(2_000)
  times(3, () => ask({ use: 'shared' }))
  expect(driver.calls.slice(3)).toEqual(['check 3', 'check 2'])
})

test('admit lets in those who wait to share, the most urgent first, and nobody else', async () => {
  const { ask, lend, pool } = sharingPool({ max: 1 })
  const lease = await lend({ use: 'shared' })
  const order: string[] = []
  const uses: readonly Use[] = ['exclusive', 'shared', 'limited']
  for (const priority of ['low', 'high', 'medium'] as const) {
    for (const use of uses) pool.request({ priority, use }, () => order.push(`${priority} ${use}`))
  }
  expect(admitAll(pool, lease)).toBe(3)
  expect(order).toEqual(['high shared', 'medium shared', 'low shared'])
  expect([pool.numbers().waiting, ask({ use: 'shared' }).state]).toEqual([6, 'waiting'])
})

test('a lease that is over lets nobody join', async () => {
  const { ask, clock, lend, pool } = sharingPool({ max: 1, endTimeoutMillis: 1_000 })
  const lease = await lend({ use: 'shared' })
  lease.cancel()
  const asked = ask({ use: 'shared' })
  expect([pool.sharing.admit(lease), asked.state]).toEqual([false, 'waiting'])
  await clock.advance(0)
  expect([asked.state, asked.lease === lease]).toEqual(['lent', false])
})

test('who joins is counted among the waits and forgotten by its deadline', async () => {
  const { ask, clock, lend, pool } = sharingPool({ max: 1, acquireTimeoutMillis: 100 })
  const lease = await lend({ use: 'shared' })
  const asked = ask({ use: 'shared' })
  await clock.advance(50)
  pool.sharing.admit(lease)
  await clock.advance(1_000)
  expect([asked.state, asked.answers, pool.stats().timeouts]).toEqual(['lent', 1, 0])
  expect([pool.stats().wait.count, pool.stats().lease.count]).toEqual([2, 0])
})

test('clear closes a shared connection only when it comes back, but nobody new may join', async () => {
  const { driver, lend, pool } = sharingPool({ max: 1 })
  const lease = await lend({ use: 'shared' })
  expect(pool.sharing.mayJoin(lease)).toBe(true)
  pool.clear()
  await settle()
  expect([pool.sharing.mayJoin(lease), lease.released, driver.calls]).toEqual([false, false, ['open 1']])
  lease.release()
  expect(pool.stats().closed).toEqual({ cleared: 1 })
})

test('nobody new may join a connection that is past its lifetime', async () => {
  const { clock, lend, pool } = sharingPool({ max: 1, maxLifetimeMillis: 1_000 })
  const lease = await lend({ use: 'shared' })
  await clock.advance(949)
  expect(pool.sharing.mayJoin(lease)).toBe(true)
  await clock.advance(1)
  expect(pool.sharing.mayJoin(lease)).toBe(false)
})

test('while the pool is paused nobody joins, whether they have waited or not', async () => {
  const { ask, lend, pool } = sharingPool({ max: 1 })
  const lease = await lend({ use: 'shared' })
  const asked = ask({ use: 'shared' })
  pool.pause()
  expect([pool.sharing.mayJoin(lease), pool.sharing.admit(lease), asked.state]).toEqual([
    false,
    false,
    'waiting',
  ])
  pool.resume()
  expect([pool.sharing.mayJoin(lease), pool.sharing.admit(lease), asked.state]).toEqual([true, true, 'lent'])
})

test('a shared connection should come back when somebody has waited for a whole one for longest', async () => {
  const { ask, clock, lend, pool } = sharingPool({ max: 1 })
  const lease = await lend({ use: 'shared' })
  expect(pool.sharing.wholeWanted).toBe(0)
  const whole = ask()
  await clock.advance(1)
  ask({ use: 'shared' })
  expect(pool.sharing.wholeWanted).toBe(1)
  lease.release()
  expect([whole.state, pool.sharing.wholeWanted]).toEqual(['lent', 0])
})

test('a shared connection need not come back while those who came first wait to share', async () => {
  const { ask, clock, lend, pool } = sharingPool({ max: 1 })
  const lease = await lend({ use: 'shared' })
  ask({ use: 'shared' })
  await clock.advance(1)
  ask()
  expect(pool.sharing.wholeWanted).toBe(0)
  pool.sharing.admit(lease)
  expect(pool.sharing.wholeWanted).toBe(1)
})

test('a shared connection need not come back where another one is on its way, or can be had', async () => {
  const { ask, driver, lend, pool } = sharingPool({ max: 3 })
  await lend({ use: 'shared' })
  const [first, second] = [driver.gate('open'), driver.gate('open')]
  times(3, () => ask())
  expect([pool.numbers().opening, pool.sharing.wholeWanted]).toEqual([2, 1])
  pool.resize({ max: 4 })
  expect(pool.sharing.wholeWanted).toBe(0)
  await first.pass()
  await second.pass()
})

test('limited callers beyond their share do not call a shared connection back', async () => {
  const { ask, lend, pool } = sharingPool({ max: 2 })
  await lend({ use: 'limited' })
  await lend({ use: 'shared' })
  ask({ use: 'limited' })
  expect(pool.sharing.wholeWanted).toBe(0)
  ask()
  expect(pool.sharing.wholeWanted).toBe(1)
})

test('grow opens one connection, only where there is room and none is idle or on its way', async () => {
  const { driver, lend, pool } = sharingPool({ max: 3, maxOverflow: 1 })
  const opened: number[] = []
  const grow = async () => {
    pool.sharing.grow()
    pool.sharing.grow()
    await settle()
    pool.sharing.grow()
    opened.push(pool.stats().opened)
  }
  const lease = await lend({ use: 'shared' })
  await grow()
  await lend({ use: 'shared' })
  await grow()
  await lend({ use: 'shared' })
  await grow()
  expect(opened).toEqual([2, 3, 3])
  lease.release(true)
  await settle()
  pool.pause()
  await grow()
  expect(driver.calls).toEqual(['open 1', 'open 2', 'open 3', 'close 1'])
})

test('end closes a shared connection that is not given back in time', async () => {
  const { clock, driver, lend, pool } = sharingPool({ max: 1, endTimeoutMillis: 1_000 })
  const lease = await lend({ use: 'shared' })
  let ended = false
  void pool.end().then(() => {
    ended = true
  })
  expect(pool.sharing.mayJoin(lease)).toBe(false)
  await clock.advance(999)
  expect([ended, driver.calls]).toEqual([false, ['open 1']])
  await clock.advance(1)
  expect([ended, pool.stats().closed, driver.sessions.size]).toEqual([true, { ended: 1 }, 0])
  expect(() => lease.release()).not.toThrow()
})

test('drain waits for shared connections, and lets those join who waited', async () => {
  const { ask, lend, pool } = sharingPool({ max: 1 })
  const lease = await lend({ use: 'shared' })
  const asked = ask({ use: 'shared' })
  const rested: string[] = []
  void pool.drain().then((done) => rested.push(`first ${done}`))
  expect([pool.sharing.mayJoin(lease), pool.sharing.admit(lease), asked.state]).toEqual([false, true, 'lent'])
  void pool.drain().then((done) => rested.push(`second ${done}`))
  await settle()
  expect(rested).toEqual([])
  lease.release()
  await settle()
  expect(rested).toEqual(['first true', 'second true'])
})

test('leak detection reports no shared connection, and what is asked for beside one is not nested in it', async () => {
  const { ask, clock, lend, pool } = sharingPool({ max: 1, leakDetectionMillis: 100 })
  const told: string[] = []
  pool.attach({ leaked: () => told.push('leaked'), nested: () => told.push('nested') })
  const lease = await lend({ use: 'shared' })
  const asked = [ask({ use: 'shared' }), ask()]
  pool.sharing.admit(lease)
  await clock.advance(10_000)
  expect([told, states(asked)]).toEqual([[], 'lent waiting'])
  expect(pool.stats()).toMatchObject({ leaked: 0, leaking: 0 })
})

// The share of limited work --------------------------------------------------------------------------------------------

test.each([
  [2, 1],
  [3, 2],
  [10, 9],
  [20, 18],
])(
  'of %i slots limited work holds %i at most, and the others go to whoever else comes',
  async (max, most) => {
    const { ask, pool } = sharingPool({ max })
    const limited = times(max, () => ask({ use: 'limited' }))
    await settle()
    expect([pool.numbers().leased, pool.numbers().waiting, pool.stats().total]).toEqual([
      most,
      max - most,
      most,
    ])
    const others = times(max - most, () => ask())
    await settle()
    expect([states(others), pool.numbers().leased]).toEqual([others.map(() => 'lent').join(' '), max])
    limited[0]?.lease?.release()
    expect(limited[most]?.state).toBe('lent')
  },
)

test('in a pool of one limited work has the only slot in turns with all others', async () => {
  const { ask, lend } = sharingPool({ max: 1, limitedShare: 0.01 })
  const lease = await lend({ use: 'limited' })
  const asked = [ask(), ask({ use: 'limited' })]
  lease.release()
  expect(states(asked)).toBe('lent waiting')
  asked[0]?.lease?.release()
  expect(states(asked)).toBe('lent lent')
})

test('a limited caller waits beside an idle connection, and others pass it', async () => {
  const { ask, lend, pool } = sharingPool({ max: 2 })
  const [held, spare] = [await lend({ use: 'limited' }), await lend()]
  spare.release()
  const waiting = ask({ use: 'limited', priority: 'high' })
  expect([waiting.state, pool.numbers().idle]).toEqual(['waiting', 1])
  const passing = [ask({ priority: 'low' }), ask({ use: 'shared', priority: 'low' })]
  expect(states(passing)).toBe('lent waiting')
  held.release()
  expect(waiting.state).toBe('lent')
})

test('a cancelled limited lease counts until it has come to rest', async () => {
  const { ask, driver, lend, pool } = sharingPool({ max: 2 })
  const [lease, spare] = [await lend({ use: 'limited' }), await lend()]
  spare.release()
  const gate = driver.gate('cancel')
  lease.cancel()
  const asked = ask({ use: 'limited' })
  expect([pool.numbers().cancelling, pool.numbers().idle, asked.state]).toEqual([1, 1, 'waiting'])
  await gate.pass()
  expect([asked.state, pool.numbers().idle]).toEqual(['lent', 1])
})

test('a smaller pool leaves limited work what it has and gives it no more', async () => {
  const { ask, lend, pool } = sharingPool({ max: 10 })
  const leases = await Promise.all(Array.from({ length: 9 }, () => lend({ use: 'limited' })))
  pool.resize({ max: 2 })
  const asked = ask({ use: 'limited' })
  for (const lease of leases.slice(1)) lease.release()
  await settle()
  expect([asked.state, pool.stats().leased]).toEqual(['waiting', 1])
  leases[0]?.release()
  expect(asked.state).toBe('lent')
})

test('limited callers who fill the queue keep nobody from a connection that is idle', async () => {
  const { ask, lend, pool } = sharingPool({ max: 2, queueLimit: 3 })
  const [, spare] = [await lend({ use: 'limited' }), await lend()]
  spare.release()
  const limited = times(4, () => ask({ use: 'limited' }))
  expect(states(limited)).toBe('waiting waiting waiting refused')
  expect([limited[3]?.error?.code, ask().state]).toEqual(['SLUICE_QUEUE_FULL', 'lent'])
  expect([ask().error?.code, pool.stats().rejected]).toEqual(['SLUICE_QUEUE_FULL', 2])
})
