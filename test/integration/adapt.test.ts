/** A pool on a real server that follows its load. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GrowthRefusal, SizeChange } from '../../src/control/index.ts'
import { adapt, serverRoom } from '../../src/control/index.ts'
import { poolsWith } from '../support/pools.ts'
import { withClient } from '../support/postgres.ts'
import type { OwnServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: OwnServer
beforeAll(async () => {
  server = await startServer({ max_connections: 60, superuser_reserved_connections: 3 })
})
afterAll(() => server.stop())

const pools = poolsWith({ idleTimeoutMillis: 0 })
const patience = 30_000

async function until(what: () => boolean): Promise<void> {
  for (const end = performance.now() + patience; !what(); await sleep(20)) {
    if (performance.now() > end) throw new Error('it never came to that')
  }
}

test('it follows a burst up to its absolute max and down to 30 % of it, and no statement fails', async () => {
  const pool = pools({ connectionString: server.url, pipelining: false })
  const changes: SizeChange[] = []
  using _adaptation = adapt(pool, {
    absoluteMax: 40,
    every: 200,
    onChange: (change) => void changes.push(change),
  })
  expect(pool.stats()).toMatchObject({ max: 20, min: 4 })
  let bursting = true
  let answered = 0
  const burst = Promise.all(
    Array.from({ length: 60 }, async () => {
      while (bursting) {
        await pool.query('SELECT pg_sleep(0.02)')
        answered++
      }
    }),
  )
  await until(() => pool.stats().max === 40)
  bursting = false
  await burst
  expect(answered).toBeGreaterThan(0)
  await until(() => pool.stats().max === 12)
  await pool.query('SELECT 1')
  const sizes = changes.map(({ to }) => to.max)
  // The steps in between are the rule's, and a busy machine may take one twice.
  expect([sizes[0], sizes.includes(40), sizes.at(-1)]).toEqual([20, true, 12])
  for (const { evidence } of changes.slice(1).filter(({ from, to }) => to.max > from.max))
    expect(evidence).toMatchObject({ absoluteMax: 40, room: expect.any(Number), windowMillis: 200 })
  expect(pool.stats()).toMatchObject({ max: 12, min: 2, timeouts: 0, openFailures: 0 })
  await expect.poll(() => pool.stats().total, { timeout: patience }).toBeLessThanOrEqual(12)
})

test('a transaction that is open while its pool shrinks ends as if nothing had been', async () => {
  const pool = pools({ connectionString: server.url, pipelining: false })
  using _adaptation = adapt(pool, { absoluteMax: 40, every: 200 })
  const sum = await pool.transaction(
    async (transaction) => {
      // Idle connections enough for the pool to shrink around the one that is lent.
      await Promise.all(Array.from({ length: 19 }, () => pool.query('SELECT pg_sleep(1)')))
      const before = await transaction.query('SELECT 1 AS n')
      await until(() => pool.stats().max === 12)
      const after = await transaction.query('SELECT 2 AS n')
      return Number(before.rows[0]?.n) + Number(after.rows[0]?.n)
    },
    { timeout: patience + 5_000 },
  )
  expect(sum).toBe(3)
})

test('the room that the server has is its limit without what is reserved and without the sessions of others', async () => {
  const pool = pools({ connectionString: server.url, max: 5 })
  await Promise.all(Array.from({ length: 5 }, () => pool.query('SELECT pg_sleep(0.1)')))
  await withClient(async () => {
    await expect.poll(() => serverRoom(pool), { timeout: patience }).toBe(56)
  }, server.url)
  await expect.poll(() => serverRoom(pool), { timeout: patience }).toBe(57)
})

test('a role with a connection limit grows no further than that', async () => {
  await server.admin(`CREATE ROLE limited LOGIN PASSWORD 'limited' CONNECTION LIMIT 12`)
  const url = new URL(server.url)
  url.username = 'limited'
  url.password = 'limited'
  const pool = pools({ connectionString: url.href, pipelining: false })
  const refusals: GrowthRefusal[] = []
  using _adaptation = adapt(pool, {
    absoluteMax: 20,
    every: 200,
    onRefusal: (refusal) => void refusals.push(refusal),
  })
  let bursting = true
  const burst = Promise.all(
    Array.from({ length: 30 }, async () => {
      while (bursting) await pool.query('SELECT pg_sleep(0.02)')
    }),
  )
  // A session of the pool's own that has only just opened may count as somebody else's: then the next window asks again.
  await until(() => pool.stats().max === 12 && refusals.at(-1)?.evidence.room === 12)
  bursting = false
  await burst
  expect(pool.stats()).toMatchObject({ max: 12, openFailures: 0 })
  expect(refusals.at(-1)).toMatchObject({ wanted: { max: 18 } })
})
