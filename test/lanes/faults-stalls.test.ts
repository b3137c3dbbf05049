/** Statements on lanes that take longer than they should: who is ended, who is told what, and who may go on. */
import { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { PoolConfig } from '../../src/index.ts'
import { poolsWith } from '../support/pools.ts'
import { withClient } from '../support/postgres.ts'
import {
  constantLoad,
  countingSockets,
  ending,
  failed,
  freshName,
  LOOKUP,
  learn,
  lookup,
  lookups,
  opened,
  running,
  SLEEP,
  sharesLane,
  turn,
  untilRunning,
  WAITING,
} from './faults.ts'
import { lanesOf } from './support.ts'

const STALL_MILLIS = 300
const open = poolsWith({ max: 1, laneStallMillis: STALL_MILLIS })
const table = `sluice_faults_stalls_${process.pid}`
const UPDATE = `UPDATE ${table} SET n = n + 1 WHERE id = $1`

beforeAll(() =>
  withClient(async (client) => {
    await client.query(`CREATE TABLE ${table} (id int PRIMARY KEY, n int NOT NULL)`)
    await client.query(`INSERT INTO ${table} SELECT id, 0 FROM generate_series(1, 9) id`)
  }),
)
afterAll(() => withClient(async (client) => void (await client.query(`DROP TABLE ${table}`))))

test('a head that stalls is ended, those behind it get their rows, and their connection goes on', async () => {
  const sockets = countingSockets()
  const pool = open(sockets.config)
  await learn(pool)
  const from = performance.now()
  const words: string[] = []
  const head = ending(pool.query(SLEEP, [30])).finally(() => words.push('head'))
  await lookups(pool, 50).finally(() => words.push('behind'))
  const took = performance.now() - from
  expect(await head).toEqual(failed('SLUICE_QUERY_TIMEOUT', 'unknown'))
  expect(await head).toMatchObject({ message: expect.stringContaining('laneStallMillis') })
  expect(words).toEqual(['head', 'behind'])
  expect(took).toBeGreaterThanOrEqual(STALL_MILLIS)
  expect(took).toBeLessThan(5_000)
  await vi.waitFor(() => expect(pool.stats()).toMatchObject({ idle: 1, opened: 1, lost: 0 }), WAITING)
  expect(sockets.cancels(pool)).toBe(1)
  expect(await lookup(pool, 1)).toBe(1)
})

test('one stalled statement after the other is ended, each after its own time at the head', async () => {
  const pool = open()
  await learn(pool)
  const heads = [1, 2, 3].map(() => ending(pool.query(SLEEP, [30])))
  const behind = lookups(pool, 5)
  const stalled = failed('SLUICE_QUERY_TIMEOUT', 'unknown')
  expect(await Promise.all(heads)).toEqual([stalled, stalled, stalled])
  await behind
})

test.each([
  ['where that does no harm', { idempotent: true }, { rows: [{ two: 2 }] }],
  ['not where its caller does not say so', { idempotent: false }, { code: '57014' }],
])('what a late cancellation hits instead of its own statement is run again, %s', async (_, options, end) => {
  const name = freshName()
  let release = (): void => undefined
  // Holds cancel requests back.
  class Late extends Socket {
    override _write(chunk: Buffer, encoding: BufferEncoding, done: () => void): void {
      const isCancel = chunk.length === 16 && chunk.readInt32BE(4) === 80_877_102
      if (isCancel) release = () => super._write(chunk, encoding, done)
      else super._write(chunk, encoding, done)
    }
  }
  const pool = open({ applicationName: name, stream: () => new Late() } as PoolConfig)
  await learn(pool)
  const next = 'SELECT pg_sleep($1), 2 AS two'
  const head = ending(pool.query(SLEEP, [0.6]))
  const behind = ending(pool.query(next, [1], { class: 'simple', ...options }))
  expect(await head).toEqual(failed('SLUICE_QUERY_TIMEOUT', 'unknown'))
  await vi.waitFor(async () => expect(await running(name)).toMatchObject([{ query: next }]), WAITING)
  release()
  expect(await behind).toMatchObject(end)
})

test('a head with nobody behind it runs on for as long as it takes', async () => {
  const sockets = countingSockets()
  const pool = open({ ...sockets.config, max: 2 })
  await learn(pool)
  const head = pool.query(SLEEP, [3 * (STALL_MILLIS / 1_000)])
  expect(lanesOf(pool)).toBe(1)
  await pause(STALL_MILLIS)
  // Those who come now go elsewhere.
  await lookups(pool, 20)
  expect((await head).rowCount).toBe(1)
  expect(sockets.cancels(pool)).toBe(0)
})

test('a statement that turns slow leaves the lanes while it still runs, and comes back once it is fast again', async () => {
  const pool = open({ max: 2 })
  // Its first parameter has the same value every time, so nothing but the text tells slow from fast.
  const text = `SELECT pg_sleep(n), $1::text FROM ${table}_pace`
  await withClient((client) =>
    client.query(`CREATE TABLE ${table}_pace AS SELECT 0::float8 AS n; ANALYZE ${table}_pace`),
  )
  try {
    const ask = () => pool.query(text, ['same'])
    await opened(pool, 2)
    for (let runs = 0; !(await sharesLane(pool, text, ['same'])); runs++) expect(runs).toBeLessThan(1_000)
    await withClient((client) => client.query(`UPDATE ${table}_pace SET n = 0.25`))
    const slow = ask()
    expect(pool.stats()).toMatchObject({ shared: 1, leased: 0 })
    await pause(100)
    const next = ask()
    await vi.waitFor(() => expect(pool.stats()).toMatchObject({ shared: 1, leased: 1 }), WAITING)
    await Promise.all([slow, next])
    await withClient((client) => client.query(`UPDATE ${table}_pace SET n = 0`))
    expect(await sharesLane(pool, text, ['same'])).toBe(false)
    let runs = 0
    for (; !(await sharesLane(pool, text, ['same'])); runs++) expect(runs).toBeLessThan(1_000)
  } finally {
    await withClient((client) => client.query(`DROP TABLE ${table}_pace`))
  }
})

test('a value that makes a statement slow does not keep the other values of it from the lanes', async () => {
  const pool = open({ max: 2 })
  for (let n = 0; n < 30; n++) await pool.query(SLEEP, [n % 2 === 0 ? 0 : '0.0001'])
  // The first time is a surprise, which costs all of them their trust for a while.
  await pool.query(SLEEP, [0.1])
  for (let runs = 0; !(await sharesLane(pool, SLEEP, [0])); runs++) expect(runs).toBeLessThan(1_000)
  const shared = { slow: 0, fast: 0 }
  for (let n = 0; n < 20; n++) {
    if (await sharesLane(pool, SLEEP, [0.1])) shared.slow += 1
    if (await sharesLane(pool, SLEEP, [0])) shared.fast += 1
  }
  expect(shared.slow).toBe(0)
  // All of them on a machine at rest. Without what is known of values it would be none.
  expect(shared.fast).toBeGreaterThan(5)
})

test('a statement that is always ended before its time is known to be slow all the same', async () => {
  const pool = open({ max: 2 })
  await learn(pool)
  const text = 'SELECT pg_sleep(30), $1::int'
  const ask = () => ending(pool.query(text, [1], { timeout: 150 }))
  for (let n = 0; n < 2; n++) expect(await ask()).toEqual(failed('SLUICE_QUERY_TIMEOUT', 'unknown'))
  await vi.waitFor(() => expect(pool.stats().cancelling).toBe(0), WAITING)
  const words: string[] = []
  const slow = [1, 2, 3].map(() => ask().finally(() => words.push('slow')))
  await lookups(pool, 10).finally(() => words.push('lookups'))
  await Promise.all(slow)
  expect(words).toEqual(['lookups', 'slow', 'slow', 'slow'])
})

test('slow statements leave a connection for short ones', async () => {
  const pool = open({ max: 2 })
  await learn(pool)
  await pool.query(SLEEP, [0.3])
  const words: string[] = []
  const slow = Array.from({ length: 4 }, () => pool.query(SLEEP, [0.3]).finally(() => words.push('slow')))
  for (let n = 0; n < 10; n++) await lookup(pool, n)
  words.push('lookups')
  await Promise.all(slow)
  expect(words).toEqual(['lookups', 'slow', 'slow', 'slow', 'slow'])
})

test('a statement that was late once does not wait behind slow ones for that', async () => {
  const pool = open({ max: 2 })
  await learn(pool)
  await pool.query(SLEEP, [0.3])
  // Late by a lock, as on a busy server: its text does not say so, and other values are not blamed for it.
  const text = `SELECT n FROM ${table} WHERE id = $1`
  for (let n = 0; n < 40; n++) await pool.query(text, [n % 8])
  await withClient(async (client) => {
    await client.query(`BEGIN; LOCK TABLE ${table}`)
    const late = pool.query(text, [9])
    await pause(60)
    await client.query('COMMIT')
    await late
  })
  expect(await sharesLane(pool, text, [1])).toBe(false)
  const words: string[] = []
  const slow = Array.from({ length: 4 }, () => pool.query(SLEEP, [0.3]).finally(() => words.push('slow')))
  for (let n = 0; n < 5; n++) await pool.query(text, [n])
  words.push('lookups')
  await Promise.all(slow)
  expect(words[0]).toBe('lookups')
})

test('a lock wait whose owner waits for a statement behind it ends, and both callers have an answer', async () => {
  const name = freshName()
  const pool = open({ max: 2, applicationName: name })
  await learn(pool)
  for (let n = 0; !(await sharesLane(pool, UPDATE, [2], { lane: true })); n++) expect(n).toBeLessThan(400)
  await opened(pool, 2)
  const owner = await pool.connect()
  await owner.query('BEGIN')
  await owner.query(UPDATE, [1])
  const waits = ending(pool.query(UPDATE, [1], { lane: true }))
  // Behind the one that waits for the lock, which is let go when this is answered.
  expect(lanesOf(pool)).toBe(1)
  await lookup(pool, 7)
  await owner.query('COMMIT')
  owner.release()
  expect(await waits).toEqual(failed('SLUICE_QUERY_TIMEOUT', 'unknown'))
  await untilRunning(name, 0)
  const { rows } = await pool.query(`SELECT n FROM ${table} WHERE id = 1`)
  expect(rows).toEqual([{ n: 1 }])
})

test('a statement with a large result is kept from the lanes', async () => {
  const pool = open()
  const text = "SELECT repeat('x', $1::int) AS x"
  await opened(pool, 1)
  for (let runs = 0; !(await sharesLane(pool, text, [10])); runs++) expect(runs).toBeLessThan(1_000)
  await pool.query(text, [400_000])
  expect(await sharesLane(pool, text, [10])).toBe(false)
})

test('a process that is busy for a second does not take its own time for the server’s', async () => {
  // A busy machine may make a statement slow; were it the process, every round would.
  const kept = async (): Promise<boolean> => {
    const pool = open({ max: 2 })
    await learn(pool)
    const asked = lookups(pool, 20)
    await turn()
    blockFor(1_000)
    await asked
    const stop = constantLoad(pool, 10)
    await turn()
    blockFor(1_000)
    await stop()
    // After a standstill a connection is asked before it is lent, and no lane while it is.
    await lookup(pool, 1)
    return sharesLane(pool, LOOKUP, [1])
  }
  const rounds = [await kept(), await kept()]
  for (let n = 0; n < 3 && !rounds.includes(true); n++) rounds.push(await kept())
  expect(rounds).toContain(true)
})

function blockFor(millis: number): void {
  const until = performance.now() + millis
  while (performance.now() < until);
}
