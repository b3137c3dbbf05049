/** The headline figures that hold on any machine, however busy; `npm run bench -- headline` measures all of them. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EmbeddedPostgres } from '../../src/demo/embedded.ts'
import { startPostgres } from '../../src/demo/embedded.ts'
import { networks, poolsWith } from '../support/pools.ts'
import { watchSessions, withClient } from '../support/postgres.ts'

const max = 10
let server: EmbeddedPostgres
beforeAll(async () => {
  server = await startPostgres()
  await withClient(async (client) => {
    await client.query(`CREATE ROLE ten LOGIN PASSWORD 'ten' CONNECTION LIMIT ${max}`)
  }, server.url)
})
afterAll(() => server.stop())

const network = networks()
const pools = poolsWith({ max })

function limited(): string {
  const url = new URL(server.url)
  url.username = 'ten'
  url.password = 'ten'
  return url.href
}

/** So many callers ask again and again, each after its last answer. Resolves with how often they were answered; throws what they were told instead. */
async function callers(count: number, times: number, ask: () => Promise<unknown>): Promise<number> {
  const calls = Array.from({ length: count }, async () => {
    for (let n = 0; n < times; n++) await ask()
    return times
  })
  return (await Promise.all(calls)).reduce((sum, answered) => sum + answered, 0)
}

test('10× more callers at the same connections: 100 on 10 are all answered, with no acquire timeout and at least 95 % reuse', async () => {
  const pool = pools({ connectionString: limited(), applicationName: 'headline', pipelining: false })
  const watch = await watchSessions('headline', server.url)
  expect(await callers(100, 20, () => pool.query('SELECT 1'))).toBe(2_000)
  const { max: sessions } = await watch.stop()
  expect(sessions).toBeLessThanOrEqual(max)
  expect(pool.stats()).toMatchObject({ timeouts: 0, openFailures: 0 })
  expect(pool.stats().reuse).toBeGreaterThanOrEqual(0.95)
  expect(pool.stats().opened).toBeLessThanOrEqual(max)
})

test('getting a connection takes at most 5 ms where connecting takes 150, which is at least 80 % less', async () => {
  // Three round trips: the first word, and two of SCRAM.
  const { connectionString } = await network(60, server.url)
  const pool = pools({ connectionString })
  await pool.query('SELECT 1')
  const connecting: number[] = []
  const getting: number[] = []
  for (let n = 0; n < 9; n++) {
    const began = performance.now()
    const client = new pg.Client({ connectionString })
    await client.connect()
    connecting.push(performance.now() - began)
    await client.end()
    const asked = performance.now()
    const lent = await pool.connect()
    getting.push(performance.now() - asked)
    lent.release()
  }
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number
  expect(median(connecting)).toBeGreaterThan(150)
  expect(median(getting)).toBeLessThanOrEqual(5)
  expect(median(getting)).toBeLessThanOrEqual(0.2 * median(connecting))
})

test('a pool recovers by itself when every backend is ended, and when the server restarts under its callers', async () => {
  const pool = pools({ connectionString: server.url })
  pool.on('error', () => {})
  await callers(max, 5, () => pool.query('SELECT 1'))
  await withClient(async (client) => {
    await client.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    )
  }, server.url)
  expect(await callers(100, 1, () => pool.query('SELECT 1'))).toBe(100)
  let over = false
  const asking = callers(20, 1, async () => {
    while (!over) await pool.query('SELECT 1').catch(() => sleep(10))
  })
  await server.restart()
  expect(await callers(100, 1, () => pool.query('SELECT 1'))).toBe(100)
  over = true
  await asking
})
