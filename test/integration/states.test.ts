/** What must not reach the next caller: transactions, COPY, cursors, stale releases. */
import pg from 'pg'
import Cursor from 'pg-cursor'
import { describe, expect, test } from 'vitest'
import type { Pool } from '../../src/index.ts'
import { poolsWith } from '../support/pools.ts'
import { databaseUrl } from '../support/postgres.ts'

const open = poolsWith({ max: 1 })

const pid = async (pool: Pool) =>
  (await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid

describe('a connection that comes back', () => {
  test('inside a transaction is closed as dirty', async () => {
    const pool = open()
    const before = await pid(pool)
    const client = await pool.connect()
    await client.query('BEGIN')
    client.release()
    expect(await pid(pool)).not.toBe(before)
    expect(pool.stats().closed).toEqual({ dirty: 1 })
  })

  test('inside a failed transaction is closed as dirty', async () => {
    const pool = open()
    const client = await pool.connect()
    await client.query('BEGIN')
    await expect(client.query('SELECT 1/0')).rejects.toThrow('division by zero')
    client.release()
    await pool.query('SELECT 1')
    expect(pool.stats().closed).toEqual({ dirty: 1 })
  })

  test('with its COMMIT not awaited is lent again', async () => {
    const pool = open()
    const before = await pid(pool)
    const client = await pool.connect()
    await client.query('BEGIN')
    void client.query('COMMIT')
    client.release()
    expect(await pid(pool)).toBe(before)
  })

  test('after an SQL error of pool.query is lent again', async () => {
    const pool = open()
    const before = await pid(pool)
    await expect(pool.query('SELECT 1/0')).rejects.toThrow('division by zero')
    expect(await pid(pool)).toBe(before)
  })

  test('after an SQL error is closed where discardOnError says so', async () => {
    const pool = open({ discardOnError: true })
    const before = await pid(pool)
    await expect(pool.query('SELECT 1/0')).rejects.toThrow('division by zero')
    expect(await pid(pool)).not.toBe(before)
  })

  test('with an open COPY is closed as busy, and its caller’s COPY ends', async () => {
    const pool = open({ checkTimeoutMillis: 200 })
    const client = await pool.connect()
    await client.query('CREATE TEMP TABLE copied (n int)')
    client.on('error', () => undefined)
    // A COPY that never gets its data: the protocol stays inside it.
    const copy = Object.assign(new pg.Query('COPY copied FROM STDIN'), {
      handleCopyInResponse: () => undefined,
    })
    copy.on('error', () => undefined)
    client.query(copy)
    client.release()
    await pool.query('SELECT 1')
    expect(pool.stats().closed).toEqual({ busy: 1 })
  })

  test('with a cursor half read is closed as busy', async () => {
    const pool = open({ checkTimeoutMillis: 200 })
    const client = await pool.connect()
    const cursor = client.query(new Cursor('SELECT generate_series(1, 100)'))
    expect(await cursor.read(3)).toHaveLength(3)
    client.release()
    await pool.query('SELECT 1')
    expect(pool.stats().closed).toEqual({ busy: 1 })
  })

  test('with a cursor read to its end is lent again', async () => {
    const pool = open()
    const before = await pid(pool)
    const client = await pool.connect()
    const cursor = client.query(new Cursor('SELECT generate_series(1, 5)'))
    expect(await cursor.read(10)).toHaveLength(5)
    await cursor.close()
    client.release()
    expect(await pid(pool)).toBe(before)
  })
})

describe('a lease', () => {
  test('that is over can touch neither the connection nor its next owner', async () => {
    const pool = open()
    const first = await pool.lease()
    first.release()
    const second = await pool.lease()
    expect(() => first.release()).toThrow(
      'Release called on client which has already been released to the pool.',
    )
    expect(() => first.client).toThrow('This lease is over')
    await expect(first.query('SELECT 1')).rejects.toThrow('This lease is over')
    expect((await second.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
    second.release()
  })

  test('gives its connection back at the end of its scope', async () => {
    const pool = open()
    {
      await using lease = await pool.lease()
      await lease.query('SELECT 1')
      expect(pool.stats().leased).toBe(1)
    }
    {
      await using client = await pool.connect()
      await client.query('SELECT 1')
    }
    expect(pool.stats()).toMatchObject({ leased: 0, idle: 1 })
  })

  test('whose connection dies says so to its statement and is closed', async () => {
    const pool = open({ max: 2 })
    const lease = await pool.lease()
    const { processId } = lease
    const told = lease.query('SELECT pg_sleep(30)').catch((error: unknown) => error)
    await pool.query('SELECT pg_terminate_backend($1)', [processId])
    expect(await told).toMatchObject({ code: '57P01' })
    const removed = new Promise((resolve) => pool.once('remove', resolve))
    lease.release()
    await removed
    expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
    expect(pool.stats().closed).toEqual({ lost: 1 })
  })
})

test('an idle connection that the server ends is closed, and tells the pool’s listeners', async () => {
  const pool = open({ max: 2 })
  const errors: string[] = []
  pool.on('error', (error: Error & { client?: unknown }, client: unknown) => {
    errors.push(`${error.message} ${error.client === client}`)
  })
  const victim = await pid(pool)
  const removed = new Promise((resolve) => pool.once('remove', resolve))
  const killer = new pg.Client({ connectionString: databaseUrl() })
  await killer.connect()
  await killer.query('SELECT pg_terminate_backend($1)', [victim])
  await removed
  await killer.end()
  expect(errors).toEqual(['terminating connection due to administrator command true'])
  expect(await pid(pool)).not.toBe(victim)
})

test('leak detection tells who took the connection, that it came back, and who waits for a second one', async () => {
  const pool = open({ leakDetectionMillis: 50, acquireTimeoutMillis: 150 })
  const events: string[] = []
  for (const name of ['leak', 'unleak', 'nested']) {
    pool.on(name, ({ stack }: { stack?: string }) => {
      events.push(`${name} ${stack?.includes('states.test.ts')}`)
    })
  }
  await (async () => {
    const client = await pool.connect()
    await expect(pool.query('SELECT 1')).rejects.toThrow(
      'the caller waits for a second connection while it holds one',
    )
    expect(pool.connections()[0]).toMatchObject({
      state: 'leased',
      stack: expect.stringContaining('states.test.ts'),
    })
    client.release()
  })()
  expect(events).toEqual(['nested true', 'leak true', 'unleak true'])
})
