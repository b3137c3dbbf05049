/** Callers of lanes who give up: what they are told, what the server does, and what their neighbours notice. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Pool, QueryOptions } from '../../src/index.ts'
import { poolsWith } from '../support/pools.ts'
import { withClient } from '../support/postgres.ts'
import {
  countingSockets,
  ending,
  failed,
  freshName,
  LOOKUP,
  learn,
  lookup,
  lookups,
  running,
  SLEEP,
  turn,
  untilRunning,
  WAITING,
} from './faults.ts'
import { lanesOf } from './support.ts'

const open = poolsWith({ max: 1 })
const table = `sluice_faults_ends_${process.pid}`
const INSERT = `INSERT INTO ${table} VALUES ($1)`

beforeAll(() => withClient(async (client) => void (await client.query(`CREATE TABLE ${table} (n int)`))))
afterAll(() => withClient(async (client) => void (await client.query(`DROP TABLE ${table}`))))

async function inserted(): Promise<number[]> {
  const { rows } = await withClient((client) => client.query(`SELECT n FROM ${table}`))
  return rows.map(({ n }) => n)
}

/** A way of giving up: the options that a call gets, and the moment. */
interface Way {
  readonly options: QueryOptions
  /** Gives up now, or waits until the call has. */
  giveUp(): void
  readonly code: string
}

const ways: [name: string, make: (millis: number) => Way][] = [
  [
    'aborted',
    () => {
      const controller = new AbortController()
      return {
        options: { signal: controller.signal },
        giveUp: () => controller.abort(new Error('enough')),
        code: 'SLUICE_ABORTED',
      }
    },
  ],
  [
    'out of time',
    (millis) => ({ options: { timeout: millis }, giveUp: () => undefined, code: 'SLUICE_QUERY_TIMEOUT' }),
  ],
]

describe.each(ways)('a statement that is %s', (_, make) => {
  test('while it waits for a connection is not sent', async () => {
    const way = make(50)
    const pool = open()
    await learn(pool)
    await pool.query(INSERT, [0], { lane: true })
    const client = await pool.connect()
    const told = ending(pool.query(INSERT, [1], { lane: true, ...way.options }))
    way.giveUp()
    const code = way.code === 'SLUICE_ABORTED' ? way.code : expect.stringMatching(/^SLUICE_.*_TIMEOUT$/)
    expect(await told).toEqual(expect.objectContaining({ code, outcome: 'not-sent' }))
    client.release()
    expect(await lookup(pool, 1)).toBe(1)
    expect(await inserted()).not.toContain(1)
  })

  test('at the head with nobody behind it is stopped at the server, and its connection goes on', async () => {
    const name = freshName()
    const way = make(200)
    const pool = open({ applicationName: name })
    await learn(pool)
    const told = ending(pool.query(SLEEP, [30], way.options))
    const [pid] = await untilRunning(name, 1)
    way.giveUp()
    expect(await told).toEqual(failed(way.code, 'unknown'))
    await untilRunning(name, 0)
    const { rows } = await pool.query('SELECT pg_backend_pid() AS pid')
    expect(rows).toEqual([{ pid }])
    expect(pool.stats()).toMatchObject({ opened: 1, lost: 0, closed: {} })
  })

  test('with others behind it is told at once and goes on at the server: nobody else is hit', async () => {
    const name = freshName()
    const way = make(150)
    const sockets = countingSockets()
    const pool = open({ applicationName: name, max: 2, ...sockets.config })
    await learn(pool)
    const words: string[] = []
    const head = ending(pool.query(SLEEP, [0.8], way.options)).then((end) => {
      words.push('head')
      return end
    })
    const behind = lookups(pool, 2).finally(() => words.push('behind'))
    await untilRunning(name, 1)
    expect(lanesOf(pool)).toBe(1)
    way.giveUp()
    expect(await head).toEqual(failed(way.code, 'unknown'))
    expect(await running(name)).toMatchObject([{ query: SLEEP }])
    await lookups(pool, 10, 100).finally(() => words.push('newcomers'))
    await behind
    expect(words).toEqual(['head', 'newcomers', 'behind'])
    expect(sockets.cancels(pool)).toBe(0)
    expect(pool.stats()).toMatchObject({ opened: 2, lost: 0, closed: {} })
  })

  test('behind a head that is waited for is told at once, and everybody else gets rows', async () => {
    const name = freshName()
    const way = make(150)
    const sockets = countingSockets()
    const pool = open({ applicationName: name, ...sockets.config })
    await learn(pool)
    const words: string[] = []
    const head = pool.query(SLEEP, [0.8]).finally(() => words.push('head'))
    const before = lookups(pool, 1)
    const told = ending(pool.query(LOOKUP, [-1], way.options)).finally(() => words.push('told'))
    const after = lookups(pool, 2, 5)
    await untilRunning(name, 1)
    way.giveUp()
    expect(await told).toEqual(failed(way.code, 'unknown'))
    await Promise.all([head, before, after])
    expect(words).toEqual(['told', 'head'])
    expect(sockets.cancels(pool)).toBe(0)
    await vi.waitFor(() => expect(pool.stats()).toMatchObject({ shared: 0, idle: 1, opened: 1 }), WAITING)
  })

  test('and slow, with others behind it, is ended by the stall rule as if its caller had stayed', async () => {
    const way = make(50)
    const pool = open({ laneStallMillis: 200 })
    await learn(pool)
    const from = performance.now()
    const head = ending(pool.query(SLEEP, [30], way.options))
    const behind = lookups(pool, 3)
    await turn()
    way.giveUp()
    expect(await head).toEqual(failed(way.code, 'unknown'))
    await behind
    expect(performance.now() - from).toBeLessThan(10_000)
  })
})

