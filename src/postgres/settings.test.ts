import { expect, test } from 'vitest'
import type { PoolConfig } from './config.ts'
import { Pool } from './pool.ts'

const settings = (config: PoolConfig) => new Pool(config).settings()

test('the settings of a bare pool are its defaults, and never is undefined', () => {
  expect(settings({})).toMatchObject({
    profile: undefined,
    endpoint: 'direct',
    max: 10,
    min: 0,
    maxOverflow: 0,
    acquireTimeoutMillis: 30_000,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 10_000,
    maxLifetimeMillis: undefined,
    maxUses: undefined,
    prePingMillis: 30_000,
    leakDetectionMillis: undefined,
    statementTimeout: undefined,
    queryTimeout: undefined,
    idleInTransactionTimeout: undefined,
    pipelining: 'auto',
    preparedStatements: 100,
    carriesPrepared: false,
    parallelQueries: 10,
    keepAlive: true,
    hasDirect: false,
    retries: false,
    circuitBreaker: false,
  })
})

test('settings say what options lead to, also under the names of pg', () => {
  expect(
    settings({
      connectionString: 'postgres://app@127.0.0.1:6543/app',
      max: '5' as never,
      idleTimeoutMillis: 0,
      maxLifetimeSeconds: 60,
      statement_timeout: 5_000,
      idleInTransactionTimeout: 700,
      prePing: false,
      keepAlive: false,
      applicationName: 'worker',
      retry: true,
    }),
  ).toMatchObject({
    endpoint: 'transaction',
    max: 5,
    idleTimeoutMillis: undefined,
    maxLifetimeMillis: 60_000,
    statementTimeout: 5_000,
    idleInTransactionTimeout: 700,
    prePingMillis: undefined,
    preparedStatements: 0,
    pipelining: false,
    keepAlive: false,
    applicationName: 'worker',
    retries: true,
  })
})

test('settings follow a resize and do not change any more', () => {
  const pool = new Pool({ max: 4 })
  const before = pool.settings()
  pool.resize({ max: 8, min: 2 })
  expect([before.max, pool.settings().max, pool.settings().min]).toEqual([4, 8, 2])
  expect(Object.isFrozen(before)).toBe(true)
})

test('no secret is in the settings', () => {
  const text = JSON.stringify(
    settings({
      connectionString: 'postgres://app:hunter2@127.0.0.1/app',
      directConnectionString: 'postgres://app:hunter3@127.0.0.1/app',
      password: 'hunter4',
    }),
  )
  expect(text).not.toContain('hunter')
})

test('the number of learned statements to show is from 1 to 10,000', () => {
  const pool = new Pool()
  expect(() => pool.statements(0)).toThrow('limit must be a whole number from 1 to 10,000; it is 0')
  expect(() => pool.statements(10_001)).toThrow('limit must be')
})

test('settings show what a profile gives, and what was given over it', () => {
  expect(settings({ profile: 'edge', max: 4 })).toMatchObject({
    profile: 'edge',
    max: 4,
    idleTimeoutMillis: 1_000,
    acquireTimeoutMillis: 5_000,
    statementTimeout: 10_000,
    queryTimeout: 8_000,
    preparedStatements: 0,
    pipelining: false,
    allowExitOnIdle: true,
  })
})

test('settings go by the endpoint that is known, and keep what was asked for by name', () => {
  const said = { endpoint: 'session', pipelining: true } as const
  expect(settings(said)).toMatchObject({ endpoint: 'session', pipelining: true, carriesPrepared: true })
  const prepare = { endpoint: 'transaction', prepare: true } as const
  expect(settings(prepare)).toMatchObject({ preparedStatements: 100, carriesPrepared: false })
})
