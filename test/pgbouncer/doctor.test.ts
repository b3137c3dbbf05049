/** `sluice doctor` and `explain()` through a real PgBouncer that lends sessions by the transaction. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Pool } from '../../src/index.ts'
import { explain } from '../../src/monitor/explain.ts'
import type { Finding } from '../../src/monitor/finding.ts'
import { run } from '../integration/cli-support.ts'
import { pgbouncers } from '../support/pgbouncer.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'

const start = pgbouncers()

const codesOf = (stdout: string): string[] =>
  (JSON.parse(stdout) as { findings: Finding[] }).findings.map(({ code }) => code)

test('the doctor sees through a pooler who holds a transaction open', async () => {
  const { url } = await start({ mode: 'transaction' })
  await withClient(async (client) => {
    await client.query('BEGIN')
    await sleep(1_500)
    const { stdout, stderr } = await run(['doctor', '--json'], { DATABASE_URL: url })
    expect(stderr).toBe('')
    expect(codesOf(stdout)).toContain('idle-in-transaction')
  }, databaseUrl())
})

interface Report {
  readonly findings: Finding[]
  readonly endpoint: { readonly is: string; readonly mode?: string }
  readonly unseen: string[]
}

async function doctor(env: Record<string, string>): Promise<Report> {
  const { stdout, stderr } = await run(['doctor', '--json'], env)
  expect(stderr).toBe('')
  return JSON.parse(stdout) as Report
}

/** What is said of the endpoint and the pool's use of it; the server may be busy with other tests. */
const aboutEndpoint = ({ findings }: Report) =>
  findings.map(({ code }) => code).filter((code) => /^endpoint-|-through-pooler$/.test(code))

test.each(['transaction', 'session'] as const)(
  'the doctor knows a pooler in %s mode, and is content with a pool that finds out',
  async (mode) => {
    // Its session mode PgBouncer tells on its console only.
    const { url } = await start({ mode, admins: ['sluice'] })
    const report = await doctor({ DATABASE_URL: url })
    expect(report.endpoint).toMatchObject({ is: mode, pooler: 'pgbouncer', mode, known: 'asked' })
    expect(aboutEndpoint(report)).toEqual([])
  },
)

test('the doctor finds prepared statements that go through a transaction pooler as if it kept sessions', async () => {
  const { url } = await start({ mode: 'transaction' })
  const report = await doctor({ DATABASE_URL: url, POOL_MODE: 'session' })
  expect(aboutEndpoint(report)).toEqual(['endpoint-mismatch', 'prepared-through-pooler'])
  const [first] = report.findings.filter(({ code }) => code === 'endpoint-mismatch')
  expect(first).toMatchObject({
    severity: 'warning',
    change: expect.stringContaining('POOL_MODE=transaction'),
  })
})

test('the doctor finds what another client prepares in sessions that go from one to the next', async () => {
  const { url } = await start({ mode: 'transaction', poolSize: 1 })
  await withClient(async (client) => {
    await client.query({ name: 'of-somebody', text: 'SELECT 1' })
    const report = await doctor({ DATABASE_URL: url })
    // Other tests are at the same server, and what they do there may be worse.
    expect(report.findings).toContainEqual(
      expect.objectContaining({
        code: 'prepared-through-pooler',
        evidence: expect.stringContaining('1 statement in it'),
      }),
    )
  }, url)
})

test('the doctor asks also where the string says that there is a pooler', async () => {
  const session = await start({ mode: 'session', admins: ['sluice'] })
  expect(aboutEndpoint(await doctor({ DATABASE_URL: `${session.url}?pgbouncer=true` }))).toEqual([
    'endpoint-mismatch',
  ])
  const transaction = await start({ mode: 'transaction' })
  expect(aboutEndpoint(await doctor({ DATABASE_URL: `${transaction.url}?pgbouncer=true` }))).toEqual([])
})

test('the doctor says that a pooler does not tell for how long it lends, and believes who says for good', async () => {
  const { url } = await start({ mode: 'session' })
  const report = await doctor({ DATABASE_URL: url, POOL_MODE: 'session' })
  expect(report.endpoint).toMatchObject({ pooler: 'pgbouncer', known: 'assumed' })
  expect(report.unseen.join('\n')).toContain('for how long the pooler lends a session')
  expect(aboutEndpoint(report)).toEqual([])
})

test('explain() leaves nothing in a session that others get next', async () => {
  const { url } = await start({ mode: 'transaction', poolSize: 1 })
  const pool = new Pool({ connectionString: url, endpoint: 'transaction' })
  try {
    await explain(pool, 'SELECT $1::int')
    await expect(explain(pool, 'SELECT nonsense')).rejects.toMatchObject({ code: '42703' })
    await explain(pool, 'SELECT $1::int')
    const { rows } = await pool.query(
      `SELECT (SELECT count(*)::int FROM pg_prepared_statements WHERE name = 'sluice_explain') AS left,
        current_setting('statement_timeout') AS timeout, current_setting('plan_cache_mode') AS mode`,
    )
    expect(rows).toEqual([{ left: 0, timeout: '0', mode: 'auto' }])
  } finally {
    await pool.end()
  }
})
