/** What a pool does beside its lanes, or to them: whole connections, sizes, ends, renewals, and what keeps statements off lanes. */
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import type { Pool, PoolConfig } from '../../src/index.ts'
import { networks, poolsWith } from '../support/pools.ts'
import { databaseUrl, sessions, watchSessions, withClient } from '../support/postgres.ts'
import {
  constantLoad,
  ending,
  failed,
  freshName,
  LOOKUP,
  learn,
  lookup,
  lookups,
  opened,
  SLEEP,
  turn,
  untilRunning,
  WAITING,
} from './faults.ts'
import { lanesOf, watchLanes } from './support.ts'

const network = networks()
const open = poolsWith({ max: 1 })

/** Behind a network that keeps several answers on their way at any time, so that a loaded lane never runs empty by itself. */
async function far(config: PoolConfig): Promise<Pool> {
  const { connectionString } = await network(20, config.connectionString)
  const pool = open({ ...config, connectionString, endpoint: 'direct' })
  await opened(pool, 1)
  return pool
}

const LOAD = { callers: 60, pauseMillis: 1 }

async function loaded(pool: Pool): Promise<() => Promise<number>> {
  const stop = constantLoad(pool, LOAD.callers, LOAD.pauseMillis)
  await pause(LOAD.callers * LOAD.pauseMillis)
  await vi.waitFor(() => expect(lanesOf(pool)).toBeGreaterThan(0), WAITING)
  return stop
}

