/** What the monitor sees through a pooler that lends sessions by the transaction. */
import { expect, test } from 'vitest'
import { activity, advise, health, snapshotOf } from '../../src/monitor/index.ts'
import { pgbouncers } from '../support/pgbouncer.ts'
import { poolsWith } from '../support/pools.ts'

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
    'endpoint transaction, and 100 prepared statements are kept for each connection',
  )
})
