/** transaction(), batch(), parallel() and listen() against a real server. */
import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { Pool } from '../../src/index.ts'
import { poolsWith } from '../support/pools.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'

const open = poolsWith({ max: 3 })
beforeAll(async () => {
  await withClient((client) =>
    client.query(
      'DROP TABLE IF EXISTS sluice_tx; CREATE TABLE sluice_tx (k text PRIMARY KEY, n int NOT NULL)',
    ),
  )
})

const rows = async (pool: Pool, key: string) =>
  (
    await pool.query<{ k: string; n: number }>('SELECT * FROM sluice_tx WHERE k LIKE $1 ORDER BY k', [
      `${key}%`,
    ])
  ).rows

describe('a transaction', () => {
  test('commits what fn does and returns what it returns', async () => {
    const pool = open()
    const answer = await pool.transaction(async (tx) => {
      await tx.query('INSERT INTO sluice_tx VALUES ($1, 1)', ['commit'])
      return 'done'
    })
    expect(answer).toBe('done')
    expect(await rows(pool, 'commit')).toEqual([{ k: 'commit', n: 1 }])
    expect(pool.stats()).toMatchObject({ leased: 0, closed: {} })
  })

  test('rolls back what fn throws, and keeps the connection', async () => {
    const pool = open({ max: 1 })
    const failure = new Error('no')
    await expect(
      pool.transaction(async (tx) => {
        await tx.query('INSERT INTO sluice_tx VALUES ($1, 1)', ['throw'])
        throw failure
      }),
    ).rejects.toBe(failure)
    expect(await rows(pool, 'throw')).toEqual([])
    expect(pool.stats().closed).toEqual({})
  })

  test('fails with the error that fn swallowed when the server could only roll back', async () => {
    const pool = open()
    await expect(
      pool.transaction(async (tx) => {
        await tx.query('INSERT INTO sluice_tx VALUES ($1, 1)', ['swallow'])
        await tx.query('SELECT 1/0').catch(() => undefined)
      }),
    ).rejects.toThrow('division by zero')
    expect(await rows(pool, 'swallow')).toEqual([])
  })

  test('that takes too long is cancelled and rolled back, also while fn waits for something else', async () => {
    const pool = open({ max: 1 })
    for (const work of [
      (tx: { query(text: string): Promise<unknown> }) => tx.query('SELECT pg_sleep(30)'),
      () => new Promise<never>(() => undefined),
    ]) {
      const from = performance.now()
      await expect(
        pool.transaction(
          async (tx) => {
            await tx.query(`INSERT INTO sluice_tx VALUES ('slow', 1)`)
            await work(tx)
          },
          { timeout: 100 },
        ),
      ).rejects.toMatchObject({ code: 'SLUICE_TRANSACTION_TIMEOUT' })
      expect(performance.now() - from).toBeLessThan(1_000)
    }
    expect(await rows(pool, 'slow')).toEqual([])
  })

  test('waits for a connection as long as maxWait', async () => {
    const pool = open({ max: 1 })
    const client = await pool.connect()
    await expect(pool.transaction(async () => 1, { maxWait: 50 })).rejects.toMatchObject({
      code: 'SLUICE_ACQUIRE_TIMEOUT',
    })
    client.release()
  })

  test('that is aborted rejects with SLUICE_ABORTED and is rolled back', async () => {
    const pool = open({ max: 1 })
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 50)
    await expect(
      pool.transaction(
        async (tx) => {
          await tx.query(`INSERT INTO sluice_tx VALUES ('aborted', 1)`)
          await tx.query('SELECT pg_sleep(30)')
        },
        { signal: controller.signal },
      ),
    ).rejects.toMatchObject({ code: 'SLUICE_ABORTED' })
    expect(await rows(pool, 'aborted')).toEqual([])
  })

  test('is over when fn has returned', async () => {
    const pool = open()
    let escaped: { query(text: string): Promise<unknown> } | undefined
    await pool.transaction(async (tx) => {
      escaped = tx
    })
    await expect(escaped?.query('SELECT 1')).rejects.toThrow('This transaction is over')
  })

  test('has the isolation level and access mode that were asked for', async () => {
    const pool = open()
    const seen = await pool.transaction(
      async (tx) =>
        (
          await tx.query(
            `SELECT current_setting('transaction_isolation') AS level, current_setting('transaction_read_only') AS ro`,
          )
        ).rows[0],
      { isolationLevel: 'Serializable', readOnly: true },
    )
    expect(seen).toEqual({ level: 'serializable', ro: 'on' })
  })

  test('is run again after a serialization failure, as often as retries says', async () => {
    const pool = open()
    await pool.query(`INSERT INTO sluice_tx VALUES ('counter', 0)`)
    const increment = () =>
      pool.transaction(
        async (tx) => {
          const { rows: found } = await tx.query<{ n: number }>(`SELECT n FROM sluice_tx WHERE k = 'counter'`)
          await tx.query(`UPDATE sluice_tx SET n = $1 WHERE k = 'counter'`, [(found[0]?.n ?? 0) + 1])
        },
        { isolationLevel: 'Serializable', retries: 50 },
      )
    await Promise.all(Array.from({ length: 12 }, increment))
    expect(await rows(pool, 'counter')).toEqual([{ k: 'counter', n: 12 }])
  })

  const collide = (code: string) => `DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '${code}'; END $$`

  test.each([
    ['40001', 3],
    ['40P01', 3],
    ['23505', 1],
  ])(
    'that fails with %s is run %i times where there are two retries, and tells the last error',
    async (code, times) => {
      const pool = open()
      let runs = 0
      const work = pool.transaction(
        async (tx) => {
          runs += 1
          await tx.query(`INSERT INTO sluice_tx VALUES ('collided', ${runs})`)
          await tx.query(collide(code))
        },
        { retries: 2 },
      )
      await expect(work).rejects.toMatchObject({ code })
      expect(runs).toBe(times)
      expect(await rows(pool, 'collided')).toEqual([])
    },
  )

  test('that is aborted between two runs is told so, and not run again', async () => {
    const pool = open()
    const controller = new AbortController()
    let runs = 0
    let released = 0
    pool.attach({
      released: () => {
        released += 1
        if (released === 5) setImmediate(() => controller.abort())
      },
    })
    const work = pool.transaction(
      async (tx) => {
        runs += 1
        await tx.query(collide('40001'))
      },
      { retries: 100, signal: controller.signal },
    )
    await expect(work).rejects.toMatchObject({ code: 'SLUICE_ABORTED' })
    expect(runs).toBeLessThan(10)
    await vi.waitFor(() => expect(pool.stats()).toMatchObject({ leased: 0, waiting: 0 }), 5_000)
  })

  test('that is run again has its whole timeout each time', async () => {
    const pool = open({ max: 1 })
    let runs = 0
    const answer = await pool.transaction(
      async (tx) => {
        runs += 1
        await tx.query('SELECT pg_sleep(0.4)')
        if (runs < 3) await tx.query(collide('40001'))
        return runs
      },
      { retries: 2, timeout: 1_000 },
    )
    expect(answer).toBe(3)
  })
})

