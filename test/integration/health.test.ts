import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { createPools } from '../../src/index.ts'
import { activity, advise, health, snapshotOf } from '../../src/monitor/index.ts'
import { networks, poolsWith } from '../support/pools.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'

const network = networks()
const open = poolsWith({ max: 2, applicationName: 'health-test' })

const others: pg.Client[] = []
afterEach(async () => {
  await Promise.all(others.splice(0).map((client) => client.end()))
})

/** Long enough for a busy machine; what is asked here answers at once. */
const PATIENT = { timeoutMillis: 20_000 }

async function other(application: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl(), application_name: application })
  await client.connect()
  others.push(client)
  return client
}

async function until<R>(look: () => Promise<R> | R, passes: (seen: R) => boolean): Promise<R> {
  for (;;) {
    const seen = await look()
    if (passes(seen)) return seen
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Statements of the pools under test that still run at the server. */
function running(): Promise<number> {
  return withClient(async (client) => {
    const { rows } = await client.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'health-test' AND state = 'active'`,
    )
    return rows[0]?.n ?? 0
  })
}

describe('health', () => {
  test('of a pool that has not opened anything yet is healthy, and its answer is plain JSON', async () => {
    const report = await health(open({ max: 10 }), PATIENT)
    expect([report.status, report.warnings, report.recommendations]).toEqual(['healthy', [], []])
    expect(JSON.parse(JSON.stringify(report)).checks.database).toMatchObject({ status: 'healthy' })
    expect(report.checks.sessions?.message).toMatch(/^\d+ of the server's \d+ sessions are taken$/)
  })

  test('of a full but idle pool is healthy', async () => {
    const pool = open()
    const leases = [await pool.lease(), await pool.lease()]
    for (const lease of leases) lease.release()
    expect(pool.stats().idle).toBe(2)
    expect((await health(pool, PATIENT)).status).toBe('healthy')
  })

  test('of a saturated pool comes in time, says so, and leaves nobody behind in the queue', async () => {
    const pool = open()
    const leases = [await pool.lease(), await pool.lease()]
    const waiting = pool.lease()
    await until(
      () => pool.stats().waiting,
      (n) => n === 1,
    )
    const report = await health(pool, { timeoutMillis: 200 })
    expect(report.checks.pool).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('saturated'),
    })
    expect(report.checks.database).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('could not be asked'),
    })
    expect(report.status).toBe('warning')
    expect(pool.stats().waiting).toBe(1)
    for (const lease of leases) lease.release()
    ;(await waiting).release()
  })

  test('of an exhausted pool is unhealthy, with the numbers', async () => {
    const pool = open()
    const leases = [await pool.lease(), await pool.lease()]
    const waiting = Array.from({ length: 11 }, async () => (await pool.lease()).release())
    const report = await health(pool, { timeoutMillis: 200 })
    expect([report.status, report.checks.pool?.status]).toEqual(['unhealthy', 'unhealthy'])
    expect(report.checks.pool?.message).toContain('2 of 2 slots leased, 11 waiting')
    expect(report.recommendations[0]).toMatchObject({ code: 'exhausted', severity: 'critical' })
    for (const lease of leases) lease.release()
    await Promise.all(waiting)
  })

  test('of a server that says nothing any more is unhealthy, in time, and nothing goes on afterwards', async () => {
    const { connectionString, proxy } = await network()
    const pool = open({ connectionString })
    await pool.query('SELECT 1')
    proxy.hold()
    const report = await health(pool, { timeoutMillis: 300 })
    proxy.heal()
    expect([report.status, report.checks.database?.status]).toEqual(['unhealthy', 'unhealthy'])
    expect(await until(running, (n) => n === 0)).toBe(0)
  })

  test('of a server that is not there does not reject', async () => {
    const pool = open({ connectionString: 'postgres://app:hunter2@127.0.0.1:9/app' })
    const report = await health(pool, PATIENT)
    expect([report.status, report.checks.database?.status]).toEqual(['unhealthy', 'unhealthy'])
    expect(report.checks.database?.message).toContain('ECONNREFUSED')
    expect(JSON.stringify(report)).not.toContain('hunter2')
  })

  test('of an ended pool is unhealthy', async () => {
    const pool = open()
    await pool.end()
    expect(await health(pool, PATIENT)).toMatchObject({
      status: 'unhealthy',
      checks: { pool: { status: 'unhealthy', message: 'the pool is ended and takes nobody' } },
    })
  })

  test('of named pools is that of the worst, by name', async () => {
    const pools = createPools(
      { web: {}, jobs: { connectionString: 'postgres://127.0.0.1:9/app' } },
      { max: 4, connectionString: databaseUrl() },
    )
    const report = await health(pools, { ...PATIENT, checks: { redis: () => 'PONG' } })
    expect([report.status, report.pools.web?.status, report.pools.jobs?.status]).toEqual([
      'unhealthy',
      'healthy',
      'unhealthy',
    ])
    expect(report.warnings[0]).toContain('jobs: database:')
    await pools.end()
  })
})

describe('advice', () => {
  const codes = async (pool: ReturnType<typeof open>) =>
    advise(snapshotOf(pool), await activity(pool, PATIENT)).map(({ code }) => code)

  test('finds nothing about a pool with the defaults', async () => {
    const pool = open({ max: 10 })
    await pool.query('SELECT 1')
    expect(advise(snapshotOf(pool), undefined)).toEqual([])
  })

  test('finds a leak first, with the place where the connection was taken', async () => {
    const pool = open({ max: 10, leakDetectionMillis: 50 })
    const forget = () => pool.lease({ agent: 'forgetful' })
    const lease = await forget()
    await until(
      () => pool.stats().leaking,
      (n) => n === 1,
    )
    const [first] = advise(snapshotOf(pool), await activity(pool, PATIENT))
    expect(first).toMatchObject({ code: 'leak', severity: 'critical' })
    expect(first?.evidence).toMatch(/by agent "forgetful", taken at .*health\.test\.ts/)
    lease.release()
  })

  test('finds a task that waits for a second connection', async () => {
    const pool = open({ max: 1, leakDetectionMillis: 60_000 })
    const outer = await pool.lease()
    const inner = pool.lease()
    expect(advise(snapshotOf(pool)).map(({ code }) => code)[0]).toBe('nested-acquire')
    outer.release()
    ;(await inner).release()
  })

  test('finds a session idle in a transaction, with its last statement', async () => {
    const idler = await other('health-idler')
    await idler.query('BEGIN')
    await idler.query("SELECT 'secret-value'")
    const pool = open({ max: 10 })
    const found = await until(
      async () => advise(snapshotOf(pool), await activity(pool, PATIENT)),
      (seen) => seen.some(({ evidence }) => evidence.includes('health-idler')),
    )
    const finding = found.find(({ code }) => code === 'idle-in-transaction')
    expect(finding?.evidence).toContain('its last statement was select ?')
    expect(JSON.stringify(found)).not.toContain('secret-value')
  })

  test('finds a chain of locks and names its head', async () => {
    const head = await other('health-head')
    const tail = await other('health-tail')
    await head.query('BEGIN')
    await head.query('SELECT pg_advisory_xact_lock(4711)')
    const waiting = tail.query('SELECT pg_advisory_xact_lock(4711)')
    const pool = open({ max: 10 })
    const found = await until(
      async () => advise(snapshotOf(pool), await activity(pool, PATIENT)),
      (seen) => seen.some(({ title }) => title.includes('of "health-head"')),
    )
    expect(found.find(({ title }) => title.includes('health-head'))?.evidence).toContain(
      'its last statement was select pg_advisory_xact_lock (?)',
    )
    await head.query('COMMIT')
    await waiting
  })

  test('finds a pool that is larger than the server', async () => {
    expect(await codes(open({ max: 10_000 }))).toContain('above-share')
    expect(await codes(open({ max: 10 }))).not.toContain('above-share')
  })

  test('finds the server’s limit for idle sessions', async () => {
    const pool = open({ max: 10, min: 1, options: '-c idle_session_timeout=60000' })
    const [finding] = advise(snapshotOf(pool), await activity(pool, PATIENT)).filter(
      ({ code }) => code === 'idle-beyond-server',
    )
    expect(finding?.evidence).toContain('idle_session_timeout is 60,000 ms')
  })
})

test('what a pool has learned of its statements has no values in it', async () => {
  const pool = open()
  for (let n = 0; n < 20; n++) await pool.query(`SELECT ${n} AS n, 'secret-value' AS name`)
  await pool.query('SELECT pg_sleep(0.15)')
  const rows = pool.statements()
  expect(rows.map(({ text }) => text)).toEqual(['select pg_sleep (?)', 'select ? as n, ? as name'])
  expect(rows[0]).toMatchObject({ calls: 1, verdict: 'slow', kind: 'read' })
  expect(rows[0]?.highMillis).toBeGreaterThan(100)
  expect(rows[1]?.calls).toBe(20)
  expect(pool.statements(1).length).toBe(1)
})
