/** What sessions keep prepared, for whom nothing is prepared, and which endpoints see neither names nor lanes. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test, vi } from 'vitest'
import type { Pool, PoolConfig } from '../../src/index.ts'
import { poolsWith } from '../support/pools.ts'
import { databaseUrl, sessions } from '../support/postgres.ts'
import { freshName, LOOKUP, leadingHere, lookup, lookups, preparedOn, WAITING } from './faults.ts'
import { lanesOf, watchLanes } from './support.ts'

const open = poolsWith({ max: 1 })

/** Statements with different texts that all return their value. */
function texts(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `SELECT $1::int AS n, ${'1 + '.repeat(n)} 1 AS sum`)
}

async function ask(pool: Pool, text: string, n: number): Promise<void> {
  const { rows } = await pool.query(text, [n], { class: 'simple' })
  expect(rows).toEqual([{ n, sum: expect.any(Number) }])
}

describe('a session keeps prepared', () => {
  test('what was used last, and no more than it may', async () => {
    const pool = open({ preparedStatementCacheSize: 5 })
    for (let round = 0; round < 3; round++) for (const text of texts(20)) await ask(pool, text, round)
    expect(await preparedOn(pool)).toBeLessThanOrEqual(5)
  })

  test('no more than it may after a burst that was larger', async () => {
    const pool = open({ preparedStatementCacheSize: 5 })
    for (let round = 0; round < 3; round++) await Promise.all(texts(40).map((text) => ask(pool, text, round)))
    for (let round = 0; round < 3; round++) await ask(pool, 'SELECT $1::int AS n, 0 AS sum', round)
    expect(await preparedOn(pool)).toBeLessThanOrEqual(5)
  })

  test('no more than it may where statements were aborted before they were sent', async () => {
    const pool = open({ preparedStatementCacheSize: 3 })
    await lookup(pool, 1)
    for (const text of texts(20)) {
      for (let n = 0; n < 3; n++) {
        const controller = new AbortController()
        const { signal } = controller
        const asked = pool.query(text, [n], { class: 'simple', signal }).catch((error) => error.outcome)
        controller.abort()
        expect(await asked).toBe('not-sent')
        await ask(pool, text, n)
      }
    }
    expect(await preparedOn(pool)).toBeLessThanOrEqual(3)
  })

  test.each<[string, PoolConfig]>([
    ['the pool says that nothing is prepared', { prepare: false }],
    ['its cache has no place', { preparedStatementCacheSize: 0 }],
  ])('nothing where %s, and lanes go on', async (_, config) => {
    const pool = open(config)
    const lanes = watchLanes(pool)
    for (let n = 0; n < 5; n++) await lookups(pool, 10, 0, { class: 'simple' })
    expect(await preparedOn(pool)).toBe(0)
    expect(lanes.stop()).toBeGreaterThan(0)
  })

  test('nothing for a call that says so', async () => {
    const pool = open()
    for (let n = 0; n < 5; n++) await lookups(pool, 10, 0, { class: 'simple', prepare: false })
    expect(await preparedOn(pool)).toBe(0)
    for (let n = 0; n < 5; n++) await lookups(pool, 10)
    expect(await preparedOn(pool)).toBe(1)
  })

  test('nothing for statements of a client that was borrowed', async () => {
    const pool = open()
    const client = await pool.connect()
    for (let n = 0; n < 5; n++) await client.query(LOOKUP, [n])
    client.release()
    await using lease = await pool.lease()
    for (let n = 0; n < 5; n++) await lease.query(LOOKUP, [n])
    const { rows } = await lease.query('SELECT count(*)::int AS n FROM pg_prepared_statements')
    expect(rows).toEqual([{ n: 0 }])
  })

  test('what others take from under it only until it is asked for again', async () => {
    const pool = open()
    for (let n = 0; n < 3; n++) await lookups(pool, 10)
    const client = await pool.connect()
    await client.query('DISCARD ALL')
    client.release()
    for (let n = 0; n < 3; n++) await lookups(pool, 10)
    expect(await preparedOn(pool)).toBe(1)
  })
})

const { host } = new URL(databaseUrl())
const withPgbouncer = new URL(databaseUrl())
withPgbouncer.searchParams.set('pgbouncer', 'true')

test.each<[string, () => PoolConfig]>([
  ['endpoint: transaction', () => ({ endpoint: 'transaction' })],
  ['port 6543', () => leadingHere('postgres://db.example.com:6543/x')],
  ['pgbouncer=true', () => ({ connectionString: withPgbouncer.href })],
  ['a -pooler host', () => leadingHere('postgres://ep-cool-123-pooler.eu.example.com/x')],
])('%s has neither lanes nor names', async (_, config) => {
  expect(host).not.toBe('')
  const pool = open({ max: 2, ...config() })
  const lanes = watchLanes(pool)
  for (let n = 0; n < 5; n++) {
    const asked = lookups(pool, 20, 0, { class: 'simple' })
    expect(lanesOf(pool)).toBe(0)
    await asked
  }
  expect(lanes.stop()).toBe(0)
  expect(await preparedOn(pool)).toBe(0)
})

test('`pipelining: false` has no lanes, and names all the same', async () => {
  const pool = open({ pipelining: false })
  const lanes = watchLanes(pool)
  for (let n = 0; n < 5; n++) await lookups(pool, 20, 0, { class: 'simple' })
  expect(lanes.stop()).toBe(0)
  expect(await preparedOn(pool)).toBe(1)
})

test('a pool that was told to pipeline its borrowed clients goes on doing so after lanes', async () => {
  const pool = open({ pipeline: true } as PoolConfig)
  for (let n = 0; n < 3; n++) {
    const client = await pool.connect()
    expect((client as unknown as { pipeline: boolean }).pipeline).toBe(true)
    client.release()
    await lookups(pool, 10, 0, { class: 'simple' })
  }
})

test('memory and listeners do not grow with the statements', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const name = freshName()
  const pool = open({ max: 2, applicationName: name })
  const { signal } = new AbortController()
  const run = async (count: number): Promise<number> => {
    for (let n = 0; n < count; n += 1_000) {
      const asked = Array.from({ length: 1_000 }, (_, k) =>
        // Some with a signal and a deadline, some with a text of their own.
        k % 10 === 0
          ? pool.query(`SELECT ${n + k} AS n`, undefined, { signal, timeout: 60_000 })
          : pool.query(LOOKUP, [n + k]),
      )
      await Promise.all(asked)
    }
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = await run(60_000)
  const after = await run(60_000)
  expect(after - before).toBeLessThan(6_000_000)
  const { _clients } = pool as unknown as { _clients: NodeJS.EventEmitter[] }
  for (const client of _clients)
    for (const event of client.eventNames()) expect(client.listenerCount(event)).toBeLessThan(5)
  await vi.waitFor(async () => expect(await sessions(name)).toBeLessThanOrEqual(2), WAITING)
}, 60_000)
