import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { peers } from './peers.ts'
import { backendPid, emitted, opener, recordEvents, rejection, terminate, until, warm } from './support.ts'

describe.each(peers)('the events of $name', (peer) => {
  const open = opener(peer)

  test('a fresh connection: connect, acquire, then the caller', async () => {
    const pool = open()
    const words = recordEvents(pool)
    await new Promise<void>((resolve) => {
      pool.connect((_error, _client, done) => {
        words.push('caller')
        done()
        words.push('released')
        resolve()
      })
    })
    expect(words).toEqual(['connect', 'acquire', 'caller', 'release', 'released'])
  })

  test('a connection used again: acquire only', async () => {
    const pool = open()
    ;(await pool.connect()).release()
    const words = recordEvents(pool)
    ;(await pool.connect()).release()
    expect(words).toEqual(['acquire', 'release'])
  })

  test('a query acquires and releases', async () => {
    const pool = open()
    const words = recordEvents(pool)
    await pool.query('select 1')
    words.push('answered')
    await pool.query('select 1')
    words.push('answered')
    expect(words).toEqual(['connect', 'acquire', 'release', 'answered', 'acquire', 'release', 'answered'])
  })

  test('a release with an error: release, then remove once the client has ended', async () => {
    const pool = open()
    const words = recordEvents(pool)
    const client = await pool.connect()
    const removed = emitted(pool, 'remove')
    client.release(new Error('broken'))
    expect(words).toEqual(['connect', 'acquire', 'release'])
    const [gone] = (await removed) as [pg.PoolClient & { _ended: boolean }]
    expect(gone).toBe(client)
    expect(gone._ended).toBe(true)
    expect(words).toEqual(['connect', 'acquire', 'release', 'remove'])
  })

  test('a release of a client whose connection is in use closes it', async () => {
    const pool = open()
    const client = await pool.connect()
    const words = recordEvents(pool)
    const running = rejection(client.query('select pg_sleep(30)'))
    const removed = emitted(pool, 'remove')
    client.release(new Error('enough'))
    await removed
    expect((await running).message).toMatch(/^Connection terminated/)
    expect(words).toEqual(['release', 'remove'])
    expect(pool.totalCount).toBe(0)
  })

  test('connect, acquire and remove carry the client', async () => {
    const pool = open()
    const seen: unknown[] = []
    for (const event of ['connect', 'acquire', 'remove'] as const) {
      pool.on(event, (...args: unknown[]) => seen.push([event, ...args]))
    }
    const client = await pool.connect()
    const removed = emitted(pool, 'remove')
    client.release(true)
    await removed
    expect(seen).toEqual([
      ['connect', client],
      ['acquire', client],
      ['remove', client],
    ])
    expect(client).toBeInstanceOf(pg.Client)
  })

  test('release carries what was said on release, and the client', async () => {
    const pool = open()
    const seen: unknown[][] = []
    pool.on('release', (...args: unknown[]) => seen.push(args))
    const broken = new Error('broken')
    const clients: unknown[] = []
    for (const argument of [undefined, null, false, true, broken]) {
      const client = await pool.connect()
      clients.push(client)
      client.release(argument as never)
    }
    expect(seen.map(([argument]) => argument)).toEqual([undefined, null, false, true, broken])
    expect(seen.map(([, client]) => client)).toEqual(clients)
    expect(seen.every((args) => args.length === 2)).toBe(true)
  })

  test('at release the client is not idle yet, and its listener may ask the pool', async () => {
    const pool = open()
    const client = await pool.connect()
    const counts: number[] = []
    pool.on('release', () => counts.push(pool.totalCount, pool.idleCount))
    client.release()
    expect([...counts, pool.idleCount]).toEqual([1, 0, 1])
  })

  test('a query made by a listener of connect runs before those of the caller', async () => {
    const pool = open({ max: 2 })
    const settings: Promise<unknown>[] = []
    pool.on('connect', (client) => void settings.push(client.query("set application_name to 'listened'")))
    for (let i = 0; i < 2; i += 1) {
      const { rows } = await pool.query("select current_setting('application_name') as name")
      expect(rows).toEqual([{ name: 'listened' }])
    }
    expect(settings).toHaveLength(1)
    await Promise.all(settings)
  })

  test('a failed connection is told to its caller and emits nothing', async () => {
    const pool = open({
      connectionString: undefined,
      host: '127.0.0.1',
      port: 1,
      user: 'agent',
      database: 'a',
      password: '',
    })
    const words = recordEvents(pool)
    await rejection(pool.connect())
    expect(words).toEqual([])
  })

  test('two waiters at one connection: acquire and release take turns', async () => {
    const pool = open({ max: 1 })
    const words = recordEvents(pool)
    await Promise.all([pool.query('select 1'), pool.query('select 2'), pool.query('select 3')])
    expect(words).toEqual(['connect', 'acquire', 'release', 'acquire', 'release', 'acquire', 'release'])
  })

  test('an idle connection that dies: error with its client, then remove', async () => {
    const pool = open()
    const words = recordEvents(pool)
    const client = await pool.connect()
    const pid = await backendPid(client)
    client.release()
    const removed = emitted(pool, 'remove')
    const failed = emitted(pool, 'error')
    await terminate(pid)
    const [error, of] = (await failed) as [Error & { client?: unknown; code?: string }, unknown]
    expect([pool.totalCount, pool.idleCount]).toEqual([0, 0])
    expect([error.message, error.code]).toEqual([
      'terminating connection due to administrator command',
      '57P01',
    ])
    expect(of).toBe(client)
    expect(error.client).toBe(client)
    await removed
    expect(words).toEqual(['connect', 'acquire', 'release', 'error', 'remove'])
    expect(await backendPid(pool)).not.toBe(pid)
  })

  test('a leased connection that dies says so to its owner, not to the pool, and is not lent again', async () => {
    const pool = open()
    const client = await pool.connect()
    const pid = await backendPid(client)
    const words = recordEvents(pool)
    const errors: string[] = []
    client.on('error', (error) => errors.push(error.message))
    const ended = emitted(client, 'end')
    await terminate(pid)
    await ended
    expect(errors.length).toBeGreaterThan(0)
    expect(words).toEqual([])
    expect((await rejection(client.query('select 1'))).message).toBe(
      'Client has encountered a connection error and is not queryable',
    )
    client.release()
    expect([pool.totalCount, pool.idleCount]).toEqual([0, 0])
    await until(() => expect(words).toEqual(['release', 'remove']))
    expect(await backendPid(pool)).not.toBe(pid)
  })

  test('a query whose connection is killed is rejected, and the next one gets another', async () => {
    const pool = open({ max: 1 })
    const pid = await backendPid(pool)
    const running = rejection(pool.query('select pg_sleep(30)'))
    await terminate(pid)
    expect(await running).toMatchObject({
      code: '57P01',
      message: 'terminating connection due to administrator command',
    })
    expect(await backendPid(pool)).not.toBe(pid)
    expect(pool.totalCount).toBe(1)
  })

  test('end: remove for every connection', async () => {
    const pool = open()
    await warm(pool, 2)
    const words = recordEvents(pool)
    await pool.end()
    await until(() => expect(words).toEqual(['remove', 'remove']))
  })

  test('listeners may be asked for, added once, and removed', async () => {
    const pool = open()
    const words: string[] = []
    const listener = (): void => void words.push('on')
    pool.once('acquire', () => words.push('once')).on('acquire', listener)
    await pool.query('select 1')
    pool.removeListener('acquire', listener)
    await pool.query('select 1')
    expect(words).toEqual(['once', 'on'])
    expect([pool.listeners('error'), pool.listeners('connect'), pool.listenerCount('acquire')]).toEqual([
      [],
      [],
      0,
    ])
  })
})
