// The AsyncLocalStorage of a caller, inside what the pool calls back.
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import { differ, peers } from './peers.ts'
import { opener, refusedPort } from './support.ts'

const storage = new AsyncLocalStorage<string>()

describe.each(peers)('the async context of a caller of $name', (peer) => {
  const open = opener(peer)

  /** Pass a callback as this caller; what the storage holds when it is called. */
  const asCaller = (
    name: string,
    pass: (callback: (...args: unknown[]) => void) => unknown,
  ): Promise<string | undefined> =>
    new Promise((resolve) => {
      storage.run(name, () => pass(() => resolve(storage.getStore())))
    })

  test('is kept over every await', async () => {
    const pool = open({ max: 1 })
    const work = (name: string): Promise<(string | undefined)[]> =>
      storage.run(name, async () => {
        const client = await pool.connect()
        const connected = storage.getStore()
        await client.query('select 1')
        const queried = storage.getStore()
        client.release()
        await pool.query('select 1')
        return [connected, queried, storage.getStore()]
      })
    const names = ['a', 'b', 'c', 'd', 'e']
    expect(await Promise.all(names.map(work))).toEqual(names.map((name) => [name, name, name]))
  })

  test('is kept in the callbacks of a first connection', async () => {
    expect(await asCaller('first', (callback) => open().query('select 1', callback as never))).toBe('first')
  })

  test('in the callback of a connect that waited for another caller', async () => {
    const pool = open({ max: 1 })
    const client = await pool.connect()
    const waiting = new Promise((resolve) => {
      storage.run('waiter', () => {
        pool.connect((_error, _client, done) => {
          resolve(storage.getStore())
          done()
        })
      })
    })
    storage.run('releaser', () => client.release())
    expect(await waiting).toBe(
      differ(peer, 'callbacks-keep-their-context', { pgPool: 'releaser', sluice: 'waiter' }),
    )
  })

  test('in the callback of a query on a connection somebody else opened', async () => {
    const pool = open({ max: 1 })
    await storage.run('opener', () => pool.query('select 1'))
    expect(await asCaller('asker', (callback) => pool.query('select 1', callback as never))).toBe(
      differ(peer, 'callbacks-keep-their-context', { pgPool: 'opener', sluice: 'asker' }),
    )
    expect(await asCaller('asker', (callback) => pool.query('select 1 / 0', callback as never))).toBe(
      differ(peer, 'callbacks-keep-their-context', { pgPool: 'opener', sluice: 'asker' }),
    )
  })

  test('in the callback of a query that waited for another caller', async () => {
    const pool = open({ max: 1 })
    const client = await storage.run('opener', () => pool.connect())
    const asked = asCaller('asker', (callback) => pool.query('select 1', callback as never))
    storage.run('releaser', () => client.release())
    expect(await asked).toBe(
      differ(peer, 'callbacks-keep-their-context', { pgPool: 'opener', sluice: 'asker' }),
    )
  })

  test('in the callback of an end that waited for another caller', async () => {
    const pool = open()
    const client = await storage.run('opener', () => pool.connect())
    const ended = asCaller('ender', (callback) => pool.end(callback))
    storage.run('releaser', () => client.release(true))
    expect(await ended).toBe(
      differ(peer, 'callbacks-keep-their-context', { pgPool: 'opener', sluice: 'ender' }),
    )
  })

  test('in the callback of a connect that failed or timed out', async () => {
    const refused = open({
      connectionString: undefined,
      host: '127.0.0.1',
      port: await refusedPort(),
      user: 'agent',
      password: 'x',
    })
    expect(await asCaller('refused', (callback) => refused.connect(callback as never))).toBe('refused')
    const full = open({ max: 1, connectionTimeoutMillis: 300 })
    const client = await full.connect()
    expect(await asCaller('late', (callback) => full.connect(callback as never))).toBe('late')
    client.release()
  })
})
