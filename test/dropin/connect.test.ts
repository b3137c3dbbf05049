import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { peers } from './peers.ts'
import { backendPid, calledBack, opener, unique, until } from './support.ts'

const doubleRelease = 'Release called on client which has already been released to the pool.'

describe.each(peers)('connecting through $name', (peer) => {
  const open = opener(peer)

  test('connect resolves to a client that queries', async () => {
    const pool = open()
    const client = await pool.connect()
    const { rows } = await client.query('select $1::int as n', [7])
    expect(rows).toEqual([{ n: 7 }])
    client.release()
  })

  test('connect with a callback returns undefined and calls back (undefined, client, done), later', async () => {
    const pool = open()
    const { args, returned, synchronously } = await calledBack((callback) => pool.connect(callback as never))
    const [error, client, done] = args as [undefined, pg.PoolClient, () => void]
    expect(returned).toBeUndefined()
    expect(synchronously).toBe(false)
    expect(args).toHaveLength(3)
    expect(error).toBeUndefined()
    expect(typeof client.query).toBe('function')
    expect(typeof done).toBe('function')
    done()
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
  })

  test('connect with a callback is not synchronous for an idle client either', async () => {
    const pool = open()
    await pool.query('select 1')
    const { args, synchronously } = await calledBack((callback) => pool.connect(callback as never))
    expect(synchronously).toBe(false)
    expect(args[0]).toBeUndefined()
    ;(args[2] as () => void)()
  })

  test('the counts are right in the turn of the connect', async () => {
    const pool = open({ max: 2 })
    const asked = [pool.connect(), pool.connect(), pool.connect(), pool.connect()]
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([2, 0, 2])
    for (const client of asked) (await client).release()
    await until(() => expect([pool.idleCount, pool.waitingCount]).toEqual([pool.totalCount, 0]))
  })

  test('the counts are right in the turn of the query', async () => {
    const pool = open({ max: 2 })
    const asked = [pool.query('select 1'), pool.query('select 2'), pool.query('select 3')]
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([2, 0, 1])
    await Promise.all(asked)
    await until(() => expect([pool.idleCount, pool.waitingCount]).toEqual([pool.totalCount, 0]))
  })

  test('who asks while a client is idle either waits for it or has it, and opens no other', async () => {
    const pool = open({ max: 2 })
    await pool.query('select 1')
    const asked = pool.connect()
    expect(pool.totalCount).toBe(1)
    expect(pool.waitingCount + (pool.totalCount - pool.idleCount)).toBe(1)
    const client = await asked
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 0, 0])
    client.release()
  })

  test('the client is constructed in the turn of the connect and is found in _clients', async () => {
    const pool = open()
    const connecting = pool.connect()
    expect(pool._clients).toHaveLength(1)
    const client = await connecting
    expect(pool._clients).toEqual([client])
    client.release(true)
    expect(pool._clients).toHaveLength(0)
  })

  test('a released client is lent again, the same object each time', async () => {
    const pool = open({ max: 1 })
    const first = await pool.connect()
    const pid = await backendPid(first)
    first.release()
    for (let lease = 0; lease < 10; lease += 1) {
      const client = await pool.connect()
      expect(client).toBe(first)
      expect(await backendPid(client)).toBe(pid)
      client.release()
    }
    expect(pool.totalCount).toBe(1)
  })

  test('what a caller writes on a client is there in the next lease', async () => {
    const pool = open({ max: 1 })
    const client = (await pool.connect()) as pg.PoolClient & { __knexUid?: string }
    client.__knexUid = 'uid-1'
    client.release()
    const again = (await pool.connect()) as pg.PoolClient & { __knexUid?: string }
    expect(again.__knexUid).toBe('uid-1')
    again.release()
  })

  test('waiters are served in the order they came, callbacks and promises alike', async () => {
    const pool = open({ max: 1 })
    const holder = await pool.connect()
    const order: string[] = []
    const served: Promise<void>[] = []
    for (const name of ['first', 'third', 'fifth']) {
      served.push(
        pool.connect().then((client) => {
          order.push(name)
          client.release()
        }),
        new Promise((resolve) => {
          pool.connect((_error, _client, done) => {
            order.push(`after ${name}`)
            done()
            resolve()
          })
        }),
      )
    }
    expect(pool.waitingCount).toBe(6)
    holder.release()
    await Promise.all(served)
    // A promise's continuation runs a moment after the callback form would have: each kind is in order of its own.
    expect(order.filter((name) => !name.startsWith('after'))).toEqual(['first', 'third', 'fifth'])
    expect(order.filter((name) => name.startsWith('after'))).toEqual([
      'after first',
      'after third',
      'after fifth',
    ])
  })

  test('callbacks are served first come, first served', async () => {
    const pool = open({ max: 1 })
    const holder = await pool.connect()
    const order: number[] = []
    const served = [1, 2, 3, 4, 5].map(
      (number) =>
        new Promise<void>((resolve) => {
          pool.connect((_error, _client, done) => {
            order.push(number)
            setImmediate(() => {
              done()
              resolve()
            })
          })
        }),
    )
    holder.release()
    await Promise.all(served)
    expect(order).toEqual([1, 2, 3, 4, 5])
  })

  test('queries are answered first come, first served', async () => {
    const pool = open({ max: 1 })
    const order: number[] = []
    await Promise.all(
      [1, 2, 3, 4, 5].map((number) =>
        pool.query('select $1::int as n', [number]).then(({ rows }) => order.push(rows[0].n)),
      ),
    )
    expect(order).toEqual([1, 2, 3, 4, 5])
  })

  test.each([[undefined], [null], [false], [0], ['']])(
    'release(%j) keeps the connection',
    async (argument) => {
      const pool = open()
      const client = await pool.connect()
      client.release(argument as never)
      expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
    },
  )

  test('release() without an argument keeps the connection', async () => {
    const pool = open()
    const client = await pool.connect()
    expect(client.release()).toBeUndefined()
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
  })

  test.each([[true], [new Error('broken')], ['broken'], [1]])(
    'release(%s) closes the connection',
    async (argument) => {
      const pool = open()
      const client = await pool.connect()
      const pid = await backendPid(client)
      client.release(argument as never)
      expect([pool.totalCount, pool.idleCount]).toEqual([0, 0])
      expect(await backendPid(pool)).not.toBe(pid)
    },
  )

  test('done(error) closes the connection as release(error) does', async () => {
    const pool = open()
    const { args } = await calledBack((callback) => pool.connect(callback as never))
    ;(args[2] as (error: Error) => void)(new Error('broken'))
    expect(pool.totalCount).toBe(0)
  })

  test('releasing twice throws', async () => {
    const pool = open()
    const client = await pool.connect()
    client.release()
    expect(() => client.release()).toThrow(new Error(doubleRelease))
    expect(() => client.release(true)).toThrow(new Error(doubleRelease))
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
  })

  test('done after release throws, and release after done', async () => {
    const pool = open()
    const { args } = await calledBack((callback) => pool.connect(callback as never))
    const [, client, done] = args as [undefined, pg.PoolClient, () => void]
    client.release()
    expect(() => done()).toThrow(new Error(doubleRelease))
    const again = await calledBack((callback) => pool.connect(callback as never))
    ;(again.args[2] as () => void)()
    expect(() => client.release()).toThrow(new Error(doubleRelease))
    expect(pool.idleCount).toBe(1)
  })

  test('release works without its client', async () => {
    const pool = open()
    const { release } = await pool.connect()
    release()
    expect(pool.idleCount).toBe(1)
  })

  test('a release that waits for its last statement loses nothing', async () => {
    const pool = open({ max: 1 })
    const table = unique('dropin_commit')
    await pool.query(`create table ${table} (n int)`)
    const client = await pool.connect()
    await client.query('begin')
    await client.query(`insert into ${table} values (1)`)
    const committing = client.query('commit')
    client.release()
    const { rows } = await pool.query(`select n, pg_current_xact_id_if_assigned() as xid from ${table}`)
    expect(rows).toEqual([{ n: 1, xid: null }])
    expect((await committing).command).toBe('COMMIT')
    expect(pool.totalCount).toBe(1)
    await pool.query(`drop table ${table}`)
  })

  test('a released client goes to the caller who waits', async () => {
    const pool = open({ max: 1 })
    const client = await pool.connect()
    const waiting = pool.connect()
    expect(pool.waitingCount).toBe(1)
    client.release()
    expect(await waiting).toBe(client)
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 0, 0])
    client.release()
  })

  test('a connection closed by its owner is replaced for the caller who waits', async () => {
    const pool = open({ max: 1 })
    const client = await pool.connect()
    const pid = await backendPid(client)
    const waiting = pool.connect()
    client.release(true)
    const other = await waiting
    expect(other).not.toBe(client)
    expect(await backendPid(other)).not.toBe(pid)
    other.release()
  })

  test('many callers share few connections', async () => {
    const pool = open({ max: 3 })
    let most = 0
    let held = 0
    await Promise.all(
      Array.from({ length: 60 }, async () => {
        const client = await pool.connect()
        held += 1
        most = Math.max(most, held)
        await client.query('select 1')
        held -= 1
        client.release()
      }),
    )
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(3)
    expect(pool.totalCount).toBeLessThanOrEqual(3)
    await until(() => expect([pool.idleCount, pool.waitingCount]).toEqual([pool.totalCount, 0]))
  })
})
