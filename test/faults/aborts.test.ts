/** A caller who gives up at any point of a checkout: one answer, and no slot, session or listener is left behind. */
import type { EventEmitter } from 'node:events'
import { getEventListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import type { Client, Pool, PoolConfig } from '../../src/index.ts'
import { numbersWith } from '../support/numbers.ts'
import { networks, poolsWith } from '../support/pools.ts'
import { sessions } from '../support/postgres.ts'
import { eventually } from './support.ts'

const network = networks()
const open = poolsWith({ max: 1 })

/** Long enough for every step of a handshake to be hit between its beginning and its end. */
const LATENCY = 60
const WAITING = { timeout: 10_000, interval: 10 }

const becomes = (pool: Pool, state: 'checking' | 'leased' | 'cancelling' | 'opening' | 'shared') =>
  vi.waitFor(() => expect(pool.stats()[state]).toBe(1), { timeout: 10_000, interval: 1 })

/** A pool of one to which something is about to happen. */
interface Stage {
  readonly pool: Pool
  /** Resolves when the pool's hook has been called. */
  readonly hooked: Promise<void>
}

interface Point {
  readonly name: string
  readonly config?: (hooked: () => void) => PoolConfig
  /** Before the caller asks. What it returns is done once the caller has its answer. */
  readonly before?: (stage: Stage) => Promise<() => unknown>
  /** When the caller has asked: resolves at the moment of the abort. */
  readonly moment: (stage: Stage) => Promise<unknown> | undefined
  /** The caller may have had what it wanted by then. */
  readonly mayBeServed?: boolean
}

const nothing = () => undefined

async function lent({ pool }: Stage): Promise<() => void> {
  const lease = await pool.lease()
  return () => lease.release()
}

const points: Point[] = [
  { name: 'in the turn of the call', moment: nothing },
  { name: 'before the socket is connected', moment: () => Promise.resolve() },
  ...[0.2, 0.7, 1.2, 1.7, 2.2].map((trips) => ({
    name: `${trips} round trips into the handshake`,
    moment: () => pause(trips * LATENCY),
    // A server that asks for no password is done after one.
    mayBeServed: trips > 1,
  })),
  {
    name: 'while onConnect runs',
    config: (hooked) => ({
      onConnect: async (client: Client) => {
        hooked()
        await client.query('SELECT pg_sleep(0.1)')
      },
    }),
    moment: ({ hooked }) => hooked,
  },
  {
    name: 'while onConnect hangs until the open is given up',
    config: (hooked) => ({
      connectionTimeoutMillis: 800,
      acquireTimeoutMillis: 10_000,
      onConnect: (() => {
        let first = true
        return () => {
          hooked()
          if (!first) return undefined
          first = false
          return new Promise(nothing)
        }
      })(),
    }),
    moment: ({ hooked }) => hooked,
  },
  {
    name: 'while verify runs',
    config: (hooked) => ({
      verify: (client, done) => {
        hooked()
        client.query('SELECT pg_sleep(0.05)', () => done())
      },
    }),
    moment: ({ hooked }) => hooked,
  },
  {
    name: 'while an idle connection is asked whether it answers',
    config: () => ({ prePing: true }),
    before: async ({ pool }) => {
      await pool.query('SELECT 1')
      return nothing
    },
    moment: ({ pool }) => becomes(pool, 'checking'),
  },
  { name: 'in the queue', before: lent, moment: () => pause(5) },
  {
    name: 'while the connection it waits for is being cancelled',
    before: async ({ pool }) => {
      const abort = new AbortController()
      const other = pool.query('SELECT pg_sleep(60)', [], { signal: abort.signal }).catch(nothing)
      await becomes(pool, 'leased')
      await pause(LATENCY)
      abort.abort()
      await other
      return nothing
    },
    moment: ({ pool }) => becomes(pool, 'cancelling'),
  },
  {
    name: 'while the connection it waits for comes to rest',
    before: async ({ pool }) => {
      const client = await pool.connect()
      void client.query('SELECT pg_sleep(0.2)')
      client.release()
      return nothing
    },
    moment: ({ pool }) => becomes(pool, 'checking'),
  },
]

const listenersOf = (pool: Pool): number[] =>
  (pool as unknown as { _clients: EventEmitter[] })._clients.map((client) =>
    client.eventNames().reduce((sum, name) => sum + client.listenerCount(name), 0),
  )

/** The pool is whole: it serves the next caller, holds nothing, and has the listeners that it had. */
async function expectWhole(pool: Pool, name: string, { signal }: AbortController): Promise<void> {
  expect(getEventListeners(signal, 'abort')).toEqual([])
  expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  await vi.waitFor(
    () => expect(pool.stats()).toMatchObject({ ...numbersWith({ max: 1, idle: 1 }), lost: 0, total: 1 }),
    WAITING,
  )
  const listeners = listenersOf(pool)
  pool.clear()
  await pool.query('SELECT 1')
  await vi.waitFor(() => expect(pool.stats()).toMatchObject({ total: 1, idle: 1 }), WAITING)
  expect(listeners).toEqual(listenersOf(pool))
  expect(await eventually(1, () => sessions(name))).toBe(1)
  await pool.end()
  expect(await eventually(0, () => sessions(name))).toBe(0)
}

type Ask = (pool: Pool, signal: AbortSignal, answer: (error: unknown) => void) => void

/** What somebody may ask for. Callbacks show where one is called twice. */
const asks: Record<string, Ask> = {
  'a statement': (pool, signal, answer) =>
    void pool.query({ text: 'SELECT $1::int', values: [1], signal } as never, answer as never),
  'a statement with a connection to itself': (pool, signal, answer) =>
    void pool.query(
      { text: 'SELECT $1::int', values: [1], signal, class: 'analytical' } as never,
      answer as never,
    ),
  'a lease': (pool, signal, answer) =>
    void pool.lease({ signal }).then((lease) => {
      lease.release()
      answer(undefined)
    }, answer),
}

test('a caller whose listener to `acquire` aborts it before verify has the connection closed and one answer', async () => {
  const abort = new AbortController()
  let verified = 0
  const pool = open({
    verify: (_, done) => {
      verified += 1
      done()
    },
  })
  pool.once('acquire', () => abort.abort(new Error('gave up')))
  await expect(pool.lease({ signal: abort.signal })).rejects.toMatchObject({
    code: 'SLUICE_ABORTED',
    phase: 'check',
  })
  expect(verified).toBe(0)
  await pool.query('SELECT 1')
  expect([verified, pool.stats().leased]).toEqual([1, 0])
})

describe.each(Object.keys(asks))('%s, aborted', (what) => {
  let serial = 0
  test.each(points)('$name', async ({ config, before, moment, mayBeServed = false }) => {
    const { connectionString } = await network(LATENCY)
    const name = `sluice-aborts-${what.length}-${serial++}`
    let hooked = nothing as () => void
    const called = new Promise<void>((resolve) => {
      hooked = resolve
    })
    const pool = open({ ...config?.(hooked), connectionString, applicationName: name })
    const stage = { pool, hooked: called }
    const after = await before?.(stage)
    const abort = new AbortController()
    const answers: unknown[] = []
    asks[what]?.(pool, abort.signal, (error) => answers.push(error))
    await moment(stage)
    abort.abort(new Error('gave up'))
    await vi.waitFor(() => expect(answers).toHaveLength(1), WAITING)
    if (!mayBeServed || answers[0]) {
      expect(answers[0]).toMatchObject({ code: 'SLUICE_ABORTED' })
      expect(String(answers[0])).toContain('gave up')
    }
    after?.()
    await expectWhole(pool, name, abort)
    expect(answers).toHaveLength(1)
  })
})