test('a statement that is aborted in the turn in which it was asked for is not sent', async () => {
  const pool = open()
  await learn(pool)
  for (let n = 0; n < 5; n++) await pool.query(INSERT, [0], { lane: true })
  const controller = new AbortController()
  const told = ending(pool.query(INSERT, [2], { lane: true, signal: controller.signal }))
  const beside = pool.query(INSERT, [3], { lane: true })
  expect(lanesOf(pool)).toBe(1)
  controller.abort()
  expect(await told).toEqual(failed('SLUICE_ABORTED', 'not-sent'))
  await beside
  const rows = await inserted()
  expect([rows.includes(2), rows.includes(3)]).toEqual([false, true])
})

test('a caller who has aborted leaves no connection behind that nobody shares', async () => {
  const pool = open({ laneDepth: 1 })
  await learn(pool)
  // The first is held; the others wait, and are lent its connection while their own signal is about to tell them.
  const controller = new AbortController()
  const { signal } = controller
  const told = [1, 2, 3].map((n) => ending(pool.query(LOOKUP, [n], { signal })))
  expect(pool.stats()).toMatchObject({ shared: 1, waiting: 2 })
  controller.abort()
  const end = failed('SLUICE_ABORTED', 'not-sent')
  expect(await Promise.all(told)).toEqual([end, end, end])
  expect(pool.stats()).toMatchObject({ shared: 0, idle: 1 })
  expect(await lookup(pool, 4)).toBe(4)
})

test('a caller whose listener to `acquire` aborts it leaves no connection behind either', async () => {
  const pool = open({ pipelining: true })
  await learn(pool)
  const controller = new AbortController()
  pool.once('acquire', () => controller.abort())
  const told = await ending(pool.query(LOOKUP, [1], { signal: controller.signal }))
  expect(told).toEqual(failed('SLUICE_ABORTED', 'not-sent'))
  expect(pool.stats()).toMatchObject({ shared: 0, idle: 1 })
  expect(await lookup(pool, 2)).toBe(2)
})

test('what was held behind a statement that is aborted goes out all the same while the pool drains', async () => {
  const pool = open()
  await learn(pool)
  const controller = new AbortController()
  const head = ending(pool.query(SLEEP, [0.2], { signal: controller.signal }))
  const behind = lookups(pool, 3)
  await turn()
  const held = lookups(pool, 3, 10)
  const drained = pool.drain(10_000)
  controller.abort()
  expect(await head).toEqual(failed('SLUICE_ABORTED', 'unknown'))
  expect(await Promise.all([behind, held, drained])).toEqual([[0, 1, 2], [10, 11, 12], true])
})

test('a statement on a connection that cannot carry a lane is cancelled, and its caller told that it was sent', async () => {
  const name = freshName()
  // The hook leaves a statement on the connection, which so begins its life busy.
  const onConnect = (client: { query(text: string): Promise<unknown> }) => {
    client.query('SELECT pg_sleep(0.3)').catch(() => undefined)
  }
  const pool = open({ applicationName: name, onConnect })
  const controller = new AbortController()
  const options = { class: 'simple', signal: controller.signal } as const
  const told = ending(pool.query(SLEEP, [30], options))
  await vi.waitFor(async () => expect(await running(name)).toMatchObject([{ query: SLEEP }]), WAITING)
  controller.abort()
  expect(await told).toEqual(failed('SLUICE_ABORTED', 'unknown'))
  await untilRunning(name, 0)
  await vi.waitFor(() => expect(pool.stats()).toMatchObject({ shared: 0, idle: 1, opened: 1 }), WAITING)
})

async function storm(pool: Pool, callers: number, rounds: number): Promise<Record<string, number>> {
  const ends: Record<string, number> = {}
  const count = (end: string) => {
    ends[end] = (ends[end] ?? 0) + 1
  }
  const call = async (caller: number): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      const controller = new AbortController()
      const tag = caller * rounds + round
      const asked = pool.query(LOOKUP, [tag], { signal: controller.signal })
      const when = (caller + round) % 4
      if (when === 0) controller.abort()
      if (when === 1) setImmediate(() => controller.abort())
      if (when === 2) setTimeout(() => controller.abort(), 1)
      try {
        expect((await asked).rows).toEqual([{ n: tag }])
        count('rows')
      } catch (error) {
        count((error as { code: string }).code)
      }
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, n) => call(n)))
  return ends
}

test('a storm of aborts costs nobody an answer, and the pool is whole after it', async () => {
  const pool = open({ max: 4 })
  await learn(pool)
  const ends = await storm(pool, 50, 80)
  const { SLUICE_ABORTED: aborted = 0, rows = 0 } = ends
  expect(aborted + rows, JSON.stringify(ends)).toBe(4_000)
  expect(aborted).toBeGreaterThan(500)
  expect(rows).toBeGreaterThan(500)
  await vi.waitFor(
    () => expect(pool.stats()).toMatchObject({ shared: 0, leased: 0, cancelling: 0, waiting: 0, lost: 0 }),
    WAITING,
  )
  expect(pool.stats().total).toBeLessThanOrEqual(4)
  await lookups(pool, 100)
})
