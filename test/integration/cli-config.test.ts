/** `sluice config`, as the shell runs it. */
import { describe, expect, test } from 'vitest'
import type { Explanation } from '../../src/index.ts'
import type { Ended } from './cli-support.ts'
import { run } from './cli-support.ts'

const secret = 's3cr3t'
const url = `postgres://ann:${secret}@db.example:5433/app?connection_limit=5&pool_timeout=7`

/** An environment with nothing of this machine that config would read. */
const bare = {
  DATABASE_URL: '',
  DATABASE_POOL_URL: '',
  NODE_ENV: '',
  SLUICE_ENVIRONMENT: '',
  PGHOST: '',
  PGPORT: '',
  PGUSER: '',
  PGPASSWORD: '',
  PGDATABASE: '',
  npm_package_name: 'shop',
}

/** Runs config; whatever comes, the secret must not. */
async function config(env: Record<string, string>, ...args: string[]): Promise<Ended> {
  const ended = await run(['config', ...args], { ...bare, ...env })
  expect(ended.stdout + ended.stderr).not.toContain(secret)
  return ended
}

/** What it prints, with all space folded. */
const folded = ({ stdout }: Ended): string => stdout.replace(/\s+/g, ' ')

describe('a table', () => {
  test('names the winner of each option, with its unit, and the losers', async () => {
    const ended = await config({ DATABASE_URL: url, DB_POOL_SIZE: '7' })
    expect([ended.code, ended.stderr]).toEqual([0, ''])
    const text = folded(ended)
    expect(text).toContain('max 5 connections connection_limit of DATABASE_URL')
    expect(text).toContain('wins over 7 connections (DB_POOL_SIZE), 10 connections (environment development)')
    expect(text).toContain('acquireTimeoutMillis 7,000 ms (7 s) pool_timeout of DATABASE_URL')
    expect(text).toContain('host db.example DATABASE_URL')
    expect(text).toContain('password *** DATABASE_URL')
    expect(text).toContain('maxLifetimeMillis 1,800,000 ms (30 min) environment development')
    expect(text).toContain('endpoint auto default')
    for (const line of ended.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('ends with what is missing', async () => {
    const ended = await config({ NODE_ENV: 'production', DB_HOST: 'h' })
    expect(ended.code).toBe(1)
    expect(folded(ended)).toContain(
      'DB_NAME, DB_USERNAME, DB_PASSWORD are not set, and have no default in production',
    )
  })

  test('says the same value once', async () => {
    const env = { DATABASE_URL: url, NODE_ENV: 'production', SLUICE_PROFILE: 'serverless' }
    const text = folded(await config(env))
    expect(text).not.toMatch(/(acquireTimeoutMillis|statementTimeout) ([\d,]+ ms) \S+ \S+ \S+ wins over \2 /)
    expect(text).toContain(
      'statementTimeout 30,000 ms (30 s) environment production as profile serverless says',
    )
  })

  test('notes that the table of the environment overrules a profile that was named', async () => {
    const env = { DATABASE_URL: 'postgres://u:p@h/d', NODE_ENV: 'production', SLUICE_PROFILE: 'serverless' }
    const note = 'max is 50 by the environment table of production and 10 by profile serverless'
    expect(folded(await config(env))).toContain(note)
    const without = folded(await config({ ...env, SLUICE_ENVIRONMENT: 'none' }))
    expect(without).not.toContain(note)
    expect(without).toContain('max 10 connections profile serverless')
  })

  test('follows what the command line chooses', async () => {
    const choice = ['--environment', 'none', '--traffic', 'large', '--profile', 'edge']
    const text = folded(await config({ DATABASE_URL: url }, ...choice))
    expect(text).toContain('environment none --environment')
    expect(text).toContain('maxOverflow 60 connections traffic large')
    expect(text).toContain('idleTimeoutMillis 1,000 ms (1 s) profile edge')
  })
})

test('JSON is one object with a row an option', async () => {
  const { code, stdout, stderr } = await config({ DATABASE_URL: url }, '--json')
  expect([code, stderr]).toEqual([0, ''])
  const body = JSON.parse(stdout) as { ok: boolean; missing: unknown; options: Explanation[] }
  expect([body.ok, body.missing]).toEqual([true, null])
  const rows = new Map(body.options.map((one) => [one.option, one]))
  expect(rows.get('max')).toMatchObject({
    value: 5,
    unit: 'connections',
    source: 'connection_limit of DATABASE_URL',
  })
  expect(rows.get('password')).toMatchObject({ value: '***', source: 'DATABASE_URL' })
  expect(rows.get('database')?.losers).toEqual([{ value: 'shop', source: 'environment development' }])
  const missing = await config({ NODE_ENV: 'staging' }, '--json')
  expect([missing.code, JSON.parse(missing.stdout)]).toEqual([1, expect.objectContaining({ ok: false })])
})

describe('what makes no sense', () => {
  test('is one sentence and no stack', async () => {
    const { code, stdout, stderr } = await config({ DB_POOL_TIMEOUT: 'soon', DATABASE_URL: url })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toBe(
      'sluice: DB_POOL_TIMEOUT must be a number from 0.001 to 2,147,483 (seconds); it is "soon".\n',
    )
  })

  test('in a connection string is not repeated', async () => {
    const { code, stderr } = await config({ DATABASE_URL: `postgres://ann:${secret}/%@db/app` })
    expect([code, stderr.split('\n').length]).toEqual([2, 2])
    expect(stderr).toContain('DATABASE_URL has characters in its password that a URL gives another meaning')
  })

  test('on the command line is refused with what would', async () => {
    const { code, stderr } = await config({}, '--profile', 'lambda')
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('persistent, serverless, edge, high-performance'),
    ])
  })
})
