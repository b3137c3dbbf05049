/** Answers that are kept, against a real server: what is sent, what is shared, and what is served when nothing can be sent. */
import { describe, expect, test } from 'vitest'
import type { Pool } from '../../src/index.ts'
import { networks, poolsWith } from '../support/pools.ts'
import { withClient } from '../support/postgres.ts'

const lay = networks()
const open = poolsWith({ max: 2 })

const LONG = { cache: { ttl: 60_000 } }

/** Old at once, and good for a minute when the pool cannot serve. */
const STALE = { cache: { ttl: 1, staleIfError: 60_000 } }

let sequences = 0

/** A statement that counts how often the server has run it, in a sequence that it advances behind a function. */
async function counting(): Promise<{ text: string; runs: () => Promise<number>; drop: () => Promise<void> }> {
  const name = `cache_runs_${process.pid}_${++sequences}`
  await withClient(async (client) => {
    await client.query(`CREATE SEQUENCE ${name}`)
    await client.query(
      `CREATE FUNCTION ${name}() RETURNS bigint LANGUAGE sql AS $$ SELECT nextval('${name}') $$`,
    )
  })
  return {
    text: `SELECT ${name}()::int AS n, pg_sleep($1)`,
    runs: () =>
      withClient(async (client) => {
        const { rows } = await client.query(`SELECT last_value::int AS n, is_called FROM ${name}`)
        return rows[0].is_called ? rows[0].n : 0
      }),
    drop: () =>
      withClient(async (client) => {
        await client.query(`DROP FUNCTION ${name}; DROP SEQUENCE ${name}`)
      }),
  }
}

/** Holds every connection of a pool until it is told to let go. */
async function fill(pool: Pool): Promise<() => void> {
  const leases = await Promise.all(Array.from({ length: pool.options.max }, () => pool.lease()))
  return () => {
    for (const lease of leases) lease.release()
  }
}

function soon(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 10)
  })
}

describe('a fresh answer', () => {
  test('is given without asking the server, and without a connection', async () => {
    const { text, runs, drop } = await counting()
    const pool = open()
    const first = await pool.query(text, [0], LONG)
    expect([first.rows[0].n, first.cached]).toEqual([1, undefined])
    const letGo = await fill(pool)
    const { acquired } = pool.stats()
    const second = await pool.query({ text, values: [0], ...LONG })
    expect([second.rows[0].n, second.cached]).toEqual([1, 'fresh'])
    expect(second.ageMillis).toBeGreaterThan(0)
    expect(pool.stats().acquired).toBe(acquired)
    letGo()
    expect(await runs()).toBe(1)
    await drop()
  })

  test('is like the one from the server, in rows, fields and counts', async () => {
    const pool = open()
    const text = `SELECT 1 AS a, 'x' AS b, NULL AS c, '{"d": [1]}'::jsonb AS d, '\\x00ff'::bytea AS e`
    for (const statement of [text, { text, rowMode: 'array' }]) {
      const { cached: first, ageMillis: from, ...plain } = await pool.query(statement, [], LONG)
      const { cached: second, ageMillis: to, ...kept } = await pool.query(statement, [], LONG)
      expect([first, second, from, to >= 0]).toEqual([undefined, 'fresh', 0, true])
      expect(kept).toEqual(plain)
    }
  })

  test('comes to a callback too, in a turn of its own', async () => {
    const pool = open()
    await pool.query('SELECT 1 AS n', [], LONG)
    const order: string[] = []
    await new Promise<void>((resolve) => {
      pool.query({ text: 'SELECT 1 AS n', ...LONG }, (_, result) => {
        order.push(`told ${JSON.stringify(result.rows)} ${(result as { cached?: string }).cached}`)
        resolve()
      })
      order.push('asked')
    })
    expect(order).toEqual(['asked', 'told [{"n":1}] fresh'])
  })

  test('of one caller shows nothing of what another does to it', async () => {
    const pool = open()
    const text = 'SELECT n FROM generate_series(1, 3) AS n'
    for (let turn = 0; turn < 3; turn++) {
      const { rows } = await pool.query(text, [], LONG)
      expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
      rows[0].n = 9
      rows.length = 1
    }
  })

  test('is not given once the pool has ended', async () => {
    const pool = open()
    await pool.query('SELECT 1', [], LONG)
    await pool.end()
    await expect(pool.query('SELECT 1', [], LONG)).rejects.toThrow('after calling end on the pool')
  })
})

