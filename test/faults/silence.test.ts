/** A network that goes silent: what waits ends, what may go on goes on, and the pool serves again soon after the path is back. */
import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startPostgres } from '../../src/demo/embedded.ts'
import type { Pool, PoolConfig } from '../../src/index.ts'
import type { Failed } from '../lanes/faults.ts'
import { ending, failed, freshName, learn, lookup, opened } from '../lanes/faults.ts'
import type { Network } from '../support/pools.ts'
import { networks, poolsWith } from '../support/pools.ts'
import { databaseUrl } from '../support/postgres.ts'
import type { TcpProxy } from '../support/proxy.ts'
import { use } from './support.ts'

const network = networks()
// The head of a lane has a limit of its own, which must not come first: what ends here ends by silence.
const open = poolsWith({ silenceTimeoutMillis: 500, laneStallMillis: 60_000, acquireTimeoutMillis: 20_000 })

/** The issue asks for two seconds; a busy machine gets twice that. */
const RECOVERY_MILLIS = 4_000
const PATIENCE = { timeout: 15_000, interval: 20 }

const sleep = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

const LOST = failed('SLUICE_CONNECTION_LOST', 'unknown')

/** Whoever was on his way is served in the end, unless he had been sent already. */
function servedOrLost(ends: readonly unknown[]): void {
  const lost = ends.filter((end) => end !== undefined)
  expect(lost).toEqual(lost.map(() => LOST))
  expect(lost.length).toBeLessThan(ends.length)
}

/** A client of another driver: it does what pg's do, and shows nothing of how. */
class Opaque extends EventEmitter {
  readonly #client: pg.Client

  constructor(config: pg.ClientConfig) {
    super()
    this.#client = new pg.Client(config)
    this.#client.on('error', (error) => this.emit('error', error))
    this.#client.on('end', () => this.emit('end'))
  }

