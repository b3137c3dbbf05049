/** Aborts and timeouts: the caller hears at once, the server stops working, the connection is lent again only at rest. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import type { Pool } from '../../src/index.ts'
import { poolsWith } from '../support/pools.ts'
import { withClient } from '../support/postgres.ts'

const open = poolsWith({ max: 1 })

async function timed(promise: Promise<unknown>): Promise<{ error: unknown; millis: number }> {
  const from = performance.now()
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return { error, millis: performance.now() - from }
}

async function pid(pool: Pool): Promise<number> {
  return (await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid as number
}

describe('an abort', () => {
  test('rejects a running query within 100 ms, cancels it at the server, and keeps the connection', async () => {
    const pool = open()
    const before = await pid(pool)
    const controller = new AbortController()
    const asked = pool.query('SELECT pg_sleep(30)', [], { signal: controller.signal })
    let abortedAt = 0
    setTimeout(() => {
      abortedAt = performance.now()
      controller.abort(new Error('no longer wanted'))
    }, 50)
    const { error } = await timed(asked)
    expect(performance.now() - abortedAt).toBeLessThan(100)
    expect(error).toMatchObject({ code: 'SLUICE_ABORTED', phase: 'query', outcome: 'unknown' })
    expect((error as Error).message).toContain('no longer wanted')
    expect(pool.stats()).toMatchObject({ cancelling: 1, leased: 0 })
    expect(await pid(pool)).toBe(before)
  })

  test('rejects a waiting query within 100 ms and does not touch the one that runs', async () => {
    const pool = open()
    const running = pool.query('SELECT pg_sleep(0.3)')
    const controller = new AbortController()
    const waiting = pool.query('SELECT 1', [], { signal: controller.signal })
    let abortedAt = 0
    setTimeout(() => {
      abortedAt = performance.now()
      controller.abort()
    }, 50)
    const { error } = await timed(waiting)
    expect(performance.now() - abortedAt).toBeLessThan(100)
    expect(error).toMatchObject({ code: 'SLUICE_ABORTED', phase: 'queue', outcome: 'not-sent' })
    await running
  })

  test('before the call means that nothing is sent', async () => {
    const pool = open()
    await pool.query('SELECT 1')
    const { error } = await timed(pool.query('SELECT 1', [], { signal: AbortSignal.abort() }))
    expect(error).toMatchObject({ code: 'SLUICE_ABORTED', phase: 'queue' })
    expect(pool.stats()).toMatchObject({ acquired: 1, aborted: 1 })
  })

  test('of a lease’s statement leaves the lease usable', async () => {
    const pool = open()
    await using lease = await pool.lease()
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 20)
    const { error } = await timed(lease.query('SELECT pg_sleep(30)', [], { signal: controller.signal }))
    expect(error).toMatchObject({ code: 'SLUICE_ABORTED' })
    expect((await lease.query('SELECT 7 AS n')).rows).toEqual([{ n: 7 }])
  })

  test('never reaches the next statement of the connection: 200 aborts at random moments of short statements', async () => {
    const pool = open()
    for (let turn = 0; turn < 200; turn++) {
      const controller = new AbortController()
      const asked = pool.query('SELECT pg_sleep(0.002)', [], { signal: controller.signal })
      setTimeout(() => controller.abort(), Math.random() * 5)
      await timed(asked)
      expect((await pool.query('SELECT $1::int AS n', [turn])).rows).toEqual([{ n: turn }])
    }
  })
})

describe('a timeout', () => {
  test('of the call bounds waiting and running together', async () => {
    const pool = open()
    await pid(pool)
    const running = pool.query('SELECT pg_sleep(0.2)')
    const { error, millis } = await timed(pool.query('SELECT pg_sleep(30)', [], { timeout: 300 }))
    expect(error).toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT', phase: 'query' })
    expect((error as Error).message).toMatch(/^Query read timeout: no answer within 300 ms; /)
    expect(millis).toBeGreaterThan(280)
    expect(millis).toBeLessThan(1_500)
    await running
  })

  test('in the queue says how long was waited and who holds the connections', async () => {
    const pool = open()
    const lease = await pool.lease({ agent: 'planner' })
    const { error } = await timed(pool.query('SELECT 1', [], { timeout: 50 }))
    expect(error).toMatchObject({
      code: 'SLUICE_ACQUIRE_TIMEOUT',
      phase: 'queue',
      numbers: { max: 1, leased: 1 },
    })
    expect((error as Error).message).toMatch(
      /^timeout exceeded when trying to connect: waited \d+ ms for a connection \(1 of 1 slots leased, 0 waiting; the longest lease is out for \d+ ms by agent "planner"\)/,
    )
    lease.release()
  })

  test('by queryTimeout and by class, whichever is smaller', async () => {
    const pool = open({ queryTimeout: 5_000, classTimeouts: { simple: 50 } })
    const { error, millis } = await timed(pool.query('SELECT pg_sleep(30)', [], { class: 'simple' }))
    expect(error).toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
    expect(millis).toBeLessThan(2_500)
  })

  test('of the server arrives as the server’s error', async () => {
    const pool = open({ statementTimeout: 50 })
    const { error } = await timed(pool.query('SELECT pg_sleep(30)'))
    expect(error).toMatchObject({ code: '57014', message: 'canceling statement due to statement timeout' })
  })
})

test('what a cancelled query was doing has stopped at the server when the connection is lent again', async () => {
  const pool = open()
  await pid(pool)
  const { error } = await timed(pool.query(`SELECT pg_sleep(30) /* stop me */`, [], { timeout: 50 }))
  expect(error).toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
  await pool.query('SELECT 1')
  const active = await withClient((client) =>
    client.query(`SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%stop' || ' me%'`),
  )
  expect(active.rows).toEqual([])
})

test('the caller’s AsyncLocalStorage is kept through every promise and callback', async () => {
  const pool = open({ max: 2 })
  const storage = new AsyncLocalStorage<number>()
  const seen = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      storage.run(n, async () => {
        const stores: (number | undefined)[] = []
        const note = () => stores.push(storage.getStore())
        await pool.query('SELECT 1')
        note()
        await new Promise<void>((resolve) => {
          pool.query('SELECT 1', () => {
            note()
            resolve()
          })
        })
        await new Promise<void>((resolve) => {
          pool.connect((_, client, done) => {
            note()
            client?.query('SELECT 1', () => {
              note()
              done()
              resolve()
            })
          })
        })
        await pool.transaction(async (tx) => {
          await tx.query('SELECT 1')
          note()
        })
        await pool.query('SELECT pg_sleep(1)', [], { timeout: 5 }).catch(note)
        return stores.every((store) => store === n) && stores.length
      }),
    ),
  )
  expect(seen).toEqual(Array.from({ length: 20 }, () => 6))
})
