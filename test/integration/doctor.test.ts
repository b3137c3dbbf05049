/** `sluice doctor`, as the shell runs it: faults planted one at a time on a server of its own, seen by an ordinary role. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { EmbeddedPostgres } from '../../src/demo/embedded.ts'
import { startPostgres } from '../../src/demo/embedded.ts'
import { Pool } from '../../src/index.ts'
import type { Finding } from '../../src/monitor/finding.ts'
import { withClient } from '../support/postgres.ts'
import { answering, errorResponse, run } from './cli-support.ts'

const secret = 's3cr3t'
const walls = "SET statement_timeout = '5min'"
const idleWall = "SET idle_in_transaction_session_timeout = '5min'"
let server: EmbeddedPostgres
const open = new Set<{ end(): Promise<void> }>()

beforeAll(async () => {
  server = await startPostgres({
    settings: {
      max_connections: 60,
      max_prepared_transactions: 5,
      shared_preload_libraries: 'pg_stat_statements',
      autovacuum: 'off',
      max_parallel_workers_per_gather: 0,
    },
  })
  await admin(
    ...['app', 'bare', 'narrow', 'alone'].map((role) => `CREATE ROLE ${role} LOGIN PASSWORD '${secret}'`),
    ...['app', 'narrow', 'alone'].flatMap((role) => [
      `ALTER ROLE ${role} ${walls}`,
      `ALTER ROLE ${role} ${idleWall}`,
    ]),
    'ALTER ROLE narrow CONNECTION LIMIT 10',
    'GRANT CREATE ON SCHEMA public TO app',
    'CREATE DATABASE watched OWNER app',
  )
  await withClient(
    async (client) => client.query('CREATE EXTENSION pg_stat_statements'),
    as('sluice', 'watched'),
  )
})
afterEach(async () => {
  const ended = [...open].map((one) => one.end())
  open.clear()
  await Promise.all(ended)
  // What has ended is still counted for a moment.
  await until("SELECT count(*) = 1 AS ok FROM pg_stat_activity WHERE backend_type = 'client backend'")
})
afterAll(() => server.stop())

/** The URL of a role; `sluice` is the superuser. */
function as(role: string, database = 'sluice'): string {
  const url = new URL(server.url)
  if (role !== 'sluice') {
    url.username = role
    url.password = secret
  }
  url.pathname = `/${database}`
  return url.href
}

async function admin(...texts: string[]): Promise<void> {
  await withClient(async (client) => {
    for (const text of texts) await client.query(text)
  }, server.url)
}

/** Waits for a condition at the server. */
async function until(condition: string): Promise<void> {
  await withClient(async (client) => {
    for (;;) {
      const { rows } = await client.query<{ ok: boolean }>(condition)
      if (rows[0]?.ok === true) return
      await sleep(50)
    }
  }, server.url)
}

/** Waits until all sessions of an application have been in their state for so long. */
function aged(application: string, millis: number): Promise<void> {
  return until(
    `SELECT min(clock_timestamp() - state_change) > interval '${millis} ms' AS ok FROM pg_stat_activity
      WHERE application_name LIKE '${application}%'`,
  )
}

/** A session that stays until the end of the test. */
async function session(application: string, role = 'app', ...texts: string[]): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: as(role), application_name: application })
  client.on('error', () => {})
  await client.connect()
  open.add({ end: () => client.end() })
  for (const text of texts) await client.query(text)
  return client
}

interface Report {
  findings: Finding[]
  unseen: string[]
  code: number | null
}

/** Runs the doctor; whatever comes, the secret must not. */
async function doctor(role = 'app', database?: string, env: Record<string, string> = {}): Promise<Report> {
  const { code, stdout, stderr } = await run(['doctor', '--json'], {
    DATABASE_URL: as(role, database),
    ...env,
  })
  expect(stdout + stderr).not.toContain(secret)
  expect(stderr).toBe('')
  const { findings, unseen } = JSON.parse(stdout) as Report
  return { findings, unseen, code }
}

const codesOf = ({ findings }: Report): string[] => findings.map(({ code }) => code)

describe('a healthy server', () => {
  test('gives no finding and exit code 0', async () => {
    await session('web')
    const report = await doctor()
    expect(report).toMatchObject({ findings: [], code: 0 })
  })

  test('gives none either while it works', async () => {
    const pool = new Pool({ connectionString: as('app'), application_name: 'web', max: 5 })
    open.add(pool)
    let working = true
    const work = Promise.all(
      Array.from({ length: 8 }, async () => {
        while (working) await pool.batch(['SELECT pg_sleep(0.005)', 'SELECT 1'])
      }),
    )
    const report = await doctor()
    working = false
    await work
    expect(report).toMatchObject({ findings: [], code: 0 })
  })
})

