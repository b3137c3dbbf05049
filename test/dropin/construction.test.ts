import { inspect } from 'node:util'
import pg from 'pg'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { databaseUrl } from '../support/postgres.ts'
import { differ, peers } from './peers.ts'
import { scriptedServer } from './scripted-server.ts'
import type { OpenPool } from './support.ts'
import { backendPid, opener, rejection, unique } from './support.ts'

describe.each(peers)('constructing $name', (peer) => {
  const open = opener(peer)

  afterEach(() => {
    vi.unstubAllEnvs()
  })

  test('a pool is an instance of pg.Pool and of an EventEmitter', () => {
    const pool = open()
    expect(pool).toBeInstanceOf(pg.Pool)
    expect(typeof pool.on).toBe('function')
    expect(peer.Pool.name).toMatch(/Pool/)
  })

  test('a new pool connects to nothing and counts nothing', () => {
    const { totalCount, idleCount, waitingCount, expiredCount, ending, ended } = open()
    expect({ totalCount, idleCount, waitingCount, expiredCount, ending, ended }).toEqual({
      totalCount: 0,
      idleCount: 0,
      waitingCount: 0,
      expiredCount: 0,
      ending: false,
      ended: false,
    })
  })

  test('the options have defaults', () => {
    expect(open().options).toMatchObject({
      max: 10,
      min: 0,
      maxUses: Number.POSITIVE_INFINITY,
      maxLifetimeSeconds: 0,
      idleTimeoutMillis: 10_000,
      allowExitOnIdle: false,
    })
  })

  test('an option that is undefined takes its default', () => {
    const pool = open({ max: undefined, min: undefined, idleTimeoutMillis: undefined })
    expect(pool.options).toMatchObject({ max: 10, min: 0, idleTimeoutMillis: 10_000 })
  })

  test('poolSize is an old name of max', () => {
    const taken = (): string => {
      try {
        return `max ${open({ poolSize: 3 }).options.max}`
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(taken()).toBe(
      differ(peer, 'old-option-names-are-refused', {
        pgPool: 'max 3',
        sluice: 'poolSize is not an option of Sluice; did you mean max?',
      }),
    )
  })

  test('a numeric string is as good as a number', async () => {
    const pool = open({ max: '2' })
    const first = await pool.connect()
    const second = await pool.connect()
    const third = pool.connect()
    expect([pool.totalCount, pool.waitingCount]).toEqual([2, 1])
    first.release()
    second.release()
    ;(await third).release()
  })

  test('the options are a copy that keeps the keys meant for others', () => {
    const given = { connectionString: databaseUrl(), max: 4, flavour: 'plain' }
    const pool = open(given)
    expect(pool.options).not.toBe(given)
    expect(pool.options).toMatchObject({ max: 4, flavour: 'plain', connectionString: databaseUrl() })
    given.max = 7
    expect(pool.options.max).toBe(4)
  })

  test('the password is there and does not show', () => {
    const { options } = open({ connectionString: undefined, password: 'hush-hush' })
    expect((options as pg.PoolConfig).password).toBe('hush-hush')
    expect(Object.keys(options)).not.toContain('password')
    expect(inspect(options) + JSON.stringify(options)).not.toContain('hush-hush')
    const { enumerable, configurable, writable } = Object.getOwnPropertyDescriptor(options, 'password') ?? {}
    expect({ enumerable, configurable, writable }).toEqual({
      enumerable: false,
      configurable: true,
      writable: true,
    })
  })

  test('options without a password get none', () => {
    expect('password' in open().options).toBe(false)
  })

  test("the caller's object is not changed", () => {
    const given = { host: '127.0.0.1', password: 'hush-hush', max: 3, Client: pg.Client }
    const before = { ...given }
    open(given)
    expect(given).toEqual(before)
    expect(Object.keys(given)).toEqual(Object.keys(before))
  })

  test('frozen options are accepted', () => {
    expect(open(Object.freeze({ max: 3, password: 'hush-hush' })).options.max).toBe(3)
  })

  test("the caller's ssl object", () => {
    const ssl = { key: 'a private key', rejectUnauthorized: false }
    const pool = open({ ssl })
    expect(Object.keys(ssl)).toEqual(
      differ(peer, 'ssl-of-the-caller-untouched', {
        pgPool: ['rejectUnauthorized'],
        sluice: ['key', 'rejectUnauthorized'],
      }),
    )
    expect(ssl.key).toBe('a private key')
    expect(inspect(pool.options)).not.toContain('a private key')
  })

  test('Client is the class of the clients: the one given, else the one of pg', async () => {
    class Marked extends pg.Client {}
    expect(open().Client).toBe(pg.Client)
    const pool = open({ Client: Marked })
    expect(pool.Client).toBe(Marked)
    const client = await pool.connect()
    expect(client).toBeInstanceOf(Marked)
    client.release()
  })

  test('the Client is constructed with the options of the pool', async () => {
    const seen: unknown[] = []
    class Curious extends pg.Client {
      constructor(config?: pg.ClientConfig) {
        super(config)
        seen.push(config)
      }
    }
    const pool = open({ Client: Curious, application_name: 'curious', flavour: 'plain' })
    await pool.query('select 1')
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({
      application_name: 'curious',
      flavour: 'plain',
      connectionString: databaseUrl(),
    })
  })

  test('Promise is the class of the promises: the one given, else the global one', async () => {
    class Marked<T> extends Promise<T> {}
    expect(open().Promise).toBe(Promise)
    const pool = open({ Promise: Marked })
    expect(pool.Promise).toBe(Marked)
    const connecting = pool.connect()
    const querying = pool.query('select 1')
    expect(connecting).toBeInstanceOf(Marked)
    expect(querying).toBeInstanceOf(Marked)
    ;(await connecting).release()
    await querying
    const ending = pool.end()
    expect(ending).toBeInstanceOf(Marked)
    await ending
  })

  test('log is called with what happens, and is a silent function when none is given', async () => {
    expect(open().log('nothing')).toBeUndefined()
    const lines: unknown[] = []
    const log = (line: unknown): void => void lines.push(line)
    const pool = open({ log })
    expect(pool.log).toBe(log)
    await pool.query('select 1')
    expect(lines).not.toHaveLength(0)
    expect(lines.every((line) => typeof line === 'string')).toBe(true)
  })

  test('a connection string may carry parameters', async () => {
    const url = new URL(databaseUrl())
    url.searchParams.set('application_name', 'from the string')
    const pool = open({ connectionString: url.href })
    const { rows } = await pool.query("select current_setting('application_name') as name")
    expect(rows).toEqual([{ name: 'from the string' }])
  })

  test('the parts of an address may be given one by one', async () => {
    const url = new URL(databaseUrl())
    const pool = open({
      connectionString: undefined,
      host: url.hostname,
      port: Number(url.port || 5432),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: url.pathname.slice(1),
    })
    expect(await backendPid(pool)).toBeGreaterThan(0)
  })

  test('without options the environment says where to connect', async () => {
    const url = new URL(databaseUrl())
    vi.stubEnv('PGHOST', url.hostname)
    vi.stubEnv('PGPORT', url.port || '5432')
    vi.stubEnv('PGUSER', decodeURIComponent(url.username))
    vi.stubEnv('PGPASSWORD', decodeURIComponent(url.password))
    vi.stubEnv('PGDATABASE', url.pathname.slice(1))
    const pool = new peer.Pool()
    expect(await backendPid(pool)).toBeGreaterThan(0)
    expect(pool.options.max).toBe(10)
    await pool.end()
  })

  describe('with a password', () => {
    const password = async (
      given: unknown,
    ): Promise<{ pool: OpenPool; close(): Promise<void>; sent: string[] }> => {
      const server = await scriptedServer('ask-password')
      const address = {
        connectionString: undefined,
        host: '127.0.0.1',
        port: server.port,
        user: 'agent',
        database: 'a',
      }
      return {
        pool: open({ ...address, password: given }),
        close: () => server.close(),
        sent: server.passwords,
      }
    }

    test('a text is sent as it is', async () => {
      const { pool, close, sent } = await password('hush-hush')
      await pool.query('select')
      await pool.end()
      await close()
      expect(sent).toEqual(['hush-hush'])
    })

    test('a function is asked anew for each connection', async () => {
      let asked = 0
      const { pool, close, sent } = await password(() => {
        asked += 1
        return `token-${asked}`
      })
      const [first, second] = await Promise.all([pool.connect(), pool.connect()])
      first.release()
      second.release()
      await pool.query('select')
      await pool.end()
      await close()
      expect(sent.toSorted()).toEqual(['token-1', 'token-2'])
    })

    test('an async function is awaited', async () => {
      const { pool, close, sent } = await password(async () => {
        await new Promise((resolve) => setImmediate(resolve))
        return 'late-token'
      })
      await pool.query('select')
      await pool.end()
      await close()
      expect(sent).toEqual(['late-token'])
    })

    test('what a function throws is what the caller gets', async () => {
      const { pool, close } = await password(async () => {
        throw new Error('the vault is shut')
      })
      expect((await rejection(pool.query('select'))).message).toBe('the vault is shut')
      expect(pool.totalCount).toBe(0)
      await pool.end()
      await close()
    })

    test('a function that returns no text is refused', async () => {
      const { pool, close } = await password(() => 42)
      expect((await rejection(pool.query('select'))).message).toBe('Password must be a string')
      await pool.end()
      await close()
    })
  })

  test('a subclass may add and override', async () => {
    class Counting extends peer.Pool {
      asked = 0
      override query(...args: unknown[]): never {
        this.asked += 1
        return (super.query as (...given: unknown[]) => never).apply(this, args)
      }
      pid(): Promise<number> {
        return backendPid(this)
      }
    }
    const pool = new Counting({ connectionString: databaseUrl(), application_name: unique('subclass') })
    expect(await pool.pid()).toBeGreaterThan(0)
    ;(await pool.connect()).release()
    expect(pool.asked).toBe(1)
    expect(pool).toBeInstanceOf(peer.Pool)
    expect(pool.totalCount).toBe(1)
    await pool.end()
  })

  test('a pool of a pool’s options is another pool of the same kind', async () => {
    const pool = open({ max: 3 })
    const again = open({ ...pool.options })
    expect(again.options.max).toBe(3)
    expect(await backendPid(again)).not.toBe(await backendPid(pool))
  })
})
