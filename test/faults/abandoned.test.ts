/** Transactions that are left standing: taken back from their holders by the server, and by the pool where the server does not. */
import { describe, expect, test, vi } from 'vitest'
import type { LeakReport, Pool } from '../../src/index.ts'
import { ending, failed, freshName } from '../lanes/faults.ts'
import { fakeServers, poolsWith } from '../support/pools.ts'
import { sessions } from '../support/postgres.ts'

const fake = fakeServers()
const open = poolsWith({ max: 1, idleInTransactionTimeout: 500 })

const PATIENCE = { timeout: 10_000, interval: 20 }
/** The server keeps no time of its own for this session. */
const UNWATCHED = 'SET idle_in_transaction_session_timeout = 0'

/** The slot is free again although nobody has given anything back. */
function takenBack(pool: Pool): Promise<void> {
  return vi.waitFor(() => expect(pool.stats()).toMatchObject({ leased: 0, total: 0 }), PATIENCE)
}

describe.each([
  ['that the server ends', []],
  ['that the server knows no limit for', [UNWATCHED]],
])('a transaction %s', (_, before) => {
  test('of a client that never comes back frees its slot, and the late release is harmless', async () => {
    const name = freshName()
    const pool = open({ applicationName: name })
    const client = await pool.connect()
    client.on('error', () => undefined)
    for (const text of [...before, 'BEGIN', 'CREATE TABLE never_there (n int)']) await client.query(text)
    await takenBack(pool)
    await vi.waitFor(async () => expect(await sessions(name)).toBe(0), PATIENCE)
    await expect(client.query('SELECT 1')).rejects.toThrow(/not queryable|terminat/)
    const { rows } = await pool.query(`SELECT to_regclass('never_there') AS table`)
    expect(rows).toEqual([{ table: null }])
    client.release()
    expect(() => client.release()).toThrow('already been released')
    expect(await ending(pool.query('SELECT 1'))).toMatchObject({ rowCount: 1 })
    expect(pool.stats()).toMatchObject({ opened: 2, lost: 0 })
  })

  test('of a lease tells its holder, who may still release it', async () => {
    const pool = open()
    const lease = await pool.lease()
    for (const text of [...before, 'BEGIN']) await lease.query(text)
    await takenBack(pool)
    const end = await ending(lease.query('SELECT 1'))
    expect(end).toEqual(failed('SLUICE_TRANSACTION_TIMEOUT'))
    lease.release()
    await pool.query('SELECT 1')
  })

  test('whose function waits for something else fails, whatever it does then', async () => {
    const pool = open()
    const wait = () => vi.waitFor(() => expect(pool.stats().leased).toBe(0), PATIENCE)
    const begin = async (own: { query(text: string): Promise<unknown> }) => {
      for (const text of ['SELECT 1', ...before]) await own.query(text)
      await wait()
    }
    const returning = await ending(pool.transaction(begin, { timeout: 60_000 }))
    const asking = await ending(
      pool.transaction(
        async (own) => {
          await begin(own)
          await own.query('SELECT 2')
        },
        { timeout: 60_000 },
      ),
    )
    for (const end of [returning, asking]) {
      expect(end).toEqual(failed('SLUICE_TRANSACTION_TIMEOUT'))
      expect(end).toMatchObject({ message: expect.stringContaining('is rolled back') })
      // It was not committed, and nobody tried to.
      expect(end).not.toMatchObject({ message: expect.stringContaining('COMMIT') })
      expect(end).not.toMatchObject({ outcome: 'unknown' })
    }
    await pool.query('SELECT 1')
  })

  test('leaks no longer once it is taken back', async () => {
    const pool = open({ leakDetectionMillis: 100 })
    const told: [string, LeakReport][] = []
    pool.on('leak' as never, ((report: LeakReport) => told.push(['leak', report])) as never)
    pool.on('unleak' as never, ((report: LeakReport) => told.push(['unleak', report])) as never)
    const lease = await pool.lease({ agent: 'forgetful' })
    for (const text of [...before, 'BEGIN']) await lease.query(text)
    await vi.waitFor(() => expect(pool.stats()).toMatchObject({ leaked: 1, leaking: 1 }), PATIENCE)
    await takenBack(pool)
    expect(pool.stats()).toMatchObject({ leaked: 1, leaking: 0 })
    lease.release()
    expect(pool.stats()).toMatchObject({ leaked: 1, leaking: 0 })
    expect(told.map(([event]) => event)).toEqual(['leak', 'unleak'])
    expect(told[0]?.[1]).toMatchObject({
      agent: 'forgetful',
      stack: expect.stringContaining('abandoned.test.ts'),
    })
  })
})

test('a lease that waits for something else is reported with how long it has rested, and where it was taken', async () => {
  const pool = open({ leakDetectionMillis: 2_600 })
  const report = new Promise<LeakReport>((resolve) => pool.on('leak' as never, resolve as never))
  const lease = await pool.lease()
  await lease.query('SELECT 1')
  const { heldMillis, restingMillis, stack } = await report
  expect(heldMillis).toBeGreaterThanOrEqual(2_500)
  expect(restingMillis).toBeGreaterThan(500)
  expect(restingMillis).toBeLessThanOrEqual(heldMillis)
  expect(stack).toContain('abandoned.test.ts')
  lease.release()
})

test('behind a pooler that forgets the setting the pool keeps the time', async () => {
  const server = await fake()
  const pool = open({ connectionString: server.url, max: 2 })
  const leases = await Promise.all([pool.lease(), pool.lease()])
  await Promise.all(leases.map((lease) => lease.query('BEGIN')))
  await vi.waitFor(
    () => expect(pool.stats()).toMatchObject({ leased: 0, closed: { abandoned: 2 } }),
    PATIENCE,
  )
  await vi.waitFor(() => expect(server.connections).toBe(0), PATIENCE)
  for (const lease of leases)
    expect(await ending(lease.query('SELECT 1'))).toEqual(failed('SLUICE_TRANSACTION_TIMEOUT'))
  // Their own faults say nothing of the server.
  expect(pool.stats().generation).toBe(0)
})

test('a statement that takes longer than a transaction may rest is left alone, and so is whoever comes back in time', async () => {
  const pool = open({ idleInTransactionTimeout: 1_500 })
  await pool.transaction(async (own) => {
    await own.query(UNWATCHED)
    await own.query('SELECT pg_sleep(3)')
    for (let n = 0; n < 4; n++) {
      await new Promise((resolve) => setTimeout(resolve, 300))
      await own.query('SELECT 1')
    }
  })
  expect(pool.stats()).toMatchObject({ opened: 1, closed: {} })
})
