// What pg-pool gets wrong and Sluice right: each shown on both.
import { EventEmitter } from 'node:events'
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { differ, peers, sluiceOnly } from './peers.ts'
import { backendPid, calledBack, inAChild, opener, rejection, terminate, unique, within } from './support.ts'

const doubleRelease = 'Release called on client which has already been released to the pool.'

describe.each(peers)('$name and callers who make mistakes', (peer) => {
  const open = opener(peer)

  test('a saved release called again does not touch the new owner', async () => {
    const pool = open({ max: 1 })
    const first = await pool.connect()
    const { release } = first
    release()
    const second = await pool.connect()
    const waiting = pool.connect()
    expect(() => release()).toThrow(new Error(doubleRelease))
    expect(() => release(true)).toThrow(new Error(doubleRelease))
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 0, 1])
    expect((await second.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    second.release()
    ;(await waiting).release()
  })

  test('a saved done called again does not touch the new owner', async () => {
    const pool = open({ max: 1 })
    const { args } = await calledBack((callback) => pool.connect(callback as never))
    const done = args[2] as (error?: unknown) => void
    done()
    const second = await pool.connect()
    expect(() => done(new Error('late'))).toThrow(new Error(doubleRelease))
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 0])
    second.release()
  })

  test.each([[undefined], [false], [true]])(
    'whether idle peers are asked, with keepAlive %s',
    async (keepAlive) => {
      const pool = open({ keepAlive })
      const client = (await pool.connect()) as pg.PoolClient & { connection: { _keepAlive?: boolean } }
      const byDefault = differ(peer, 'idle-peers-are-asked', { pgPool: false, sluice: true })
      expect(Boolean(client.connection._keepAlive)).toBe(keepAlive ?? byDefault)
      client.release()
    },
  )

  test('a client released inside a transaction', async () => {
    const pool = open({ max: 1 })
    const first = await pool.connect()
    const pid = await backendPid(first)
    await first.query('begin')
    first.release()
    const second = await pool.connect()
    const expected = differ(peer, 'open-transactions-are-not-lent', {
      pgPool: { same: true, status: 'T' },
      sluice: { same: false, status: 'I' },
    })
    expect({ same: (await backendPid(second)) === pid, status: second.getTransactionStatus() }).toEqual(
      expected,
    )
    second.release(true)
  })

  test('a client released inside a failed transaction', async () => {
    const pool = open({ max: 1 })
    const first = await pool.connect()
    await first.query('begin')
    await rejection(first.query('select 1 / 0'))
    first.release()
    const answer = await pool.query('select 1').then(
      () => 'answered',
      (error: Error & { code?: string }) => error.code,
    )
    expect(answer).toBe(
      differ(peer, 'open-transactions-are-not-lent', { pgPool: '25P02', sluice: 'answered' }),
    )
  })

  test('a client released right after a begin that was not awaited', async () => {
    const pool = open({ max: 1 })
    const first = await pool.connect()
    const beginning = first.query('begin')
    first.release()
    const second = await pool.connect()
    await second.query('select 1')
    await beginning
    expect(second.getTransactionStatus()).toBe(
      differ(peer, 'open-transactions-are-not-lent', { pgPool: 'T', sluice: 'I' }),
    )
    second.release(true)
  })

  test('what a forgotten commit wrote is rolled back', async () => {
    const pool = open({ max: 1 })
    const table = unique('dropin_forgotten')
    await pool.query(`create table ${table} (n int)`)
    const first = await pool.connect()
    await first.query('begin')
    await first.query(`insert into ${table} values (1)`)
    first.release()
    await pool.query(`insert into ${table} values (2)`)
    await pool.end()
    const other = open()
    const { rows } = await other.query(`select n from ${table}`)
    expect(rows).toEqual(differ(peer, 'open-transactions-are-not-lent', { pgPool: [], sluice: [{ n: 2 }] }))
    await other.query(`drop table ${table}`)
  })

  test('a last statement that was not awaited, on a connection that is worn out', async () => {
    const pool = open({ maxUses: 1 })
    const client = await pool.connect()
    const last = client.query('select pg_sleep(0.05)').then(
      () => 'answered',
      (error: Error) => error.message,
    )
    client.release()
    expect(await last).toBe(
      differ(peer, 'a-last-statement-may-finish', { pgPool: 'Connection terminated', sluice: 'answered' }),
    )
  })

  test('a last statement that was not awaited, on a pool that is ending', async () => {
    const pool = open()
    const client = await pool.connect()
    const last = client.query('select pg_sleep(0.05)').then(
      () => 'answered',
      (error: Error) => error.message,
    )
    const ending = pool.end()
    client.release()
    expect(await last).toBe(
      differ(peer, 'a-last-statement-may-finish', { pgPool: 'Connection terminated', sluice: 'answered' }),
    )
    await ending
  })

  test('a client released while a statement that timed out still runs', async () => {
    const pool = open({ max: 2 })
    const first = await pool.connect()
    const pid = await backendPid(first)
    first.on('error', () => {})
    const slow = { text: 'select pg_sleep(30)', query_timeout: 50 } as pg.QueryConfig
    expect((await rejection(first.query(slow))).message).toBe('Query read timeout')
    first.release()
    const ask = async (): Promise<string> => {
      const second = await pool.connect()
      second.on('error', () => {})
      const answer = await second.query('select 1').then(
        () => 'answered',
        () => 'rejected',
      )
      second.release(true)
      return answer
    }
    const answered = ask()
    expect(await within(1_000, answered).catch(() => 'behind the slow one')).toBe(
      differ(peer, 'busy-connections-are-not-lent', { pgPool: 'behind the slow one', sluice: 'answered' }),
    )
    await terminate(pid)
    await answered
  })

  test('a leased client that loses its connection and has no error listener', async () => {
    const { code, stdout, stderr } = await inAChild(
      peer,
      `const pool = new Pool({ connectionString: url })
       const client = await pool.connect()
       const { rows } = await client.query('select pg_backend_pid() as pid')
       const ended = new Promise((resolve) => client.once('end', resolve))
       await pool.query('select pg_terminate_backend($1)', [rows[0].pid])
       await ended
       const error = await client.query('select 1').catch((error) => error)
       client.release()
       const again = await pool.query('select 1 as n')
       await pool.end()
       console.log(error.message, again.rows[0].n)`,
    )
    const expected = differ(peer, 'errors-on-leased-clients-do-not-crash', {
      pgPool: { code: 1, stdout: '' },
      sluice: { code: 0, stdout: 'Client has encountered a connection error and is not queryable 1\n' },
    })
    expect({ code, stdout }, stderr).toEqual(expected)
  })
})

test('pg.Pool has the methods we know of', () => {
  const [pgPool] = peers
  expect(inherited(pgPool?.Pool.prototype)).toContain('connect')
})

/** Every name between this prototype and EventEmitter's. */
function inherited(prototype: object | null | undefined): string[] {
  const names = new Set<string>()
  for (
    let at = prototype;
    at && at !== EventEmitter.prototype;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name)
  }
  return [...names]
}

describe.each(sluiceOnly)('$name', (peer) => {
  test('overrides every method and getter of pg.Pool', () => {
    const own = Object.getOwnPropertyNames(peer.Pool.prototype)
    const left = inherited(Object.getPrototypeOf(peer.Pool.prototype) as object).filter(
      (name) => !own.includes(name),
    )
    expect(left).toEqual([])
  })

  test('is not mistaken for a pool of tarn', () => {
    const tarn = ['acquire', 'release', 'destroy', 'numFree', 'numUsed', 'numPendingAcquires']
    const pool = new peer.Pool() as unknown as Record<string, unknown>
    expect(tarn.every((name) => name in pool)).toBe(false)
  })
})
