/** A server that has no room for more sessions. */
import { expect, test, vi } from 'vitest'
import type { Pool } from '../../src/index.ts'
import { fakeServers, poolsWith } from '../support/pools.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'
import { mostInASecond, use } from './support.ts'

const fake = fakeServers()
const open = poolsWith({ acquireTimeoutMillis: 15_000 })

/** Lets callers come all the time for a while; resolves with their errors when all of them are served. */
async function crowd(pool: Pool, millis: number): Promise<unknown[]> {
  const errors: unknown[] = []
  const until = performance.now() + millis
  const caller = async (): Promise<void> => {
    do {
      await use(pool).catch((error: unknown) => errors.push(error))
      await new Promise((resolve) => setTimeout(resolve, 5))
    } while (performance.now() < until)
  }
  await Promise.all(Array.from({ length: 30 }, caller))
  return errors
}

test.each(['53300', '53400'])(
  'too many clients for two seconds (%s) fail nobody who has the time, and the server is not stormed',
  async (code) => {
    const server = await fake({
      at: 'startup',
      fault: { error: code, message: 'sorry, too many clients already' },
    })
    const pool = open({ connectionString: server.url, max: 20 })
    setTimeout(() => server.always([]), 2_000)
    expect(await crowd(pool, 2_500)).toEqual([])
    expect(mostInASecond(server.acceptedAt)).toBeLessThan(60)
  },
)

test('too many clients make the pool knock more gently, until it is let in', async () => {
  const server = await fake([
    { at: 'startup', fault: { pause: 50 } },
    { at: 'startup', fault: { error: '53300' } },
  ])
  const pool = open({ connectionString: server.url, max: 20 })
  const asked = Promise.all(Array.from({ length: 20 }, () => use(pool)))
  asked.catch(() => undefined)
  await vi.waitFor(() => expect(pool.stats().openFailures).toBeGreaterThan(5), 10_000)
  let most = 0
  await vi.waitFor(
    () => {
      most = Math.max(most, pool.stats().opening)
      expect(pool.stats().openFailures).toBeGreaterThan(9)
    },
    { timeout: 10_000, interval: 2 },
  )
  expect(most).toBeLessThanOrEqual(2)
  server.always([])
  await asked
})

test('a server that allows fewer sessions than max fails nobody, and is not stormed', async () => {
  const role = 'sluice_few'
  await withClient(async (admin) => {
    await admin.query(`DROP ROLE IF EXISTS ${role}`)
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'few' CONNECTION LIMIT 3`)
  })
  const url = new URL(databaseUrl())
  Object.assign(url, { username: role, password: 'few' })
  const pool = open({ connectionString: url.href, max: 10 })
  expect(await crowd(pool, 2_000)).toEqual([])
  const { openFailures } = pool.stats()
  expect(openFailures).toBeGreaterThan(0)
  expect(openFailures).toBeLessThan(120)
  await pool.end()
  await withClient((admin) => admin.query(`DROP ROLE ${role}`))
})
