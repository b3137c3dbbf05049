/** What happens to those who wait until it is known what the endpoint is, when the server does not answer. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { Pool } from '../../src/index.ts'
import { databaseUrl } from '../support/postgres.ts'
import type { TcpProxy } from '../support/proxy.ts'
import { startProxy } from '../support/proxy.ts'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** A pool with one idle connection over which nothing arrives any more, and that has asked nothing yet. */
async function silenced(): Promise<{ pool: Pool; proxy: TcpProxy }> {
  const url = new URL(databaseUrl())
  const proxy = await startProxy({ host: url.hostname, port: Number(url.port) })
  undo.push(() => proxy.close())
  url.hostname = proxy.host
  url.port = String(proxy.port)
  const pool = new Pool({ connectionString: url.href, max: 1, prePing: false })
  pool.on('error', () => undefined)
  undo.push(() => pool.end({ timeoutMillis: 0 }))
  await pool.query('SELECT 1')
  expect(pool.endpoint().isOpen).toBe(true)
  proxy.hold()
  return { pool, proxy }
}

test('a lease of the direct way waits for no longer than it says, and leaves nothing lent', async () => {
  const { pool, proxy } = await silenced()
  const lease = pool.lease({ endpoint: 'direct', timeoutMillis: 300 })
  await expect(lease).rejects.toMatchObject({ code: 'SLUICE_ACQUIRE_TIMEOUT', outcome: 'not-sent' })
  expect(pool.stats().leased).toBe(0)
  proxy.heal()
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
})

test('an abort ends its wait', async () => {
  const { pool, proxy } = await silenced()
  const controller = new AbortController()
  const lease = pool.lease({ endpoint: 'direct', signal: controller.signal })
  await pause(100)
  controller.abort(new Error('enough'))
  await expect(lease).rejects.toMatchObject({ code: 'SLUICE_ABORTED' })
  expect(pool.stats().leased).toBe(0)
  proxy.heal()
  await using other = await pool.lease({ endpoint: 'direct' })
  expect((await other.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
})

test('an end of the pool ends its wait', async () => {
  const { pool } = await silenced()
  const failed = pool.lease({ endpoint: 'direct' }).catch((error: unknown) => error)
  await pause(100)
  await pool.end({ timeoutMillis: 0 })
  expect(await failed).toMatchObject({ code: 'SLUICE_POOL_ENDED' })
})

test('a statement that was given up while it waited for that is not sent afterwards', async () => {
  const { pool, proxy } = await silenced()
  await using lease = await pool.lease()
  const late = lease.query("SET application_name = 'too late'", [], { timeout: 200 })
  await expect(late).rejects.toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
  proxy.heal()
  const { rows } = await lease.query('SHOW application_name')
  expect(rows).not.toEqual([{ application_name: 'too late' }])
})