describe('a batch', () => {
  test('returns a result a statement and takes one round trip', async () => {
    const pool = open({ max: 1 })
    const results = await pool.batch([
      { text: 'INSERT INTO sluice_tx VALUES ($1, $2)', values: ['batch-a', 1] },
      { text: 'INSERT INTO sluice_tx VALUES ($1, $2) RETURNING n', values: ['batch-b', 2] },
      'SELECT 7 AS n',
    ])
    expect(results.map((result) => result.rows)).toEqual([[], [{ n: 2 }], [{ n: 7 }]])
    expect(await rows(pool, 'batch-')).toHaveLength(2)
  })

  test('takes effect as a whole or not at all, and the connection is lent again', async () => {
    const pool = open({ max: 1 })
    const insert = { text: 'INSERT INTO sluice_tx VALUES ($1, 1)', values: ['half'] }
    await expect(pool.batch([insert, 'SELECT 1/0', insert])).rejects.toThrow('division by zero')
    await expect(pool.batch([insert, insert])).rejects.toMatchObject({ code: '23505' })
    const broken = {
      toPostgres: () => {
        throw new Error('cannot be sent')
      },
    }
    await expect(pool.batch([insert, { text: 'SELECT $1', values: [broken] }])).rejects.toThrow(
      'cannot be sent',
    )
    await expect(pool.batch([insert, { text: 'SELECT 1', values: 5 as never }])).rejects.toMatchObject({
      code: 'SLUICE_BAD_OPTION',
    })
    expect(await rows(pool, 'half')).toEqual([])
    expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  })

  test('that takes too long is given up, and nothing of it stays', async () => {
    const pool = open({ max: 1 })
    expect(await rows(pool, 'late')).toEqual([])
    const insert = { text: 'INSERT INTO sluice_tx VALUES ($1, 1)', values: ['late'] }
    await expect(pool.batch([insert, 'SELECT pg_sleep(30)'], { timeout: 100 })).rejects.toMatchObject({
      code: 'SLUICE_QUERY_TIMEOUT',
    })
    expect(await rows(pool, 'late')).toEqual([])
  })
})

describe('parallel', () => {
  test('returns results in order, with no more connections than asked for', async () => {
    const pool = open({ max: 3 })
    const results = await pool.parallel(
      Array.from({ length: 9 }, (_, n) => ({ text: 'SELECT $1::int AS n, pg_sleep(0.01)', values: [n] })),
      { concurrency: 2 },
    )
    expect(results.map((result) => result.rows[0]?.n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(pool.stats().opened).toBe(2)
  })

  test('ends with the first error and starts nothing more', async () => {
    const pool = open()
    const before = pool.stats().acquired
    await expect(
      pool.parallel(['SELECT 1/0', ...Array(20).fill('SELECT 1')], { concurrency: 1 }),
    ).rejects.toThrow('division by zero')
    expect(pool.stats().acquired - before).toBe(1)
  })
})

describe('listen', () => {
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  for (const [where, config] of [
    ['on the pool’s own endpoint', {}],
    ['on a direct connection string', { direct: true }],
  ] as const) {
    test(`${where} delivers, survives the loss of its connection, and gives it back`, async () => {
      const { direct } = config as { direct?: boolean }
      const name = `sluice-listen-${direct === true}`
      const pool = open({
        applicationName: name,
        ...(direct === true ? { directConnectionString: databaseUrl() } : {}),
      })
      const got: string[] = []
      const channel = `odd "channel" ${name}`
      const stop = await pool.listen(channel, (payload) => got.push(payload), {
        onReconnect: () => got.push('again'),
      })
      const notify = (payload: string) => pool.query('SELECT pg_notify($1, $2)', [channel, payload])
      await notify('one')
      await until(() => got.length === 1)
      await withClient((client) =>
        client.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND query LIKE 'LISTEN%'`,
          [name],
        ),
      )
      await until(() => got.includes('again'))
      await notify('two')
      await until(() => got.length === 3)
      expect(got).toEqual(['one', 'again', 'two'])
      await stop()
      expect(pool.stats().leased).toBe(0)
      await notify('three')
      expect(got).toHaveLength(3)
    })
  }
})
