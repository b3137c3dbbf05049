/** `monitor()` with a real pool: its figures are those of the pool and of the server. */
import { expect, onTestFinished, test } from 'vitest'
import type { PoolConfig } from '../../src/index.ts'
import { Pool } from '../../src/index.ts'
import type { MonitorOptions, PoolMetrics } from '../../src/monitor/index.ts'
import { monitor } from '../../src/monitor/index.ts'
import { databaseUrl } from '../support/postgres.ts'

function scene(config: PoolConfig = {}, options: MonitorOptions<Pool> = {}) {
  const pool = new Pool({ connectionString: databaseUrl(), max: 4, ...config })
  const monitoring = monitor({ web: pool }, options)
  onTestFinished(async () => {
    monitoring.stop()
    await pool.end()
  })
  const one = async () => (await monitoring.collect())[0] as PoolMetrics
  return { monitoring, one, pool }
}

test('after a known run the figures are those of the run and of stats()', async () => {
  const { one, pool } = scene()
  await one()
  for (let n = 0; n < 20; n++) await pool.query({ text: 'SELECT $1::int', values: [n], class: 'simple' })
  await pool.query({ text: 'SELECT pg_sleep(0.15)', class: 'simple' })
  await expect(pool.query({ text: `SELECT 's3cr3t'::int`, class: 'complex' })).rejects.toThrow('s3cr3t')
  const metrics = await one()
  const { opened, acquired, open } = pool.stats()
  expect(metrics).toMatchObject({
    kind: 'postgresql',
    queries: 22,
    queryErrors: 1,
    queryErrorsByCode: { '22P02': 1 },
    opened,
    acquired,
    openMeanMillis: open.mean,
    max: 4,
  })
  expect(metrics.recent).toMatchObject({ queries: 22, queryErrors: 1, openFailures: 0, connectTimeouts: 0 })
  expect(metrics.recent.connectMeanMillis).toBeCloseTo(open.mean, 6)
  expect(metrics.classes.simple?.count).toBe(21)
  expect(metrics.classes.simple?.slow).toBeGreaterThanOrEqual(1)
  expect(metrics.classes.simple?.maxMillis).toBeGreaterThanOrEqual(150)
  expect(metrics.classes.complex?.count).toBe(1)
  expect(JSON.stringify(metrics)).not.toContain('s3cr3t')
})

test('with activity the server tells of itself; a server that is away is noted and nothing more', async () => {
  const { one, pool } = scene({}, { activity: true })
  await pool.query('SELECT 1')
  const { extra } = await one()
  expect(extra.database).toMatchObject({ error: null, figures: { maxSessions: expect.any(Number) } })
  expect(Number(extra.database?.figures?.sessions)).toBeGreaterThanOrEqual(1)
  expect(Number(extra.database?.figures?.ownSessions)).toBeGreaterThanOrEqual(1)

  const away = scene({ connectionString: 'postgres://app:s3cr3t@127.0.0.1:1/app' }, { activity: true })
  const metrics = await away.one()
  expect(metrics.extra.database).toMatchObject({
    figures: null,
    error: expect.stringContaining('ECONNREFUSED'),
  })
  expect(JSON.stringify(metrics)).not.toContain('s3cr3t')
})

test('stopped, it leaves nothing at the pool that listens to statements', async () => {
  const { monitoring, one, pool } = scene()
  await pool.query('SELECT 1')
  await one()
  monitoring.stop()
  await pool.query('SELECT 1')
  // Counted anew from here on.
  expect((await one()).queries).toBe(0)
})