describe('a planted fault is named first:', () => {
  test('1. a pool that leaks its connections', async () => {
    const pool = new Pool({ connectionString: as('app'), application_name: 'leaky', max: 4 })
    open.add({ end: () => pool.end({ timeoutMillis: 100 }) })
    for (let i = 0; i < 4; i++) {
      const client = await pool.connect()
      await client.query('BEGIN')
      await client.query(`SELECT 'forgotten ${i}'`)
    }
    await aged('leaky', 1_000)
    const report = await doctor()
    expect(codesOf(report)).toEqual(['leak'])
    expect(report.findings[0]).toMatchObject({
      severity: 'critical',
      title: expect.stringContaining('"leaky"'),
      evidence: expect.stringMatching(/^4 sessions .* select \?\.$/),
    })
    expect(report.code).toBe(4)
  })

  test('2. a session that is idle in a transaction', async () => {
    await session('thinking', 'app', 'BEGIN', "SELECT 'a question for the model'")
    await aged('thinking', 1_000)
    const report = await doctor()
    expect(report.findings).toMatchObject([
      { code: 'idle-in-transaction', severity: 'warning', evidence: expect.stringContaining('select ?') },
    ])
    expect(report.code).toBe(3)
  })

  test('3. a queue of locks, by the session at its head', async () => {
    await admin('CREATE TABLE IF NOT EXISTS seat (id int PRIMARY KEY)', 'GRANT ALL ON seat TO app')
    await admin('INSERT INTO seat VALUES (1), (2) ON CONFLICT DO NOTHING', 'ANALYZE seat')
    const root = await session('root', 'app', 'BEGIN', 'SELECT FROM seat WHERE id = 1 FOR UPDATE')
    const middle = await session('middle', 'app', 'BEGIN', 'SELECT FROM seat WHERE id = 2 FOR UPDATE')
    const last = await session('last')
    const waits = [
      middle.query('SELECT FROM seat WHERE id = 1 FOR UPDATE'),
      last.query('SELECT FROM seat WHERE id = 2 FOR UPDATE'),
    ].map((wait) => wait.catch(() => {}))
    await until(
      `SELECT count(*) = 2 AS ok FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND clock_timestamp() - query_start > interval '1.2 s'`,
    )
    const report = await doctor()
    const { rows } = await root.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const pid = rows[0]?.pid
    expect(codesOf(report)).toEqual(['blocked'])
    expect(report.findings[0]).toMatchObject({
      severity: expect.stringMatching(/^(warning|critical)$/),
      title: `2 sessions wait for locks behind session ${pid} of "root"`,
      evidence: expect.stringContaining('3 sessions deep'),
      change: expect.stringContaining(`pg_terminate_backend(${pid})`),
    })
    await root.query('ROLLBACK')
    await waits[0]
    await middle.query('ROLLBACK')
    await waits[1]
  })

  test('4. many sessions that an application does not use', async () => {
    for (let i = 0; i < 20; i++) await session('hoarder')
    await aged('hoarder', 10_000)
    const report = await doctor()
    expect(codesOf(report)).toEqual(['hoarded-sessions'])
    expect(report.findings[0]?.title).toBe('Application "hoarder" keeps 20 sessions that it does not use')
  })

  test('5. a server that is nearly full', async () => {
    for (let i = 0; i < 48; i++) await session(`busy ${i}`)
    const report = await doctor()
    expect(codesOf(report)).toEqual(['sessions-near-limit'])
    expect(report.findings[0]?.evidence).toMatch(/^(?:49|50) of 57 sessions are taken/)
  })

  test('6. a role that has nearly all its connections', async () => {
    for (let i = 0; i < 8; i++) await session(`narrow ${i}`, 'narrow')
    const report = await doctor('narrow')
    expect(codesOf(report)).toEqual(['role-limit'])
    expect(report.findings[0]?.evidence).toMatch(/^(?:9|10) of 10 sessions are taken/)
  })

  test('7. a statement that runs for long', async () => {
    const client = await session('slow')
    const slow = client.query('SELECT pg_sleep(600)').catch(() => {})
    await until(
      `SELECT clock_timestamp() - query_start > interval '5.1 s' AS ok FROM pg_stat_activity
        WHERE application_name = 'slow'`,
    )
    const report = await doctor()
    expect(codesOf(report)).toEqual(['long-statement'])
    expect(report.findings[0]?.evidence).toContain('select pg_sleep (?)')
    await admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'slow'`)
    await slow
  })

  test('8. a prepared transaction that nobody ends', async () => {
    await withClient(async (client) => {
      await client.query('CREATE TABLE IF NOT EXISTS paid (id int)')
      await client.query('BEGIN; INSERT INTO paid VALUES (1)')
      await client.query(`PREPARE TRANSACTION 'order 4711'`)
    }, as('app'))
    await until(
      `SELECT clock_timestamp() - prepared > interval '5 s' AS ok FROM pg_prepared_xacts WHERE gid = 'order 4711'`,
    )
    const report = await doctor()
    await admin(`ROLLBACK PREPARED 'order 4711'`)
    expect(codesOf(report)).toEqual(['prepared-transaction'])
    expect(report.findings[0]?.change).toContain(`COMMIT PREPARED 'order 4711'`)
  })

  test('9. a role that the server ends nothing for', async () => {
    const report = await doctor('bare')
    expect(report).toMatchObject({ findings: [{ code: 'no-timeouts', severity: 'advice' }], code: 0 })
    await admin(...(report.findings[0]?.change ?? '').split('; '))
    expect(await doctor('bare')).toMatchObject({ findings: [], code: 0 })
  })

  const fill = `CREATE TABLE big AS SELECT i AS id, i % 5000 AS topic, repeat('x', 100) AS note
    FROM generate_series(1, 40000) AS i`
  const scan = 'SELECT * FROM big WHERE topic = $1'

  test('10. a large table that is read from end to end, by its statistics', async () => {
    await withClient(async (client) => {
      await client.query(fill)
      await client.query('ANALYZE big')
      for (let i = 0; i < 60; i++) await client.query(scan, [i])
      await client.query('SELECT pg_stat_force_next_flush()')
    }, as('app'))
    const report = await doctor()
    await admin('DROP TABLE big')
    expect(codesOf(report)).toEqual(['missing-index'])
    expect(report.findings[0]?.title).toContain('public.big')
  })

  test('11. a missing index, by the statements that cost most', async () => {
    await withClient(
      async (client) => {
        await client.query(fill)
        await client.query('ANALYZE big')
        for (let i = 0; i < 60; i++) await client.query(scan, [i])
        await client.query('SELECT pg_stat_force_next_flush()')
      },
      as('app', 'watched'),
    )
    const report = await doctor('app', 'watched')
    expect(report.findings).toMatchObject([
      {
        code: 'missing-index',
        change: 'CREATE INDEX CONCURRENTLY ON "public"."big" ("topic")',
        evidence: expect.stringContaining('select * from big where topic = $1 ran 60 times'),
      },
    ])
    // The statistics remember the scans; the plan knows better.
    await withClient(
      async (client) => {
        await client.query(report.findings[0]?.change ?? '')
        await client.query('SELECT pg_stat_reset()')
      },
      as('sluice', 'watched'),
    )
    expect(await doctor('app', 'watched')).toMatchObject({ findings: [], code: 0 })
  })

  test('12. a sort that does not fit into memory', async () => {
    await withClient(
      async (client) => {
        await client.query(
          'CREATE TABLE IF NOT EXISTS lines AS SELECT i AS id, md5(i::text) AS note FROM generate_series(1, 200000) AS i',
        )
        await client.query('ANALYZE lines')
        for (let i = 0; i < 25; i++) await client.query('SELECT note FROM lines ORDER BY note OFFSET 199999')
      },
      as('app', 'watched'),
    )
    const report = await doctor('app', 'watched')
    expect(codesOf(report)).toEqual(['spill-expected'])
    expect(report.findings[0]?.change).toContain('SET LOCAL work_mem')
  })

  test('13. a table full of dead rows', async () => {
    await withClient(async (client) => {
      await client.query('CREATE TABLE churn AS SELECT i FROM generate_series(1, 30000) AS i')
      await client.query('UPDATE churn SET i = i + 1')
      await client.query('SELECT pg_stat_force_next_flush()')
    }, as('app'))
    const report = await doctor()
    await admin('DROP TABLE churn')
    expect(codesOf(report)).toEqual(['dead-rows'])
  })
})

describe('a planted fault of the environment is named first:', () => {
  test('14. a pool that is too large for the server', async () => {
    const report = await doctor('app', undefined, { DB_POOL_SIZE: '50', DB_MAX_OVERFLOW: '20' })
    expect(report.findings[0]).toMatchObject({
      code: 'above-share',
      evidence: expect.stringContaining('makes 70; the server has 57'),
    })
    expect(report.code).toBe(3)
  })

  test('15. pools that are too large together', async () => {
    const env = { DATABASE_URL: as('app'), DB_POOL_SIZE: '10', DB_MAX_OVERFLOW: '0' }
    const codes = async (instances: string): Promise<string[]> => {
      const { stdout } = await run(['doctor', '--json', '--instances', instances], env)
      return codesOf(JSON.parse(stdout) as Report)
    }
    expect([await codes('5'), await codes('6')]).toEqual([[], ['above-share']])
  })

  test.each([
    ['a size that is no number', { DB_POOL_SIZE: 'ten' }, 'DB_POOL_SIZE must be a whole number'],
    ['a timeout in the wrong unit', { DB_POOL_TIMEOUT: '30000000' }, 'DB_POOL_TIMEOUT must be'],
    ['a mode that does not exist', { POOL_MODE: 'fast' }, 'POOL_MODE must be'],
  ])('16. %s', async (_, env, sentence) => {
    const report = await doctor('app', undefined, env)
    expect(report.findings).toMatchObject([
      { code: 'bad-configuration', severity: 'critical', evidence: expect.stringContaining(sentence) },
    ])
    expect(report.code).toBe(4)
  })

  test('17. a pool that takes the server for a pooler', async () => {
    const url = `${as('app')}?pgbouncer=true`
    const { code, stdout } = await run(['doctor', '--json'], { DATABASE_URL: url })
    expect(codesOf(JSON.parse(stdout) as Report)).toEqual(['endpoint-mismatch'])
    expect(code).toBe(0)
  })
})

describe('the doctor', () => {
  test('says what it could not see, and sees it with the right to', async () => {
    await session('private', 'bare', 'BEGIN', 'SELECT 1')
    await aged('private', 1_000)
    const blind = await doctor('alone')
    expect(blind).toMatchObject({ findings: [], code: 0 })
    expect(blind.unseen.join('\n')).toContain('pg_read_all_stats')
    await admin('GRANT pg_read_all_stats TO alone')
    const seeing = await doctor('alone')
    expect(codesOf(seeing)).toEqual(['idle-in-transaction'])
    expect(seeing.unseen.join('\n')).not.toContain('pg_read_all_stats')
  })

  test('uses one session at a time, by its name', async () => {
    const seen: number[] = []
    let watching = true
    const watch = withClient(async (client) => {
      while (watching) {
        const { rows } = await client.query<{ n: number }>(
          `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'sluice doctor'`,
        )
        seen.push(rows[0]?.n ?? 0)
      }
    }, server.url)
    await doctor()
    watching = false
    await watch
    // The one that has looked who is there may not have gone quite when the other comes.
    expect(Math.max(...seen)).toBeGreaterThanOrEqual(1)
    expect(Math.max(...seen)).toBeLessThanOrEqual(2)
  })

  test('tells a person the same, within the width of a terminal', async () => {
    await session('thinking', 'app', 'BEGIN', 'SELECT 1')
    await aged('thinking', 1_000)
    const { code, stdout, stderr } = await run(['doctor'], { DATABASE_URL: as('app') })
    expect([code, stderr]).toEqual([3, ''])
    expect(stdout).toMatch(/One thing is wrong with database sluice as app/)
    expect(stdout).toMatch(/1 +warning +1 session does nothing inside a transaction\n +seen .*\n/)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('shows a person what it has looked at where nothing is wrong, and only names it where something is', async () => {
    const { code, stdout } = await run(['doctor'], { DATABASE_URL: as('app') })
    expect(code).toBe(0)
    expect(stdout).toMatch(/Nothing is wrong with database sluice as app/)
    expect(stdout).toMatch(/✓ database +answers SELECT 1 in [\d,.]+ ms\n/)
    expect(stdout).toMatch(/✓ endpoint +the server itself/)
    expect(stdout).toMatch(/✓ sessions +\d+ of the server's 57 sessions are taken/)
    expect(stdout).toMatch(/✓ pool +min 2, max 10 in one process/)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    await session('thinking', 'app', 'BEGIN', 'SELECT 1')
    await aged('thinking', 1_000)
    const sick = await run(['doctor'], { DATABASE_URL: as('app') })
    expect(sick.stdout).toMatch(/✓ well: database, endpoint, sessions, locks, statements,/)
  })

  test('says why it cannot connect, with exit code 1', async () => {
    const { port, server: scripted } = await answering(
      errorResponse('53300', 'sorry, too many clients already'),
    )
    try {
      const ended = await run(['doctor', '--json'], {
        DATABASE_URL: `postgres://app:${secret}@127.0.0.1:${port}/x`,
      })
      expect(ended.code).toBe(1)
      expect(JSON.parse(ended.stdout)).toMatchObject({ ok: false, kind: 'too-many-clients', code: '53300' })
    } finally {
      scripted.close()
    }
  })

  test.each([[['nonsense']], [['--timeout', '0']], [[]]])('refuses %j with exit code 2', async (args) => {
    const { code, stdout, stderr } = await run(['doctor', ...args])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^sluice: .*\n$/)
  })
})
