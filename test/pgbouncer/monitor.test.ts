/** What the monitor sees through a pooler that lends sessions by the transaction. */
import { expect, test } from 'vitest'
import { activity, advise, health, snapshotOf } from '../../src/monitor/index.ts'
import { pgbouncers } from '../support/pgbouncer.ts'
import { poolsWith } from '../support/pools.ts'
import { known } from './support.ts'

const start = pgbouncers()
const open = poolsWith({ max: 10, endpoint: 'transaction', idleTimeoutMillis: 10_000 })

const PATIENT = { timeoutMillis: 20_000 }

test('health, activity and advice are asked through a transaction pooler as through any other way', async () => {
  const { url } = await start()
  const pool = open({ connectionString: url })
  const report = await health(pool, PATIENT)
  expect([report.warnings, report.status]).toEqual([[], 'healthy'])
  const seen = await activity(pool, PATIENT)
  expect(seen.total).toBeGreaterThanOrEqual(1)
  expect(seen.own).toBe(0)
  const codes = advise(snapshotOf(pool), seen).map(({ code }) => code)
  expect(codes).not.toContain('prepared-through-pooler')
})

test('prepared statements are found that were asked for through a pooler that may not carry them', async () => {
  const { url } = await start()
  const pool = open({ connectionString: url, prepare: true })
  const [finding] = advise(snapshotOf(pool)).filter(({ code }) => code === 'prepared-through-pooler')
  expect(finding?.evidence).toBe(
    'Endpoint transaction, and 100 prepared statements are kept for each connection.',
  )
})

test('a pool that was told of a server finds by the numbers of its sessions that a pooler answers', async () => {
  const { url } = await start()
  const pool = open({ connectionString: url, endpoint: 'direct', prepare: false, pipelining: false })
  await pool.query('SELECT 1')
  expect(advise(snapshotOf(pool)).map(({ code }) => code)).toEqual(['endpoint-mismatch'])
})

test('settings and advice go by what has become known of the endpoint', async () => {
  const { url } = await start()
  const pool = open({ connectionString: url, endpoint: 'auto' })
  expect(pool.settings()).toMatchObject({ endpoint: 'direct', preparedStatements: 100, pipelining: 'auto' })
  await known(pool)
  expect(pool.settings()).toMatchObject({
    endpoint: 'transaction',
    preparedStatements: 0,
    pipelining: false,
    carriesPrepared: false,
  })
  expect(advise(snapshotOf(pool))).toEqual([])
  const asked = open({ connectionString: url, endpoint: 'auto', pipelining: true, prepare: true })
  await known(asked)
  expect(advise(snapshotOf(asked)).map(({ code }) => code)).toEqual([
    'prepared-through-pooler',
    'pipelining-through-pooler',
  ])
})
