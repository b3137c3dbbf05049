/** `echo` against a real server: which statements are heard, and where the lines go. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { PoolConfig } from '../../src/index.ts'
import { Pool, poolConfigFromEnv } from '../../src/index.ts'
import { databaseUrl } from '../support/postgres.ts'

function open(config: PoolConfig): Pool {
  const pool = new Pool({ connectionString: databaseUrl(), ...config })
  onTestFinished(() => pool.end())
  return pool
}

/** The lines, without their times. */
function statements(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line.replace(/ -- (failed after )?[\d.]+ ms/, (_, failed) => (failed ? ' failed' : '')),
  )
}

test('each statement of query(), batch(), a lease and a transaction is a line, without values', async () => {
  const lines: string[] = []
  const pool = open({ echo: (line) => lines.push(line) })
  await pool.query('SELECT $1::text, 7', ['s3cr3t'])
  await pool.query({ text: 'SELECT 8 AS eight' })
  await pool.batch(['SELECT 9', { text: 'SELECT $1::int', values: [1] }])
  const lease = await pool.lease()
  await lease.query(`SELECT 's3cr3t'`)
  lease.release()
  await pool.transaction((own) => own.query('SELECT 10'))
  await expect(pool.query(`SELECT 's3cr3t'::int`)).rejects.toThrow('s3cr3t')
  expect(statements(lines)).toEqual([
    'select $1::text, ?',
    'select ? as eight',
    'select ?; select $1::int',
    'select ?',
    'begin',
    'select ?',
    'commit',
    'select ?::int failed: 22P02',
  ])
  expect(lines.join()).not.toContain('s3cr3t')
})

test('true writes to the log of the pool, and to stderr where it has none', async () => {
  const log = vi.fn<(line: string) => void>()
  await open({ echo: true, log }).query('SELECT 11')
  expect(log).toHaveBeenCalledWith(expect.stringMatching(/^select \? -- [\d.]+ ms$/))
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  onTestFinished(() => stderr.mockRestore())
  await open({ echo: true }).query('SELECT 12')
  expect(stderr).toHaveBeenCalledWith(expect.stringMatching(/^select \? -- [\d.]+ ms\n$/))
  // The first pool's own statement, and nothing of the second one's.
  expect(log.mock.calls.filter(([line]) => line.startsWith('select'))).toHaveLength(1)
})

test('nothing is written where nothing is said, nor for an answer that was kept', async () => {
  const log = vi.fn<(line: string) => void>()
  await open({ log }).query('SELECT 13')
  expect(log).not.toHaveBeenCalledWith(expect.stringMatching(/select/))
  const lines: string[] = []
  const pool = open({ echo: (line) => lines.push(line) })
  for (let n = 0; n < 3; n++) await pool.query('SELECT 14', [], { cache: { ttl: 60_000 } })
  expect(lines).toHaveLength(1)
})

test('DB_ECHO says it too', () => {
  expect(poolConfigFromEnv({ DB_ECHO: '1' }).echo).toBe(true)
})

test('where sessions are lent by the statement, transactions are refused with what to do', async () => {
  const pool = open({ transactions: false })
  const refusal = expect.objectContaining({
    code: 'SLUICE_UNSUPPORTED_ON_ENDPOINT',
    message: expect.stringContaining('connect through a pooler in transaction or session mode'),
  })
  await expect(pool.transaction(async () => 1)).rejects.toEqual(refusal)
  await expect(pool.batch(['SELECT 1'])).rejects.toEqual(refusal)
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
})

test('a pool made of the environment alone answers', async () => {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl())
  const single = {
    DB_HOST: hostname,
    DB_PORT: port,
    DB_USERNAME: decodeURIComponent(username),
    DB_PASSWORD: decodeURIComponent(password),
    DB_NAME: pathname.slice(1),
  }
  for (const env of [
    single,
    { DATABASE_URL: databaseUrl() },
    { ...single, DATABASE_URL: `postgres://${hostname}:${port}` },
  ]) {
    const pool = new Pool(
      poolConfigFromEnv({ NODE_ENV: 'production', ...env }, { min: 0, applicationName: 'from env' }),
    )
    onTestFinished(() => pool.end())
    const { rows } = await pool.query('SELECT current_database() AS db, current_setting($1) AS app', [
      'application_name',
    ])
    expect(rows).toEqual([{ db: single.DB_NAME, app: 'from env' }])
    expect(pool.stats().max).toBe(50)
  }
})