  connect(...given: unknown[]): unknown {
    return (this.#client.connect as (...all: unknown[]) => unknown).apply(this.#client, given)
  }

  query(...given: unknown[]): unknown {
    return (this.#client.query as (...all: unknown[]) => unknown).apply(this.#client, given)
  }

  end(...given: unknown[]): unknown {
    return (this.#client.end as (...all: unknown[]) => unknown).apply(this.#client, given)
  }
}

type Outage = 'blackhole' | 'hold'

function begin(proxy: TcpProxy, outage: Outage): void {
  if (outage === 'hold') proxy.hold()
  else proxy.blackhole()
}

async function poolBehind(config: PoolConfig = {}, server?: string): Promise<Network & { pool: Pool }> {
  const way = await network(0, server)
  const pool = open({ connectionString: way.connectionString, applicationName: freshName(), ...config })
  return { ...way, pool }
}

function signal(): { readonly given: Promise<void>; give(): void } {
  let give = (): void => undefined
  const given = new Promise<void>((resolve) => {
    give = resolve
  })
  return { given, give: () => give() }
}

/** No slot is held by anything any more. */
function atRest(pool: Pool): Promise<void> {
  return vi.waitFor(() => {
    const { opening, checking, leased, shared, cancelling, closing, waiting } = pool.stats()
    expect({ opening, checking, leased, shared, cancelling, closing, waiting }).toEqual({
      opening: 0,
      checking: 0,
      leased: 0,
      shared: 0,
      cancelling: 0,
      closing: 0,
      waiting: 0,
    })
  }, PATIENCE)
}

/** Heals the path; how long until somebody who comes then is served. */
async function recovery(proxy: TcpProxy, pool: Pool): Promise<number> {
  proxy.heal()
  const from = performance.now()
  await use(pool)
  return performance.now() - from
}

/** Statements of every kind, sent when the path is gone. Resolves with how each has ended. */
async function busyWithEverything(pool: Pool, proxy: TcpProxy, outage: Outage): Promise<Promise<unknown>[]> {
  await learn(pool)
  await opened(pool, 6)
  const client = await pool.connect()
  const lease = await pool.lease()
  const inside = signal()
  const gone = signal()
  const transaction = pool.transaction(
    async (own) => {
      await own.query('SELECT 1')
      inside.give()
      await gone.given
      return own.query('SELECT 2')
    },
    { timeout: 60_000 },
  )
  await inside.given
  begin(proxy, outage)
  gone.give()
  return [
    // Before the lanes, so that it need not wait for a connection that cannot be opened.
    ending(pool.query('CREATE TEMP TABLE IF NOT EXISTS nothing (n int)')),
    ending(client.query('SELECT 3')).finally(() => client.release()),
    ending(lease.query('SELECT 4')).finally(() => lease.release()),
    ending(transaction),
    ...Array.from({ length: 5 }, (_, n) => ending(lookup(pool, n))),
  ]
}

describe.each<Outage>(['blackhole', 'hold'])('a %s', (outage) => {
  test('of three seconds ends every statement in flight once, and the pool serves again at once', async () => {
    const { pool, proxy } = await poolBehind({ max: 8 })
    const all = await busyWithEverything(pool, proxy, outage)
    const callers = Array.from({ length: 8 }, () => ending(use(pool)))
    await sleep(4_000)
    expect(await Promise.all(all)).toEqual(all.map(() => LOST))
    const millis = await recovery(proxy, pool)
    expect(millis).toBeLessThan(RECOVERY_MILLIS)
    servedOrLost(await Promise.all(callers))
    await atRest(pool)
    expect(pool.stats().lost).toBeGreaterThanOrEqual(5)
    expect(pool.stats().total).toBeLessThanOrEqual(8)
    expect(await Promise.all(Array.from({ length: 12 }, () => ending(use(pool))))).toEqual(
      Array.from({ length: 12 }, () => undefined),
    )
  })

  test('in which the server restarts leaves nothing behind of the old one', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    const { pool, proxy } = await poolBehind({ max: 8 }, server.url)
    const all = await busyWithEverything(pool, proxy, outage)
    const callers = Array.from({ length: 8 }, () => ending(use(pool)))
    await server.restart()
    await Promise.all([...all, sleep(3_500)])
    expect(await recovery(proxy, pool)).toBeLessThan(RECOVERY_MILLIS)
    servedOrLost(await Promise.all(callers))
    await atRest(pool)
    await Promise.all(Array.from({ length: 12 }, () => use(pool)))
    // Before the server goes.
    await pool.end()
  })

  test('that ends just after a statement was sent into it ends that statement too', async () => {
    const { pool, proxy } = await poolBehind({ max: 4 })
    const client = await pool.connect()
    const late = await pool.connect()
    begin(proxy, outage)
    const early = ending(client.query('SELECT 1')).finally(() => client.release())
    expect(await early).toEqual(LOST)
    const asked = ending(late.query('SELECT 2 AS n')).finally(() => late.release())
    await sleep(50)
    expect(await recovery(proxy, pool)).toBeLessThan(RECOVERY_MILLIS)
    expect(await asked).toEqual(outage === 'hold' ? expect.objectContaining({ rows: [{ n: 2 }] }) : LOST)
    await atRest(pool)
  })

  test('during which nobody asks for anything leaves no idle connection that fails a caller', async () => {
    const { pool, proxy } = await poolBehind({ max: 3, prePing: true })
    await opened(pool, 3)
    begin(proxy, outage)
    await sleep(1_000)
    await recovery(proxy, pool)
    await Promise.all(Array.from({ length: 9 }, () => use(pool)))
    await atRest(pool)
    expect(pool.stats().idle).toBeGreaterThan(0)
  })

  test.each([1, 4])(
    'that a pool of %i meets with all its opens hanging does not outlive itself',
    async (max) => {
      const { pool, proxy } = await poolBehind({
        max,
        connectionTimeoutMillis: 60_000,
        acquireTimeoutMillis: 60_000,
      })
      begin(proxy, outage)
      const callers = Array.from({ length: 2 * max }, () => ending(use(pool)))
      await sleep(4_500)
      expect(pool.stats().opening).toBe(max)
      const millis = await recovery(proxy, pool)
      expect(millis).toBeLessThan(RECOVERY_MILLIS)
      expect(await Promise.all(callers)).toEqual(callers.map(() => undefined))
      await atRest(pool)
    },
  )

  test('under a pool of one that is cut off in a statement blocks it no longer than it lasts', async () => {
    const { pool, proxy } = await poolBehind({ max: 1 })
    const client = await pool.connect()
    begin(proxy, outage)
    const asked = ending(client.query('SELECT 1')).finally(() => client.release())
    expect(await asked).toEqual(LOST)
    const millis = await recovery(proxy, pool)
    expect(millis).toBeLessThan(RECOVERY_MILLIS)
    expect(pool.stats().lost).toBe(1)
    await atRest(pool)
  })

  test('in which statements time out and clients are destroyed blocks nobody afterwards', async () => {
    const { pool, proxy } = await poolBehind({ max: 4, silenceTimeoutMillis: 60_000 })
    await opened(pool, 4)
    const thrown = await pool.connect()
    const idle = await pool.connect()
    const busy = await pool.connect()
    begin(proxy, outage)
    const late = ending(pool.query('SELECT 1', [], { timeout: 1_500, lane: false }))
    await sleep(1_000)
    const asked = ending(busy.query('SELECT 1'))
    const waiting = ending(use(pool))
    for (const client of [thrown, idle, busy]) client.release(true)
    expect(await late).toEqual(failed('SLUICE_QUERY_TIMEOUT'))
    await sleep(2_500)
    expect(await recovery(proxy, pool)).toBeLessThan(RECOVERY_MILLIS)
    expect(await waiting).toBe(undefined)
    expect(await asked).toMatchObject({ message: 'Connection terminated' })
    await atRest(pool)
  })

  test('does not keep end() from finishing', async () => {
    const { pool, proxy } = await poolBehind({ max: 8, endTimeoutMillis: 1_000 })
    const all = await busyWithEverything(pool, proxy, outage)
    const from = performance.now()
    await pool.end()
    expect(performance.now() - from).toBeLessThan(15_000)
    for (const end of await Promise.all(all)) expect((end as Failed).message).toBeTypeOf('string')
    expect(pool.stats().total).toBe(0)
  })
})

test('a statement that takes longer than the silence is waited for while the server can be reached', async () => {
  const { pool } = await poolBehind({ max: 3 })
  const client = await pool.connect()
  const results = await Promise.all([
    client.query('SELECT pg_sleep(3)'),
    pool.query('SELECT pg_sleep(3)'),
    pool.transaction((own) => own.query('SELECT pg_sleep(3)')),
  ])
  client.release()
  expect(results.map(({ rowCount }) => rowCount)).toEqual([1, 1, 1])
  expect(pool.stats()).toMatchObject({ opened: 3, closed: {}, lost: 0 })
})

test('a unix socket is asked as an address is: what is slow is waited for, what is silent is cut', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-'))
  const { hostname, port, username, password, pathname } = new URL(databaseUrl())
  let mute = false
  const sockets = new Set<Socket>()
  const server = createServer((inbound) => {
    const outbound = connect(Number(port || 5432), hostname)
    for (const [from, to] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes) => mute || to.write(bytes))
      from.on('error', () => undefined)
      from.on('close', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(join(folder, '.s.PGSQL.5432'), resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
    rmSync(folder, { recursive: true })
  })
  const pool = open({
    connectionString: undefined,
    host: folder,
    port: 5432,
    user: username,
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    max: 1,
  })
  const client = await pool.connect()
  expect(await client.query('SELECT pg_sleep(2.5)')).toMatchObject({ rowCount: 1 })
  mute = true
  expect(await ending(client.query('SELECT 1'))).toEqual(LOST)
  client.release()
  mute = false
  await use(pool)
  await pool.end()
})

test('clients whose sockets cannot be seen are neither asked about nor cut', async () => {
  const { pool, proxy } = await poolBehind({ max: 2, Client: Opaque as never })
  await use(pool)
  const { accepted } = proxy
  const slow = pool.query('SELECT pg_sleep(2.5)')
  proxy.setLatency(2_500)
  await Promise.all([slow, use(pool)])
  proxy.setLatency(0)
  expect(proxy.accepted).toBe(accepted + 1)
  expect(pool.stats()).toMatchObject({ generation: 0, closed: {}, lost: 0 })
})

// The long form; a test that is left out would say so in every run.
const long: Outage[] = process.env.SLUICE_LONG === '1' ? ['blackhole', 'hold'] : []
test.each(long)(
  'a %s of thirty seconds is over within seconds of its end, with the defaults',
  async (outage) => {
    const { pool, proxy } = await poolBehind({
      max: 8,
      silenceTimeoutMillis: undefined,
      laneStallMillis: undefined,
      acquireTimeoutMillis: 60_000,
    })
    const all = await busyWithEverything(pool, proxy, outage)
    const callers = Array.from({ length: 8 }, () => ending(use(pool)))
    await sleep(30_000)
    // The head of a lane has its own limit, which comes first.
    const unknown = expect.objectContaining({ outcome: 'unknown' })
    expect(await Promise.all(all)).toEqual(all.map(() => unknown))
    expect(await recovery(proxy, pool)).toBeLessThan(RECOVERY_MILLIS)
    servedOrLost(await Promise.all(callers))
    await atRest(pool)
    expect(pool.stats().lost).toBeGreaterThanOrEqual(5)
  },
  90_000,
)

describe('a network that forgets a connection in a moment too short to notice', () => {
  test('ends the statement on it, since its session has nothing under way', async () => {
    const { pool, proxy } = await poolBehind({ max: 3 })
    const client = await pool.connect()
    await client.query('SELECT 1')
    proxy.blackhole()
    const end = ending(client.query('SELECT 1'))
    await sleep(50)
    proxy.heal()
    expect(await end).toEqual(LOST)
    client.release(true)
    await vi.waitFor(() => expect(pool.stats()).toMatchObject({ leased: 0, lost: 1 }), PATIENCE)
  })

  test('is found also where it has forgotten all of them, and callers are served again', async () => {
    const { pool, proxy } = await poolBehind({ max: 2 })
    await learn(pool)
    const [client, other] = await Promise.all([pool.connect(), pool.connect()])
    other.release()
    proxy.blackhole()
    const ends = [ending(client.query('SELECT 1')), ending(lookup(pool, 1)), ending(lookup(pool, 2))]
    await sleep(50)
    proxy.heal()
    const from = performance.now()
    const next = pool.query('SELECT 1', [], { lane: false })
    expect(await Promise.all(ends)).toEqual([LOST, LOST, LOST])
    client.release(true)
    await next
    expect(performance.now() - from).toBeLessThan(15_000)
    await vi.waitFor(() => expect(pool.stats()).toMatchObject({ leased: 0, shared: 0, lost: 2 }), PATIENCE)
  })

  test('is not taken for one where the statement is under way after all', async () => {
    const { pool } = await poolBehind({ max: 3 })
    const client = await pool.connect()
    const { rows } = await client.query<{ n: number }>('SELECT 1 AS n, pg_sleep(4)')
    expect(rows[0]?.n).toBe(1)
    client.release()
  })
})
