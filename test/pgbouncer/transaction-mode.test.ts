import { describe, expect, it } from 'vitest'
import { pgbouncers } from '../support/pgbouncer.ts'
import { poolsWith } from '../support/pools.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'
import { failureOf, known, sessionOf } from './support.ts'

const start = pgbouncers()
const open = poolsWith({ max: 10 })

const UNSUPPORTED = 'SLUICE_UNSUPPORTED_ON_ENDPOINT'

/** A pool before a PgBouncer in transaction mode with few sessions, known as what it is. */
async function recognised(config = {}, poolSize = 4) {
  const bouncer = await start({ mode: 'transaction', poolSize })
  const pool = open({ connectionString: bouncer.url, ...config })
  await known(pool)
  return { bouncer, pool }
}

describe('through a PgBouncer in transaction mode', () => {
  it('1,000 statements by 50 callers, from the first one on, bring everybody his own rows', async () => {
    const bouncer = await start({ mode: 'transaction', poolSize: 4 })
    const pool = open({ connectionString: bouncer.url })
    const caller = async (id: number) => {
      for (let n = 0; n < 20; n++) {
        const { rows } = await pool.query('SELECT $1::int AS caller, $2::int AS n', [id, n])
        expect(rows).toEqual([{ caller: id, n }])
      }
    }
    await Promise.all(Array.from({ length: 50 }, (_, id) => caller(id)))
    expect(pool.endpoint()).toMatchObject({ endpoint: 'transaction', lanes: false })
  })

  it('nothing is prepared under a name and no connection is shared', async () => {
    const { pool } = await recognised()
    const shared: number[] = []
    await Promise.all(
      Array.from({ length: 200 }, async () => {
        const { rows } = await pool.query('SELECT count(*)::int AS n FROM pg_prepared_statements')
        expect(rows).toEqual([{ n: 0 }])
        shared.push(pool.stats().shared)
      }),
    )
    expect(Math.max(...shared)).toBe(0)
  })

  it('a statement with a name of its caller’s goes without it', async () => {
    const { pool } = await recognised()
    const run = () => pool.query({ name: 'mine', text: 'SELECT $1::int AS n', values: [7] })
    const answers = await Promise.all(Array.from({ length: 40 }, run))
    expect(answers.every(({ rows }) => rows[0].n === 7)).toBe(true)
    await using lease = await pool.lease()
    expect((await lease.query({ name: 'mine', text: 'SELECT $1::int AS n', values: [8] })).rows).toEqual([
      { n: 8 },
    ])
    const { rows } = await pool.query('SELECT name FROM pg_prepared_statements')
    expect(rows).toEqual([])
  })

  it.each([
    ['LISTEN jobs', 'LISTEN'],
    ["SET search_path = 'nowhere'", 'SET'],
    ['PREPARE one AS SELECT 1', 'PREPARE'],
    ['SELECT pg_advisory_lock(1)', 'a session advisory lock'],
    ['CREATE TEMP TABLE t (a int)', 'a temporary table'],
    ['DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'DECLARE … WITH HOLD'],
  ])('%s is refused, and says what to do', async (text, what) => {
    const { pool } = await recognised()
    for (const run of [
      () => pool.query(text),
      () => pool.batch(['SELECT 1', text]),
      () => pool.transaction((tx) => tx.query(text)),
      async () => {
        await using lease = await pool.lease()
        await lease.query(text)
      },
    ]) {
      const error = await failureOf(run())
      expect(error).toMatchObject({ code: UNSUPPORTED, outcome: 'not-sent' })
      expect(error.message).toContain(`${what} needs a session of its own`)
      expect(error.message).toContain('directConnectionString')
    }
    expect(await sessionOf(pool)).toBeGreaterThan(0)
  })

  it('is refused also as the first thing that a pool is asked', async () => {
    const bouncer = await start({ mode: 'transaction' })
    const pool = open({ connectionString: bouncer.url })
    expect(await failureOf(pool.query("SET search_path = 'nowhere'"))).toMatchObject({ code: UNSUPPORTED })
  })

  it('what one caller sets for his transaction never reaches another', async () => {
    const { pool } = await recognised({}, 1)
    await pool.transaction(async (tx) => {
      await tx.query("SELECT set_config('app.user', 'one', true)")
      await tx.query("SET LOCAL search_path = 'nowhere'")
    })
    const { rows } = await pool.query(
      "SELECT current_setting('app.user', true) AS who, current_setting('search_path') AS path",
    )
    expect(rows[0].who ?? '').toBe('')
    expect(rows[0].path).not.toContain('nowhere')
  })

  it('listen() and leases of the direct way go around it, and are refused without one', async () => {
    const { bouncer, pool } = await recognised()
    expect(await failureOf(pool.listen('jobs', () => undefined))).toMatchObject({ code: UNSUPPORTED })
    expect(await failureOf(pool.lease({ endpoint: 'direct' }))).toMatchObject({ code: UNSUPPORTED })
    const other = open({ connectionString: bouncer.url, directConnectionString: databaseUrl() })
    await known(other)
    expect(other.endpoint().sessionWork).toBe('direct')
    const heard = new Promise((resolve) => void other.listen('jobs', resolve))
    await using lease = await other.lease({ endpoint: 'direct' })
    await lease.query("SET application_name = 'by the direct way'")
    const { rows } = await lease.query(
      "SELECT current_setting('application_name') AS name, pg_backend_pid() AS pid",
    )
    expect(rows).toEqual([{ name: 'by the direct way', pid: lease.processId }])
    await expect
      .poll(async () => {
        await other.query("SELECT pg_notify('jobs', 'seen')")
        return Promise.race([heard, new Promise((resolve) => setTimeout(resolve, 50))])
      })
      .toBe('seen')
  })

  it('transactions, batches and parallel statements work', async () => {
    const { pool } = await recognised()
    await withClient((client) => client.query('CREATE TABLE IF NOT EXISTS through_pgbouncer (n int)'))
    await pool.query('TRUNCATE through_pgbouncer')
    await pool.transaction((tx) => tx.query('INSERT INTO through_pgbouncer VALUES (1)'))
    const failed = pool.transaction(async (tx) => {
      await tx.query('INSERT INTO through_pgbouncer VALUES (2)')
      throw new Error('undone')
    })
    await expect(failed).rejects.toThrow('undone')
    await pool.batch([
      'INSERT INTO through_pgbouncer VALUES (3)',
      { text: 'INSERT INTO through_pgbouncer VALUES ($1)', values: [4] },
    ])
    await expect(pool.batch(['INSERT INTO through_pgbouncer VALUES (5)', 'SELECT 1 / 0'])).rejects.toThrow(
      'zero',
    )
    const sums = await pool.parallel(
      Array.from({ length: 30 }, (_, n) => ({ text: 'SELECT $1::int AS n', values: [n] })),
    )
    expect(sums.map(({ rows }) => rows[0]?.n)).toEqual(Array.from({ length: 30 }, (_, n) => n))
    const { rows } = await pool.query('SELECT n FROM through_pgbouncer ORDER BY n')
    expect(rows.map(({ n }) => n)).toEqual([1, 3, 4])
  })

  it('a caller’s timeout and abort end the statement at the server', async () => {
    const { pool } = await recognised()
    // Of this test alone: others sleep at the same server.
    const sleep = 'SELECT pg_sleep(60), 168'
    expect(await failureOf(pool.query(sleep, [], { timeout: 300 }))).toMatchObject({
      code: 'SLUICE_QUERY_TIMEOUT',
    })
    const controller = new AbortController()
    const aborted = pool.query(sleep, [], { signal: controller.signal })
    setTimeout(() => controller.abort(), 300)
    expect(await failureOf(aborted)).toMatchObject({ code: 'SLUICE_ABORTED' })
    const running = () =>
      withClient(async (client) => {
        const { rows } = await client.query(
          "SELECT count(*)::int AS n FROM pg_stat_activity WHERE query = $1 AND state = 'active'",
          [sleep],
        )
        return rows[0].n
      })
    await expect.poll(running, { timeout: 20_000 }).toBe(0)
    // What comes next is not hit by a cancellation that was meant for what came before.
    await Promise.all(Array.from({ length: 40 }, () => pool.query('SELECT pg_sleep(0.005)')))
  })

  it('a transaction that takes too long is rolled back', async () => {
    const { pool } = await recognised()
    const slow = pool.transaction((tx) => tx.query('SELECT pg_sleep(60)'), { timeout: 300 })
    expect(await failureOf(slow)).toMatchObject({ code: 'SLUICE_TRANSACTION_TIMEOUT' })
    expect(await sessionOf(pool)).toBeGreaterThan(0)
  })
})

it('in statement mode there are no transactions, and the error says so', async () => {
  const bouncer = await start({ mode: 'statement' })
  const pool = open({ connectionString: bouncer.url })
  await known(pool)
  for (const error of [
    await failureOf(pool.transaction((tx) => tx.query('SELECT 1'))),
    await failureOf(pool.batch(['SELECT 1'])),
  ]) {
    expect(error).toMatchObject({ code: UNSUPPORTED })
    expect(error.message).toContain('by the statement')
  }
  expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
})

it('a pool before a transaction pooler is small and lets go early unless it is told otherwise', () => {
  const pool = open({ max: undefined, endpoint: 'transaction' })
  expect([pool.options.max, pool.options.idleTimeoutMillis]).toEqual([5, 5_000])
  const told = open({ max: 12, idleTimeoutMillis: 60_000, endpoint: 'transaction' })
  expect([told.options.max, told.options.idleTimeoutMillis]).toEqual([12, 60_000])
})