describe('callers at the same time', () => {
  test('share one run, and each has rows of its own', async () => {
    const { text, runs, drop } = await counting()
    const pool = open()
    const results = await Promise.all(Array.from({ length: 100 }, () => pool.query(text, [0.05], LONG)))
    expect(new Set(results.map(({ rows }) => rows[0].n))).toEqual(new Set([1]))
    expect(new Set(results.map(({ rows }) => rows[0])).size).toBe(100)
    expect(await runs()).toBe(1)
    await drop()
  })

  test('may give up one by one; the run ends for nobody else', async () => {
    const { text, runs, drop } = await counting()
    const pool = open()
    const controller = new AbortController()
    const impatient = pool.query(text, [0.3], { ...LONG, signal: controller.signal })
    const short = pool.query(text, [0.3], { ...LONG, timeout: 20 })
    const patient = pool.query(text, [0.3], LONG)
    controller.abort()
    expect(await Promise.allSettled([impatient, short])).toMatchObject([
      { reason: { code: 'SLUICE_ABORTED' } },
      { reason: { code: 'SLUICE_QUERY_TIMEOUT' } },
    ])
    expect((await patient).rows[0].n).toBe(1)
    expect(await runs()).toBe(1)
    await drop()
  })

  test('who all give up have the statement cancelled', async () => {
    const pool = open()
    const text = 'SELECT pg_sleep(600), $1::text AS mark'
    const mark = `cache cancelled ${process.pid}`
    const running = () =>
      withClient(async (client) => {
        const { rows } = await client.query(
          `SELECT count(*)::int AS n FROM pg_stat_activity WHERE state = 'active' AND query = $1`,
          [text.replace('$1::text', `'${mark}'`)],
        )
        return rows[0].n
      })
    const controller = new AbortController()
    const options = { ...LONG, signal: controller.signal }
    const said = text.replace('$1::text', `'${mark}'`)
    const asked = Promise.allSettled([pool.query(said, [], options), pool.query(said, [], options)])
    await expect.poll(running, { timeout: 10_000 }).toBe(1)
    controller.abort()
    expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await expect.poll(running, { timeout: 10_000 }).toBe(0)
  })

  test('all hear of an SQL error, and nothing stale is given for one', async () => {
    const pool = open()
    const asked = [1, 2].map(() => pool.query('SELECT 1 / $1::int', [0], STALE))
    const outcomes = await Promise.allSettled(asked)
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual([
      '22012',
      '22012',
    ])
  })
})

