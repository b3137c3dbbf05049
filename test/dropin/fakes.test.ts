// Clients that speak to no server: what the tests of applications put in the place of pg.Client.
import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { differ, peers } from './peers.ts'
import { calledBack, opener, recordEvents, rejection, within } from './support.ts'

type Callback = (...args: unknown[]) => void

/** A fake with what pg-pool itself uses, and nothing of pg's own. */
class Fake extends EventEmitter {
  readonly _queryable = true
  readonly _ending = false
  readonly calls: unknown[][] = []

  connect(...args: unknown[]): void {
    this.calls.push(['connect', ...args.map((arg) => typeof arg)])
    setImmediate(args[0] as Callback)
  }

  query(...args: unknown[]): void {
    this.calls.push(['query', ...args.map((arg) => (typeof arg === 'function' ? 'function' : arg))])
    setImmediate(args.at(-1) as Callback, undefined, { rows: [{ asked: args[0] }] })
  }

  end(callback: Callback): void {
    this.calls.push(['end', typeof callback])
    setImmediate(callback)
  }
}

describe.each(peers)('$name with a mock Client', (peer) => {
  const open = opener(peer)

  test('connects, queries, releases, queries and ends', async () => {
    const pool = open({ Client: Fake })
    const words = recordEvents(pool)
    const client = (await pool.connect()) as unknown as Fake & { release(): void }
    expect(client).toBeInstanceOf(Fake)
    client.release()
    const { rows } = await pool.query('select $1', [1])
    expect(rows).toEqual([{ asked: 'select $1' }])
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
    await pool.end()
    expect(client.calls).toEqual([
      ['connect', 'function'],
      ['query', 'select $1', [1], 'function'],
      ['end', 'function'],
    ])
    expect(words.slice(0, 5)).toEqual(['connect', 'acquire', 'release', 'acquire', 'release'])
  })

  test('a patched prototype sees connect and query as pg-pool calls them', async () => {
    class Patched extends Fake {}
    const seen: string[] = []
    for (const method of ['connect', 'query'] as const) {
      const original = Patched.prototype[method]
      Patched.prototype[method] = function (this: Fake, ...args: unknown[]) {
        seen.push(`${method}(${args.map((arg) => typeof arg).join(', ')})`)
        original.apply(this, args)
      }
    }
    const pool = open({ Client: Patched })
    await pool.query('select 1')
    await pool.query({ text: 'select $1' }, [1])
    expect(seen).toEqual([
      'connect(function)',
      'query(string, undefined, function)',
      'query(object, object, function)',
    ])
  })

  test('a connect that calls back at once is as good', async () => {
    class Eager extends Fake {
      override connect(callback: Callback): void {
        callback()
      }
    }
    const pool = open({ Client: Eager, max: 1 })
    const client = await pool.connect()
    const waiting = pool.connect()
    client.release()
    ;(await waiting).release()
    expect((await pool.query('select 1')).rows).toEqual([{ asked: 'select 1' }])
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
  })

  test('a connect that fails needs nothing else of the fake but on', async () => {
    class Refused {
      connect(callback: Callback): void {
        setImmediate(callback, new Error('refused by the fake'))
      }
      on(): void {}
    }
    const pool = open({ Client: Refused })
    expect((await rejection(pool.connect())).message).toBe('refused by the fake')
    const { args } = await calledBack((callback) => pool.connect(callback as never))
    expect([(args[0] as Error).message, args[1], typeof args[2]]).toEqual([
      'refused by the fake',
      undefined,
      'function',
    ])
    expect(pool.totalCount).toBe(0)
    await pool.end()
  })

  test('a constructor that throws is what the caller gets', async () => {
    class Broken {
      constructor() {
        throw new Error('cannot be built')
      }
    }
    const pool = open({ Client: Broken })
    await expect(async () => pool.connect()).rejects.toThrow('cannot be built')
    await expect(async () => pool.query('select 1')).rejects.toThrow('cannot be built')
    expect([pool.totalCount, pool.waitingCount]).toEqual([0, 0])
  })

  test('a query that throws at once is what the caller gets', async () => {
    class Touchy extends Fake {
      override query(): void {
        throw new Error('not today')
      }
    }
    const pool = open({ Client: Touchy })
    expect((await rejection(pool.query('select 1'))).message).toBe('not today')
    const { args } = await calledBack((callback) => pool.query('select 1', callback as never))
    expect((args[0] as Error).message).toBe('not today')
  })

  test('a query that fails is what the caller gets', async () => {
    class Failing extends Fake {
      override query(...args: unknown[]): void {
        setImmediate(args.at(-1) as Callback, new Error('failed in the fake'))
      }
    }
    const pool = open({ Client: Failing })
    expect((await rejection(pool.query('select 1'))).message).toBe('failed in the fake')
    const { args } = await calledBack((callback) => pool.query('select 1', callback as never))
    expect([(args[0] as Error).message, args[1]]).toEqual(['failed in the fake', undefined])
  })

  test('an error of the client during a query of the pool ends the query', async () => {
    class Dying extends Fake {
      override query(): void {
        setImmediate(() => this.emit('error', new Error('the line went dead')))
      }
    }
    const pool = open({ Client: Dying })
    pool.on('error', () => {})
    expect((await rejection(pool.query('select 1'))).message).toBe('the line went dead')
    expect([pool.totalCount, pool.idleCount]).toEqual([0, 0])
  })

  test('an error of an idle client comes out of the pool with the client', async () => {
    const pool = open({ Client: Fake })
    const client = (await pool.connect()) as unknown as Fake & { release(): void }
    client.release()
    const failed = new Promise<unknown[]>((resolve) =>
      pool.on('error', (...args: unknown[]) => resolve(args)),
    )
    const error = new Error('the line went dead')
    client.emit('error', error)
    expect(await failed).toEqual([error, client])
    expect((error as Error & { client?: unknown }).client).toBe(client)
    expect(pool.totalCount).toBe(0)
    // A second one, after the pool let go of the client, has no owner left and must not throw.
    client.emit('error', new Error('and again'))
  })

  test('a fake with nothing but connect and query', async () => {
    class Bare {
      connect(callback: Callback): void {
        callback()
      }
      query(...args: unknown[]): void {
        setImmediate(args.at(-1) as Callback, undefined, { rows: [{ asked: args[0] }] })
      }
    }
    const pool = open({ Client: Bare, allowExitOnIdle: true })
    const run = async (): Promise<string> => {
      const client = await pool.connect()
      client.release()
      const { rows } = await pool.query('select 1')
      ;(await pool.connect()).release(true)
      await within(1_000, pool.end())
      return `${rows[0].asked}, ${pool.totalCount} left`
    }
    expect(await run().catch((error: Error) => error.constructor.name)).toBe(
      differ(peer, 'fakes-may-lack-methods', { pgPool: 'TypeError', sluice: 'select 1, 0 left' }),
    )
    // pg-pool cannot end a pool of such clients: keep the tidying up after the test from trying.
    if (peer.name === 'pg.Pool') Object.assign(pool, { ending: true })
  })
})
