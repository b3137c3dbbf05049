import { describe, expect, it } from 'vitest'
import { pgbouncers } from '../support/pgbouncer.ts'
import { poolsWith } from '../support/pools.ts'
import { startServer } from '../support/server.ts'
import { failureOf, known } from './support.ts'

const start = pgbouncers()
const open = poolsWith({ max: 3, endpoint: 'transaction', acquireTimeoutMillis: 30_000 })

describe('what no other try will mend is told at once, with what to do', () => {
  it.each([
    ['a wrong password', { password: 'wrong' }, /authentication failed/, /auth_file/],
    ['a user that it does not know', { user: 'nobody_knows' }, /authentication failed/, /auth_file/],
    [
      'a database that it does not lend',
      { database: 'nowhere' },
      /^no such database: nowhere$/,
      /\[databases\]/,
    ],
    ['a database that is disabled', { database: 'off' }, /^database "off" is disabled$/, /ENABLE/],
  ])('%s', async (_what, change, message, hint) => {
    const bouncer = await start({ databases: { off: 'host=127.0.0.1 port=1' } })
    await bouncer.console('DISABLE off')
    const began = performance.now()
    const error = await failureOf(open({ connectionString: bouncer.urlOf(change) }).query('SELECT 1'))
    expect(error.code).toBe('08P01')
    expect(error.message).toMatch(message)
    expect(error.hint).toMatch(hint)
    expect(performance.now() - began).toBeLessThan(20_000)
    expect(JSON.stringify(error)).not.toContain('wrong')
  })
})

describe('a pooler that is full', () => {
  it('is backed off from while its clients wait, and serves them when it has room', async () => {
    const bouncer = await start({ settings: { max_client_conn: 2 } })
    const holder = open({ connectionString: bouncer.url, max: 2 })
    const held = await Promise.all([holder.connect(), holder.connect()])
    const pool = open({ connectionString: bouncer.url })
    const answered = pool.query('SELECT 1 AS n')
    await expect.poll(() => pool.stats().openFailures, { timeout: 20_000 }).toBeGreaterThan(0)
    for (const client of held) client.release(true)
    expect((await answered).rows).toEqual([{ n: 1 }])
  })

  it('says in a caller’s error what it is full of', async () => {
    const bouncer = await start({ settings: { max_client_conn: 1 } })
    const holder = open({ connectionString: bouncer.url, max: 1 })
    const held = await holder.connect()
    const pool = open({ connectionString: bouncer.url, acquireTimeoutMillis: 1_500 })
    const error = await failureOf(pool.query('SELECT 1'))
    expect(error.code).toBe('SLUICE_OPEN_FAILED')
    expect(error.message).toContain('max_client_conn')
    held.release()
  })

  it('that has no session in time costs a call and one connection, and a retry mends it', async () => {
    const bouncer = await start({ poolSize: 1, settings: { query_wait_timeout: 1 } })
    const pool = open({ connectionString: bouncer.url })
    const client = await pool.connect()
    const other = await pool.connect()
    await client.query('BEGIN')
    const error = await failureOf(other.query('SELECT 1'))
    expect(error).toMatchObject({ code: '08P01', message: 'query_wait_timeout' })
    expect(error.hint).toContain('default_pool_size')
    other.release()
    const patient = open({ connectionString: bouncer.url, retry: { attempts: 20, backoff: 100 } })
    const retried = patient.query('SELECT 2 AS n')
    await expect
      .poll(() => patient.stats().retries + patient.stats().openFailures, { timeout: 20_000 })
      .toBeGreaterThan(0)
    await client.query('ROLLBACK')
    client.release()
    expect((await retried).rows).toEqual([{ n: 2 }])
  })
})

describe('a server that goes away behind it', () => {
  it('fails what is under way, and the pool serves again when it is back', async () => {
    const server = await startServer()
    try {
      const bouncer = await start({ server: server.url, settings: { server_login_retry: 1 } })
      const pool = open({ connectionString: bouncer.url })
      await pool.query('SELECT 1')
      const lost = failureOf(pool.query('SELECT pg_sleep(60)'))
      await expect
        .poll(
          () =>
            server.admin(
              "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()",
            ),
          { timeout: 20_000 },
        )
        .toHaveLength(1)
      await server.down('immediate')
      const error = await lost
      expect(['08P01', '57P01', '57P02']).toContain(error.code)
      await server.up()
      await expect
        .poll(
          async () => {
            try {
              return (await pool.query('SELECT 1 AS n', [], { timeout: 5_000 })).rows
            } catch {
              return []
            }
          },
          { timeout: 30_000 },
        )
        .toEqual([{ n: 1 }])
    } finally {
      await server.stop()
    }
  })
})

describe('what PgBouncer ends by a limit of its own', () => {
  it('is told as that, and neither the breaker nor the other connections suffer', async () => {
    const bouncer = await start({ settings: { query_timeout: 1 } })
    const pool = open({ connectionString: bouncer.url, circuitBreaker: true, retry: true })
    const error = await failureOf(pool.query('SELECT pg_sleep(60)'))
    expect(error).toMatchObject({ code: '08P01', message: 'query timeout' })
    expect(error.hint).toContain('time limit of PgBouncer')
    expect(pool.stats()).toMatchObject({ retries: 0, breaker: { state: 'closed' } })
    expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  })
})

it('a PgBouncer that replaces its sessions is not noticed by callers', async () => {
  const bouncer = await start({ mode: 'transaction' })
  const pool = open({ connectionString: bouncer.url, endpoint: 'auto' })
  await known(pool)
  // A session that is just being opened would count as one that could not be.
  const opening = async () =>
    (await bouncer.console('SHOW POOLS')).reduce((sum, row) => sum + Number(row.sv_login), 0)
  await expect.poll(opening).toBe(0)
  await bouncer.console('RECONNECT')
  await Promise.all(
    Array.from({ length: 30 }, async (_, n) => {
      expect((await pool.query('SELECT $1::int AS n', [n])).rows).toEqual([{ n }])
    }),
  )
})
