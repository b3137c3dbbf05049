/** Health and advice on a small server of the test's own: nearly out of sessions, full, and frozen. */
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Pool } from '../../src/index.ts'
import type { Health } from '../../src/monitor/index.ts'
import { activity, advise, health, snapshotOf } from '../../src/monitor/index.ts'
import { poolsWith } from '../support/pools.ts'
import type { OwnServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

const PATIENT = { timeoutMillis: 20_000 }

let server: OwnServer
const others: pg.Client[] = []

beforeAll(async () => {
  server = await startServer({ max_connections: 20 })
})
afterAll(() => server.stop())
afterEach(async () => {
  await Promise.all(others.splice(0).map((client) => client.end()))
})

const open = poolsWith({})

/** Sessions of somebody else. The server may still be busy with ending those of the test before. */
async function crowd(sessions: number): Promise<void> {
  for (let n = 0; n < sessions; ) {
    const client = new pg.Client({ connectionString: server.url, application_name: 'crowd' })
    const error = await client.connect().then(
      () => undefined,
      (failure: Error & { code?: string }) => failure,
    )
    if (error === undefined) {
      others.push(client)
      n++
    } else if (error.code !== '53300') throw error
  }
}

/** Asks until the server counts so many sessions: one that has ended is counted for a moment longer. */
async function countedAs(pool: Pool, sessions: number): Promise<Health> {
  for (;;) {
    const report = await health(pool, PATIENT)
    if (report.checks.sessions?.message === `${sessions} of the server's 17 sessions are taken`) return report
  }
}

// Of 20 sessions 3 are for superusers alone.
test('a server with 80 % of its sessions taken is a warning, and with less it is well', async () => {
  const pool = open({ connectionString: server.url })
  await pool.query('SELECT 1')
  await crowd(12)
  expect((await countedAs(pool, 13)).status).toBe('healthy')
  await crowd(1)
  const report = await countedAs(pool, 14)
  expect([report.status, report.warnings]).toEqual([
    'warning',
    ["sessions: 14 of the server's 17 sessions are taken"],
  ])
  const found = advise(snapshotOf(pool), await activity(pool, PATIENT))
  expect(found.map(({ code }) => code)).toEqual(['sessions-near-limit'])
  expect(found[0]?.evidence).toContain('most by crowd (13)')
})

test('a server that is full is unhealthy, and the first advice says so', async () => {
  await crowd(20)
  const pool = open({ connectionString: server.url, acquireTimeoutMillis: 2_000 })
  const report = await health(pool, PATIENT)
  expect([report.status, report.checks.database?.status]).toEqual(['unhealthy', 'unhealthy'])
  const [first] = advise(snapshotOf(pool))
  expect(first).toMatchObject({ code: 'server-full', severity: 'critical' })
  expect(first?.evidence).toContain('53300')
})

test('a frozen server is unhealthy in time, and the statement is not left to run when it wakes up', async () => {
  const pool = open({ connectionString: server.url, applicationName: 'frozen-test' })
  await pool.query('SELECT 1')
  server.freeze()
  try {
    const report = await health(pool, { timeoutMillis: 300 })
    expect([report.status, report.checks.database?.status]).toEqual(['unhealthy', 'unhealthy'])
    expect(report.checks.sessions?.status).toBe('warning')
  } finally {
    server.thaw()
  }
  for (;;) {
    const [row] = await server.admin<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'frozen-test' AND state = 'active'`,
    )
    if (row?.n === 0) break
  }
})
