import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { sessions } from '../support/postgres.ts'
import { differ, peers } from './peers.ts'
import {
  backendPid,
  calledBack,
  emitted,
  inAChild,
  opener,
  recordEvents,
  rejection,
  unique,
  until,
} from './support.ts'

const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

describe.each(peers)('what $name keeps and closes', (peer) => {
  const open = opener(peer)

  test('never more than max connections, as the server counts them', async () => {
    const name = unique('dropin_max')
    const pool = open({ max: 3, application_name: name })
    const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()])
    const asked = Array.from({ length: 20 }, () => pool.query('select 1'))
    expect([await sessions(name), pool.totalCount, pool.waitingCount]).toEqual([3, 3, 20])
    for (const client of clients) client.release()
    await Promise.all(asked)
    expect([await sessions(name), pool.totalCount]).toEqual([3, 3])
  })

  test('an idle connection is closed after idleTimeoutMillis', async () => {
    const name = unique('dropin_idle')
    const pool = open({ idleTimeoutMillis: 10, application_name: name })
    const words = recordEvents(pool)
    const removed = emitted(pool, 'remove')
    await pool.query('select 1')
    await removed
    expect([pool.totalCount, pool.idleCount]).toEqual([0, 0])
    expect(words).toEqual(['connect', 'acquire', 'release', 'remove'])
    await until(async () => expect(await sessions(name)).toBe(0))
  })

  test('a leased connection is not closed by idleTimeoutMillis', async () => {
    const pool = open({ idleTimeoutMillis: 10 })
    const client = await pool.connect()
    await pause(40)
    expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    client.release()
  })

  test('idleTimeoutMillis 0 never closes', async () => {
    const pool = open({ idleTimeoutMillis: 0 })
    await pool.query('select 1')
    await pause(60)
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
  })

  test('the idle timeout leaves min connections', async () => {
    const pool = open({ min: 1, max: 3, idleTimeoutMillis: 20 })
    let removed = 0
    pool.on('remove', () => {
      removed += 1
    })
    const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()])
    for (const client of clients) client.release()
    await until(() => expect(removed).toBe(2))
    await pause(60)
    expect([removed, pool.totalCount, pool.idleCount]).toEqual([2, 1, 1])
  })

  test('after maxUses leases a connection is replaced', async () => {
    const lines: unknown[] = []
    const pool = open({ maxUses: 2, log: (line: unknown) => lines.push(line) })
    const words = recordEvents(pool)
    const first = await pool.connect()
    first.release()
    const again = await pool.connect()
    expect(again).toBe(first)
    expect(lines).not.toContain('remove expended client')
    const removed = emitted(pool, 'remove')
    again.release()
    expect(pool.totalCount).toBe(0)
    expect(lines).toContain('remove expended client')
    await removed
    expect(words).toEqual(['connect', 'acquire', 'release', 'acquire', 'release', 'remove'])
    const fresh = await pool.connect()
    expect(fresh).not.toBe(first)
    fresh.release()
  })

  test('maxUses counts queries too', async () => {
    const pool = open({ max: 1, maxUses: 3 })
    const pids: number[] = []
    for (let i = 0; i < 7; i += 1) pids.push(await backendPid(pool))
    expect(new Set(pids.slice(0, 3)).size).toBe(1)
    expect(new Set(pids.slice(3, 6)).size).toBe(1)
    expect(new Set(pids).size).toBe(3)
  })

  test('an idle connection past maxLifetimeSeconds is closed', async () => {
    const pool = open({ maxLifetimeSeconds: 0.15 })
    const words = recordEvents(pool)
    const removed = emitted(pool, 'remove')
    await pool.query('select 1')
    await removed
    expect([pool.totalCount, pool.idleCount, pool.expiredCount]).toEqual([0, 0, 0])
    expect(words.slice(3)).toEqual(
      differ(peer, 'expiry-is-not-a-lease', { pgPool: ['acquire', 'release', 'remove'], sluice: ['remove'] }),
    )
  })

  test('a leased connection past maxLifetimeSeconds is expired, and closed when released', async () => {
    const pool = open({ maxLifetimeSeconds: 0.15 })
    const client = await pool.connect()
    expect(pool.expiredCount).toBe(0)
    await until(() => expect(pool.expiredCount).toBe(1))
    expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    const words = recordEvents(pool)
    client.release()
    expect([pool.totalCount, pool.idleCount, pool.expiredCount]).toEqual([0, 0, 0])
    await until(() => expect(words).toEqual(['release', 'remove']))
  })

  describe('onConnect', () => {
    test('runs once for each new connection, before its first owner gets it', async () => {
      const order: string[] = []
      const pool = open({
        max: 1,
        onConnect: async (client: pg.PoolClient) => {
          await client.query("set application_name to 'prepared'")
          order.push('onConnect')
        },
      })
      pool.on('connect', () => order.push('connect'))
      for (let i = 0; i < 2; i += 1) {
        const { rows } = await pool.query("select current_setting('application_name') as name")
        order.push(rows[0].name)
      }
      expect(order).toEqual(['onConnect', 'connect', 'prepared', 'prepared'])
    })

    test('may be synchronous', async () => {
      let given: unknown
      const onConnect = (client: unknown): void => {
        given = client
      }
      const pool = open({ onConnect })
      const client = await pool.connect()
      expect(given).toBe(client)
      client.release()
    })

    test.each([
      [
        'throws',
        () => {
          throw new Error('not this one')
        },
      ],
      ['rejects', () => Promise.reject(new Error('not this one'))],
    ])('that %s is what the caller gets, and the connection is closed', async (_how, onConnect) => {
      const name = unique('dropin_hook')
      const pool = open({ onConnect, application_name: name })
      const words = recordEvents(pool)
      expect((await rejection(pool.connect())).message).toBe('not this one')
      const { args } = await calledBack((callback) => pool.connect(callback as never))
      expect([(args[0] as Error).message, args[1], typeof args[2]]).toEqual([
        'not this one',
        undefined,
        'function',
      ])
      expect((await rejection(pool.query('select 1'))).message).toBe('not this one')
      expect([pool.totalCount, pool.waitingCount]).toEqual([0, 0])
      expect(words.filter((word) => word === 'connect' || word === 'acquire')).toEqual([])
      await until(async () => expect(await sessions(name)).toBe(0))
    })
  })

  describe('verify', () => {
    test('is asked once for each new connection, after connect and acquire', async () => {
      const words: string[] = []
      const verify = (client: pg.PoolClient, done: (error?: Error) => void): void => {
        words.push('verify')
        client.query('select 1', (error) => done(error))
      }
      const pool = open({ verify })
      pool.on('connect', () => words.push('connect')).on('acquire', () => words.push('acquire'))
      ;(await pool.connect()).release()
      words.push('again')
      ;(await pool.connect()).release()
      expect(words).toEqual(['connect', 'acquire', 'verify', 'again', 'acquire'])
    })

    test('that finds a fault is what the caller gets, and the connection is closed', async () => {
      const verify = (_client: pg.PoolClient, done: (error?: Error) => void): void =>
        done(new Error('read only'))
      const pool = open({ verify })
      const words = recordEvents(pool)
      expect((await rejection(pool.connect())).message).toBe('read only')
      expect((await rejection(pool.query('select 1'))).message).toBe('read only')
      const { args } = await calledBack((callback) => pool.connect(callback as never))
      expect([(args[0] as Error).message, args[1], typeof args[2]]).toEqual([
        'read only',
        undefined,
        'function',
      ])
      expect(pool.totalCount).toBe(0)
      await until(() => expect(words.filter((word) => word === 'remove')).toHaveLength(3))
      expect(words.filter((word) => word === 'release')).toHaveLength(3)
    })
  })

  describe('in a process of its own', () => {
    test('allowExitOnIdle lets the process end while connections are idle', async () => {
      const { code, stdout, stderr } = await inAChild(
        peer,
        `const pool = new Pool({ connectionString: url, allowExitOnIdle: true, idleTimeoutMillis: 60_000 })
         const { rows } = await pool.query('select 1 as n')
         const client = await pool.connect()
         await client.query('select 1')
         client.release()
         console.log(rows[0].n, pool.idleCount)`,
      )
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '1 1\n', stderr: '' })
    })

    test('with allowExitOnIdle a leased connection still holds the process', async () => {
      const { code, stdout } = await inAChild(
        peer,
        `const pool = new Pool({ connectionString: url, allowExitOnIdle: true, idleTimeoutMillis: 60_000 })
         await pool.query('select 1')
         const client = await pool.connect()
         client.query('select pg_sleep(0.2)').then(() => { console.log('finished'); client.release() })`,
      )
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'finished\n' })
    })

    test('without it the process goes on until the idle timeout', async () => {
      const { code, stdout, stderr } = await inAChild(
        peer,
        `const pool = new Pool({ connectionString: url, idleTimeoutMillis: 300 })
         await pool.query('select 1')
         const from = performance.now()
         process.on('exit', () => console.log(performance.now() - from >= 290 ? 'late' : 'early'))`,
      )
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'late\n', stderr: '' })
    })

    test('a process ends after end()', async () => {
      const { code, stdout, stderr } = await inAChild(
        peer,
        `const pool = new Pool({ connectionString: url, idleTimeoutMillis: 0, maxLifetimeSeconds: 60, connectionTimeoutMillis: 60_000 })
         await Promise.all([pool.query('select 1'), pool.query('select 1')])
         await pool.end()
         console.log('ended')`,
      )
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'ended\n', stderr: '' })
    })
  })
})
