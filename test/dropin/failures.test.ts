import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { databaseUrl } from '../support/postgres.ts'
import type { Peer } from './peers.ts'
import { differ, peers } from './peers.ts'
import type { ScriptedServer } from './scripted-server.ts'
import { scriptedServer } from './scripted-server.ts'
import type { Options } from './support.ts'
import { backendPid, calledBack, opener, recordEvents, refusedPort, rejection, until } from './support.ts'

const agent = {
  connectionString: undefined,
  host: '127.0.0.1',
  user: 'agent',
  password: 'hush-hush',
  database: 'a',
}

const queueTimeout = 'timeout exceeded when trying to connect'
const openTimeout = 'Connection terminated due to connection timeout'

/** pg-pool's text, or one that begins with it. */
function expectText(peer: Peer, message: string, sentence: string): void {
  const more = differ(peer, 'timeout-texts-carry-numbers', { pgPool: false, sluice: true })
  if (more) expect(message.startsWith(sentence), message).toBe(true)
  else expect(message).toBe(sentence)
}

describe.each(peers)('failures through $name', (peer) => {
  const open = opener(peer)

  async function withServer(
    script: 'refuse-password' | 'silent',
    options: Options,
    run: (pool: ReturnType<typeof open>, server: ScriptedServer) => Promise<void>,
  ): Promise<void> {
    const server = await scriptedServer(script)
    const pool = open({ ...agent, port: server.port, ...options })
    try {
      await run(pool, server)
      await pool.end()
    } finally {
      await server.close()
    }
  }

  test('a refused port is told as it is, for connect and query, promise and callback', async () => {
    const port = await refusedPort()
    const pool = open({ ...agent, port })
    const text = `connect ECONNREFUSED 127.0.0.1:${port}`
    expect(await rejection(pool.connect())).toMatchObject({ message: text, code: 'ECONNREFUSED' })
    expect(await rejection(pool.query('select 1'))).toMatchObject({ message: text, code: 'ECONNREFUSED' })
    const connected = await calledBack((callback) => pool.connect(callback as never))
    expect([(connected.args[0] as Error).message, connected.args[1], typeof connected.args[2]]).toEqual([
      text,
      undefined,
      'function',
    ])
    expect([connected.returned, connected.synchronously]).toEqual([undefined, false])
    const queried = await calledBack((callback) => pool.query('select 1', callback as never))
    expect([(queried.args[0] as Error).message, queried.args[1]]).toEqual([text, undefined])
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([0, 0, 0])
  })

  test('done after a failed connect does nothing', async () => {
    const pool = open({ ...agent, port: await refusedPort() })
    const { args } = await calledBack((callback) => pool.connect(callback as never))
    const done = args[2] as (error?: unknown) => void
    expect([done(), done(args[0])]).toEqual([undefined, undefined])
  })

  test('every waiter hears of the refused port, and the slots are free again', async () => {
    const port = await refusedPort()
    const pool = open({ ...agent, port, max: 2 })
    const outcomes = await Promise.allSettled(Array.from({ length: 7 }, () => pool.query('select 1')))
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ECONNREFUSED' } })
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([0, 0, 0])
  })

  test('the stack of a failed connect leads to the caller', async () => {
    const pool = open({ ...agent, port: await refusedPort() })
    expect((await rejection(pool.connect())).stack).toMatch(/failures\.test\.ts/)
  })

  test('a wrong password is told as the server tells it, without the password', async () => {
    await withServer('refuse-password', {}, async (pool, server) => {
      const error = await rejection(pool.query('select 1'))
      expect([error.message, error.code]).toEqual([
        'password authentication failed for user "agent"',
        '28P01',
      ])
      expect(server.passwords).toEqual(['hush-hush'])
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain('hush-hush')
      expect(pool.totalCount).toBe(0)
    })
  })

  test('a missing database is told as the server tells it', async () => {
    const url = new URL(databaseUrl())
    url.pathname = '/no_such_database'
    const pool = open({ connectionString: url.href })
    expect(await rejection(pool.connect())).toMatchObject({
      code: '3D000',
      message: 'database "no_such_database" does not exist',
    })
    expect(pool.totalCount).toBe(0)
  })

  test('a pool whose server was away recovers when it is back', async () => {
    const closed = await refusedPort()
    let asked = 0
    class Wandering extends pg.Client {
      constructor(config?: pg.ClientConfig) {
        asked += 1
        super(
          asked === 1 ? { ...config, connectionString: `postgres://agent@127.0.0.1:${closed}/a` } : config,
        )
      }
    }
    const pool = open({ Client: Wandering })
    expect(await rejection(pool.query('select 1'))).toMatchObject({ code: 'ECONNREFUSED' })
    expect(await backendPid(pool)).toBeGreaterThan(0)
    expect([asked, pool.totalCount]).toEqual([2, 1])
  })

  test('a full pool: the wait ends after connectionTimeoutMillis', async () => {
    const pool = open({ max: 1, connectionTimeoutMillis: 500 })
    const holder = await pool.connect()
    const words = recordEvents(pool)
    const from = performance.now()
    const [connected, queried, called] = await Promise.all([
      rejection(pool.connect()),
      rejection(pool.query('select 1')),
      calledBack((callback) => pool.connect(callback as never)),
    ])
    expect(performance.now() - from).toBeGreaterThanOrEqual(490)
    expectText(peer, connected.message, queueTimeout)
    expectText(peer, queried.message, queueTimeout)
    expectText(peer, (called.args[0] as Error).message, queueTimeout)
    expect(called.args[1]).toBeUndefined()
    expect(typeof called.args[2]).toBe(
      differ(peer, 'done-is-always-a-function', { pgPool: 'undefined', sluice: 'function' }),
    )
    expect([pool.totalCount, pool.waitingCount]).toEqual([1, 0])
    holder.release()
    expect(words).toEqual(['release'])
    expect(await backendPid(pool)).toBeGreaterThan(0)
  })

  test('a waiter that gave up is passed over', async () => {
    const pool = open({ max: 1, connectionTimeoutMillis: 400 })
    const holder = await pool.connect()
    await rejection(pool.connect())
    const patient = pool.connect()
    expect(pool.waitingCount).toBe(1)
    holder.release()
    const client = await patient
    expect(client).toBe(holder)
    client.release()
  })

  test('a silent server: the wait ends after connectionTimeoutMillis, with the cause', async () => {
    await withServer('silent', { connectionTimeoutMillis: 100 }, async (pool) => {
      const from = performance.now()
      const error = await rejection(pool.connect())
      expect(performance.now() - from).toBeGreaterThanOrEqual(95)
      expectText(peer, error.message, openTimeout)
      expect(error.message).toContain('timeout')
      expect(error.cause).toBeInstanceOf(Error)
      const { args } = await calledBack((callback) => pool.connect(callback as never))
      expectText(peer, (args[0] as Error).message, openTimeout)
      expect([args[1], typeof args[2]]).toEqual([undefined, 'function'])
      // An open outlives a caller who gave up before it did.
      await until(() => expect([pool.totalCount, pool.waitingCount]).toEqual([0, 0]))
    })
  })

  test('a server that closes the door: connection terminated unexpectedly', async () => {
    const server = await scriptedServer('hang-up')
    const pool = open({ ...agent, port: server.port })
    expect((await rejection(pool.connect())).message).toBe('Connection terminated unexpectedly')
    await server.close()
    expect(pool.totalCount).toBe(0)
  })

  test('query_timeout ends a query of the pool, and the next one does not wait for it', async () => {
    const pool = open({ max: 1 })
    const slow = { text: 'select pg_sleep(30)', query_timeout: 50 } as pg.QueryConfig
    expect((await rejection(pool.query(slow))).message).toBe('Query read timeout')
    const from = performance.now()
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    expect(performance.now() - from).toBeLessThan(5_000)
  })

  test('statement_timeout of the pool is an error of the server', async () => {
    const pool = open({ statement_timeout: 50 })
    expect(await rejection(pool.query('select pg_sleep(30)'))).toMatchObject({
      code: '57014',
      message: 'canceling statement due to statement timeout',
    })
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })
})
