import { expect, test } from 'vitest'
import { fakePool } from '../../test/support/fake-driver.ts'
import { settle } from '../../test/support/manual-clock.ts'
import type { Lease } from './lease.ts'

/** A pool that notes what leak detection reports. */
function watched(max: number, leakDetectionMillis = 100) {
  const house = fakePool({ max, leakDetectionMillis, acquireTimeoutMillis: 1_000 })
  const told: string[] = []
  house.pool.attach({
    leaked: ({ agent }, millis) => told.push(`${agent} leaked after ${millis}`),
    unleaked: ({ agent }, millis) => told.push(`${agent} came back after ${millis}`),
    nested: ({ agent }) => told.push(`nested inside ${agent}`),
  })
  return { ...house, told }
}

/** Runs as a task of its own, with nothing of its caller's. */
function task<R>(act: () => Promise<R>): Promise<R> {
  return settle().then(act)
}

async function takenByThisFunction(house: ReturnType<typeof watched>): Promise<Lease<object>> {
  return house.pool.acquire({ agent: 'planner' })
}

test('a lease that is out for too long is reported once, with the stack of its acquire', async () => {
  const house = watched(1)
  const lease = await takenByThisFunction(house)
  await house.clock.advance(99)
  expect(house.told).toEqual([])
  await house.clock.advance(500)
  expect(house.told).toEqual(['planner leaked after 100'])
  const [row] = house.pool.connections()
  expect(row).toMatchObject({ state: 'leased', agent: 'planner', leasedForMillis: 599 })
  expect(row?.stack).toContain('takenByThisFunction')
  expect(row?.stack).not.toContain('leaks.ts')
  expect(house.pool.stats()).toMatchObject({ leaked: 1, leaking: 1 })
  lease.release()
})

test('a leaked lease that comes back is told, and counts as leaking no more', async () => {
  const { clock, lend, pool, told } = watched(1)
  const lease = await lend({ agent: 'planner' })
  await clock.advance(150)
  lease.release()
  expect(told).toEqual(['planner leaked after 100', 'planner came back after 150'])
  expect(pool.stats()).toMatchObject({ leaked: 1, leaking: 0 })
})

test('a lease that comes back in time is not reported', async () => {
  const { clock, lend, pool, told } = watched(1)
  const lease = await lend()
  await clock.advance(50)
  lease.release()
  await clock.advance(500)
  expect([told, pool.stats().leaked]).toEqual([[], 0])
})

test('a lease that is meant to be kept is left alone', async () => {
  const { clock, lend, told } = watched(1)
  const lease = await lend({ longLived: true })
  await clock.advance(10_000)
  expect([told, lease.released]).toEqual([[], false])
})

test('without leak detection no stack is kept', async () => {
  const { lend, pool } = fakePool({ max: 1 })
  const lease = await lend()
  expect(pool.connections()[0]?.stack).toBeUndefined()
  lease.release()
})

test('a task that holds a lease and waits for another on a full pool is found, and its error says what to do', async () => {
  const house = watched(1, 5_000)
  const outcome = task(async () => {
    const outer = await house.pool.acquire({ agent: 'outer' })
    const inner = await house.pool.acquire().catch((error: Error) => error)
    outer.release()
    return inner as Error
  })
  await house.clock.advance(1_000)
  const { message } = await outcome
  expect(house.told).toEqual(['nested inside outer'])
  expect(house.pool.stats().nested).toBe(1)
  expect(message).toMatch(/^timeout exceeded when trying to connect: waited 1,000 ms/)
  expect(message).toContain('the caller waits for a second connection while it holds one')
  expect(message).toContain('leaks.test.ts')
})

test('holding one and taking another is fine while there is room', async () => {
  const { pool, told } = watched(2)
  await task(async () => {
    const outer = await pool.acquire()
    const inner = await pool.acquire()
    inner.release()
    outer.release()
  })
  expect(told).toEqual([])
})

test('a task that has given its lease back may wait for the next one', async () => {
  const { lend, pool, told } = watched(1)
  await task(async () => {
    const first = await pool.acquire()
    first.release()
  })
  const other = await lend({ longLived: true })
  const again = task(async () => {
    const second = await pool.acquire()
    second.release()
    const third = pool.acquire()
    ;(await third).release()
  })
  await settle()
  other.release()
  await again
  expect(told).toEqual([])
})

test('the tasks of one turn are not taken to hold each other’s leases', async () => {
  const { lend, pool, told } = watched(1)
  const warm = await lend({ longLived: true })
  warm.release()
  const query = async (): Promise<void> => {
    const lease = await pool.acquire()
    await settle()
    lease.release()
    await settle()
    const next = await pool.acquire()
    next.release()
  }
  await task(() => Promise.all([query(), query(), query()]))
  expect(told).toEqual([])
})

test('after the end nothing is followed any more', async () => {
  const { clock, lend, pool, told } = watched(1)
  const lease = await lend()
  lease.release()
  await pool.end()
  await expect(pool.acquire()).rejects.toThrow('Cannot use a pool after calling end on the pool')
  expect([told, clock.armed()]).toEqual([[], 0])
})