describe('callers who need a whole connection', () => {
  test.each([1, 2])('get one, the oldest first, while lanes of a pool of %i never run empty', async (max) => {
    const pool = await far({ max })
    const stop = await loaded(pool)
    const order: number[] = []
    const whole = [1, 2, 3, 4].map(async (n) => {
      const client = await pool.connect()
      order.push(n)
      await client.query('SELECT 1')
      client.release()
    })
    await Promise.all(whole)
    expect(order).toEqual([1, 2, 3, 4])
    expect(await stop()).toBeGreaterThan(LOAD.callers)
    expect(pool.stats().timeouts).toBe(0)
  })

  test('do not wait for a lane with a slow head while another lane could be given up', async () => {
    const name = freshName()
    const pool = await far({ max: 2, applicationName: name, classTimeouts: { simple: 60_000 } })
    await opened(pool, 2)
    const controller = new AbortController()
    // Called simple, so it is on a lane however slow the machine was meanwhile.
    const slow = ending(pool.query(SLEEP, [30], { class: 'simple', signal: controller.signal }))
    expect(pool.stats()).toMatchObject({ shared: 1, leased: 0 })
    await untilRunning(name, 1)
    // Those who come in its first moments stand behind it.
    const brief = { class: 'simple', timeout: 500 } as const
    await vi.waitFor(() => lookup(pool, 0, brief), WAITING)
    const stop = await loaded(pool)
    await vi.waitFor(() => expect(lanesOf(pool)).toBe(2), WAITING)
    const from = performance.now()
    const client = await pool.connect()
    expect(performance.now() - from).toBeLessThan(5_000)
    client.release()
    await stop()
    controller.abort()
    expect(await slow).toEqual(failed('SLUICE_ABORTED', 'unknown'))
  })

  test('get that of a lane when the server lets no more connections in', async () => {
    const role = `sluice_faults_${process.pid}`
    await withClient((client) => client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'few' CONNECTION LIMIT 1`))
    const url = new URL(databaseUrl())
    Object.assign(url, { username: role, password: 'few' })
    const pool = await far({ max: 5, connectionString: url.href, acquireTimeoutMillis: 4_000 })
    try {
      const stop = await loaded(pool)
      for (let n = 0; n < 3; n++) {
        const client = await pool.connect()
        client.release()
      }
      await stop()
      expect(pool.stats()).toMatchObject({ opened: 1, timeouts: 0 })
    } finally {
      await pool.end()
      await withClient((client) => client.query(`DROP ROLE ${role}`))
    }
  })
})

describe('beside lanes under load', () => {
  test('clear() replaces every connection and costs nobody an answer', async () => {
    const name = freshName()
    const pool = await far({ max: 2, applicationName: name })
    await opened(pool, 2)
    const stop = await loaded(pool)
    const pids = () => pool.connections().map(({ processId }) => processId)
    const before = pids()
    pool.clear()
    await vi.waitFor(() => {
      expect(pids().length).toBeGreaterThan(0)
      expect(pids().filter((pid) => before.includes(pid))).toEqual([])
    }, WAITING)
    await stop()
    expect(pool.stats()).toMatchObject({ lost: 0, timeouts: 0 })
  })

  test('resize() to less brings lanes to their end, and the server never counts more than it may', async () => {
    const name = freshName()
    const pool = await far({ max: 4, applicationName: name })
    await opened(pool, 4)
    const watch = await watchSessions(name)
    const stop = await loaded(pool)
    pool.resize({ max: 1 })
    await vi.waitFor(async () => expect(await sessions(name)).toBe(1), WAITING)
    const smaller = await watchSessions(name)
    await lookups(pool, 100)
    await stop()
    expect((await smaller.stop()).max).toBe(1)
    expect((await watch.stop()).max).toBeLessThanOrEqual(4)
    expect(pool.stats()).toMatchObject({ lost: 0, timeouts: 0, max: 1 })
  })

  test('connections are renewed when their lifetime is over', async () => {
    const pool = await far({ max: 1, maxLifetimeMillis: 300 })
    const stop = await loaded(pool)
    await vi.waitFor(() => expect(pool.stats().closed.lifetime).toBeGreaterThanOrEqual(2), WAITING)
    await stop()
    expect(pool.stats()).toMatchObject({ lost: 0, timeouts: 0 })
  })

  test('pause() lets what was asked for come, and newcomers wait until resume()', async () => {
    const pool = open()
    const words: string[] = []
    const short = { class: 'simple' } as const
    // The sleep keeps the rest on the lane until the pause, though the connection may first be opened or checked.
    const asked = [pool.query(SLEEP, [0.5], short), lookups(pool, 5, 0, short)]
    const sent = Promise.all<unknown>(asked).finally(() => words.push('before'))
    await vi.waitFor(() => expect(pool.stats()).toMatchObject({ waiting: 0, shared: 1 }), WAITING)
    pool.pause()
    const waiting = lookups(pool, 5, 10).finally(() => words.push('after'))
    await sent
    expect(pool.stats()).toMatchObject({ waiting: 5, idle: 1, shared: 0 })
    words.push('resume')
    pool.resume()
    await waiting
    expect(words).toEqual(['before', 'resume', 'after'])
  })

  test.each(['end', 'drain'] as const)(
    '%s() lets what was asked for come, held or in flight',
    async (verb) => {
      const pool = await far({ max: 1 })
      const short = { class: 'simple' } as const
      const inFlight = lookups(pool, 10, 0, short)
      await turn()
      const held = lookups(pool, 10, 10, short)
      const over = pool[verb]()
      const late = ending(pool.query(LOOKUP, [1]))
      expect((await inFlight).concat(await held)).toEqual(Array.from({ length: 20 }, (_, n) => n))
      await over
      expect(await late).toEqual(failed('SLUICE_POOL_ENDED'))
      expect(pool.stats()).toMatchObject({ leased: 0, shared: 0, waiting: 0, lost: 0 })
    },
  )

  test('end() gives a statement that does not end its time, and everybody an answer', async () => {
    const name = freshName()
    const pool = open({ endTimeoutMillis: 100, applicationName: name, closeTimeoutMillis: 5_000 })
    await learn(pool)
    const ends = [ending(pool.query(SLEEP, [30])), ending(pool.query(LOOKUP, [1]))]
    await untilRunning(name, 1)
    await pool.end()
    expect(await Promise.all(ends)).toMatchObject([
      { message: 'Connection terminated' },
      { code: 'SLUICE_CONNECTION_LOST', outcome: 'unknown' },
    ])
    expect(pool.stats().lost).toBe(0)
    await vi.waitFor(async () => expect(await sessions(name)).toBe(0), WAITING)
  })
})

test('thousands who wait for the first connection all join it', async () => {
  const pool = open({ laneDepth: 10_000 })
  for (let n = 0; n < 400; n++) await lookup(pool, n)
  pool.clear()
  await vi.waitFor(() => expect(pool.stats()).toMatchObject({ total: 0 }), WAITING)
  expect(await lookups(pool, 20_000, 0, { class: 'simple' })).toHaveLength(20_000)
})

test('a first connection that is slow to open carries everybody who came meanwhile', async () => {
  const pool = open({ onConnect: () => pause(100), max: 3 })
  const lanes = watchLanes(pool)
  const all = Array.from({ length: 300 }, (_, n) => pool.query(LOOKUP, [n], { class: 'simple' }))
  const rows = (await Promise.all(all)).map(({ rows: [row] }) => row.n)
  expect(rows).toEqual(all.map((_, n) => n))
  expect(lanes.stop()).toBeGreaterThan(0)
})

test('an init hook that leaves statements on its connection does not mix their answers with others', async () => {
  const hooked: unknown[] = []
  const onConnect = (client: { query(text: string, values: unknown[]): Promise<{ rows: unknown[] }> }) => {
    for (let n = 0; n < 5; n++)
      void client.query(LOOKUP, [-n - 1]).then(
        ({ rows }) => hooked.push(rows[0]),
        () => undefined,
      )
  }
  const pool = open({ onConnect, max: 2 })
  const all = Array.from({ length: 50 }, (_, n) => pool.query(LOOKUP, [n], { class: 'simple' }))
  expect((await Promise.all(all)).map(({ rows: [row] }) => row.n)).toEqual(all.map((_, n) => n))
  expect(new Set(hooked.map((row) => (row as { n: number }).n))).toEqual(new Set([-1, -2, -3, -4, -5]))
})

describe('the events of a pool', () => {
  test('a listener to `acquire` keeps statements off lanes', async () => {
    const pool = open({ max: 2 })
    await learn(pool)
    pool.on('acquire', () => undefined)
    const lanes = watchLanes(pool)
    const asked = lookups(pool, 50)
    expect(lanesOf(pool)).toBe(0)
    await asked
    expect(lanes.stop()).toBe(0)
    pool.removeAllListeners('acquire')
    const again = lookups(pool, 50)
    expect(lanesOf(pool)).toBeGreaterThan(0)
    await again
  })

  test('`pipelining: true` keeps the lanes, and `acquire` and `release` tell once of each time a connection is shared', async () => {
    const pool = open({ pipelining: true })
    await learn(pool)
    const { _clients } = pool as unknown as { _clients: unknown[] }
    const [client] = _clients
    const words: string[] = []
    pool.on('acquire', (whose) => words.push(whose === client ? 'acquire' : 'another'))
    pool.on('release', (error, whose) =>
      words.push(whose === client && error === undefined ? 'release' : 'another'),
    )
    await lookups(pool, 50)
    await vi.waitFor(() => expect(pool.stats().shared).toBe(0), WAITING)
    expect(words).toEqual(['acquire', 'release'])
    await lookups(pool, 50)
    await vi.waitFor(() => expect(pool.stats().shared).toBe(0), WAITING)
    expect(words).toEqual(['acquire', 'release', 'acquire', 'release'])
  })
})

test('a query object of another package has a connection to itself', async () => {
  const name = freshName()
  const pool = open({ max: 2, applicationName: name })
  await learn(pool)
  await opened(pool, 2)
  const { Query } = await import('pg')
  class Custom extends Query {}
  const custom = new Custom('SELECT pg_sleep(0.2), 1 AS custom')
  const rows: unknown[] = []
  custom.on('row', (row) => rows.push(row))
  const ended = new Promise((resolve) => custom.on('end', resolve))
  pool.query(custom)
  expect(pool.stats()).toMatchObject({ leased: 1, shared: 0 })
  await lookups(pool, 20)
  expect(rows).toEqual([])
  await ended
  expect(rows).toMatchObject([{ custom: 1 }])
  await vi.waitFor(() => expect(pool.stats()).toMatchObject({ leased: 0, shared: 0, idle: 2 }), WAITING)
})