describe('a stale answer', () => {
  test('is given, and marked, while the pool is full', async () => {
    const pool = open({ max: 1, acquireTimeoutMillis: 1_000 })
    await pool.query('SELECT 1 AS n', [], STALE)
    await soon()
    const letGo = await fill(pool)
    const stale = await pool.query('SELECT 1 AS n', [], STALE)
    expect([stale.rows, stale.cached]).toEqual([[{ n: 1 }], 'stale'])
    expect(stale.ageMillis).toBeGreaterThan(1)
    await expect(pool.query('SELECT 1 AS n', [], { cache: { ttl: 1 } })).rejects.toMatchObject({
      code: 'SLUICE_ACQUIRE_TIMEOUT',
    })
    letGo()
    expect((await pool.query('SELECT 1 AS n', [], STALE)).cached).toBeUndefined()
  })

  test('is given at once when the queue is full', async () => {
    const pool = open({ max: 1, queueLimit: 1 })
    await pool.query('SELECT 1 AS n', [], STALE)
    await soon()
    const letGo = await fill(pool)
    const waiting = pool.query('SELECT 2')
    expect((await pool.query('SELECT 1 AS n', [], STALE)).cached).toBe('stale')
    letGo()
    await waiting
  })

  test('is given when the network swallows everything, at the end of the caller’s time', async () => {
    const { proxy, connectionString } = await lay()
    const pool = open({ connectionString, closeTimeoutMillis: 100, cancelTimeoutMillis: 100 })
    await pool.query('SELECT 1 AS n', [], STALE)
    proxy.blackhole()
    await soon()
    const { rows, cached } = await pool.query('SELECT 1 AS n', [], { ...STALE, timeout: 100 })
    expect([rows, cached]).toEqual([[{ n: 1 }], 'stale'])
    proxy.cut()
    await expect
      .poll(
        () =>
          pool.query('SELECT 1 AS n', [], STALE).then(
            ({ cached }) => cached,
            (error: Error) => error.message,
          ),
        { timeout: 10_000 },
      )
      .toBeUndefined()
  })

  test('is given while the server is gone', async () => {
    const { proxy, connectionString } = await lay()
    const pool = open({ connectionString, acquireTimeoutMillis: 1_000 })
    await pool.query('SELECT 1 AS n', [], STALE)
    await proxy.close()
    await soon()
    for (let turn = 0; turn < 2; turn++) {
      const { rows, cached } = await pool.query('SELECT 1 AS n', [], STALE)
      expect([rows, cached]).toEqual([[{ n: 1 }], 'stale'])
    }
    await expect(pool.query('SELECT 2 AS n', [], STALE)).rejects.toMatchObject({ code: 'SLUICE_OPEN_FAILED' })
  })

  test('is given when the connection is lost under the statement', async () => {
    const { proxy, connectionString } = await lay()
    const pool = open({ connectionString })
    await pool.query('SELECT 1 AS n', [], { cache: { ttl: 1, key: 'lost' } })
    await soon()
    const asked = pool.query('SELECT pg_sleep(600)', [], {
      cache: { ttl: 1, staleIfError: 60_000, key: 'lost' },
    })
    await expect.poll(() => pool.stats().leased + pool.stats().shared, { timeout: 10_000 }).toBe(1)
    await soon()
    proxy.cut()
    expect((await asked).cached).toBe('stale')
  })
})

describe('what is no plain read', () => {
  test('is refused before anything is sent', async () => {
    const pool = open()
    const writes = ['INSERT INTO nowhere VALUES (1)', 'SELECT 1 FOR UPDATE', 'SELECT 1; SELECT 2', 'BEGIN']
    for (const text of writes)
      await expect(pool.query(text, [], LONG)).rejects.toMatchObject({ code: 'SLUICE_BAD_OPTION' })
    expect(pool.stats().acquired).toBe(0)
  })

  test('is a transaction, a batch and a lease, each in every form', async () => {
    const pool = open()
    const refused = { code: 'SLUICE_BAD_OPTION' }
    const statement = { text: 'SELECT 1', ...LONG }
    await pool.transaction(async (tx) => {
      await expect(tx.query('SELECT 1', [], LONG)).rejects.toMatchObject(refused)
      await expect(tx.query(statement)).rejects.toMatchObject(refused)
    })
    await using lease = await pool.lease()
    await expect(lease.query('SELECT 1', [], LONG)).rejects.toMatchObject(refused)
    await expect(lease.query(statement)).rejects.toMatchObject(refused)
    await expect(pool.batch(['SELECT 1'], LONG)).rejects.toMatchObject(refused)
    await expect(pool.batch([statement])).rejects.toMatchObject(refused)
  })

  test('is not what runs side by side, unless under one key', async () => {
    const pool = open()
    const texts = ['SELECT 1 AS n', 'SELECT 2 AS n', 'SELECT 1 AS n']
    const results = await pool.parallel(texts, { ...LONG, concurrency: 1 })
    expect(results.map(({ rows }) => rows[0].n)).toEqual([1, 2, 1])
    expect((results[2] as { cached?: string }).cached).toBe('fresh')
    const keyed = { cache: { ttl: 1, key: 'one for all' } }
    expect(() => pool.parallel(texts, keyed)).toThrow('parallel() takes cache without a key')
  })
})
