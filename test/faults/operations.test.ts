/** What a pool tells of its operations while everything goes wrong: each begins once, ends once, and ends as its caller was told. */
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { describe, expect, test } from 'vitest'
import type { Random } from '../../src/demo/workload/random.ts'
import { randomOf } from '../../src/demo/workload/random.ts'
import type { Hooks, Operation, OperationEnd, Pool, PoolLease, QueryOptions } from '../../src/index.ts'
import { networks, poolsWith } from '../support/pools.ts'
import type { TcpProxy } from '../support/proxy.ts'
import type { Disturbance } from './attack.ts'
import { disturb, kill } from './attack.ts'
import { eventually } from './support.ts'

const network = networks()
const open = poolsWith({ max: 4 })

const CALLERS = 40
const MILLIS = 2_500
const GRACE_MILLIS = 10_000
const SEED = Number(process.env.R3 ?? 7)

/** Every operation that was told, and what is wrong with it. */
class Ledger implements Hooks<object> {
  readonly ends = new Map<Operation, OperationEnd | undefined>()
  readonly violations: string[] = []
  /** Calls that have no answer yet. */
  readonly open = new Set<string>()

  asked(operation: Operation): void {
    if (this.ends.has(operation)) this.violations.push(`asked twice: ${operation.text}`)
    this.ends.set(operation, undefined)
  }

  answered(operation: Operation, end: OperationEnd): void {
    if (!this.ends.has(operation)) this.violations.push(`answered, and never asked: ${operation.text}`)
    if (this.ends.get(operation) !== undefined) this.violations.push(`answered twice: ${operation.text}`)
    if (!(end.millis >= 0)) this.violations.push(`took ${end.millis} ms: ${operation.text}`)
    this.ends.set(operation, end)
  }

  /** Those of a caller. */
  of(agent: string): OperationEnd[] {
    return [...this.ends].flatMap(([operation, end]) => (operation.agent === agent && end ? [end] : []))
  }

  get unanswered(): string[] {
    return [...this.ends].flatMap(([operation, end]) =>
      end === undefined ? [`${operation.agent}: ${operation.text}`] : [],
    )
  }
}

/** One call: what it does under its agent, and how many operations that is; undefined where it is up to chance. */
type Kind = readonly [
  name: string,
  operations: number | undefined,
  act: (pool: Pool, options: QueryOptions & { agent: string }, random: Random) => Promise<unknown>,
]

const SLEEP = 'SELECT pg_sleep($1::float8 / 1000)'

const KINDS: readonly Kind[] = [
  ['read', 1, (pool, options) => pool.query('SELECT $1::text AS id', ['a'], options)],
  ['slow read', 1, (pool, options, random) => pool.query(SLEEP, [random.between(0, 60)], options)],
  [
    'write alone',
    1,
    (pool, options) => pool.query('CREATE TEMP TABLE IF NOT EXISTS t ()', undefined, options),
  ],
  ['wrong text', 1, (pool, options) => pool.query('SELECT nothing FROM nowhere', [], options)],
  ['several', 1, (pool, options) => pool.query('SELECT 1; SELECT 2', undefined, options)],
  ['wrong option', 1, (pool, options) => pool.query('SELECT 1', [], { ...options, timeout: -1 })],
  ['wrong value', 1, (pool, options) => pool.query('SELECT $1::int', [cyclic()], options)],
  ['run twice', 1, (pool, options) => pool.query('SELECT 1', [], { ...options, idempotent: true })],
  [
    'callback',
    1,
    (pool, options) =>
      new Promise((resolve, reject) => {
        const query = pool.query as (...given: unknown[]) => void
        const told = (error: Error | undefined, result: unknown) => (error ? reject(error) : resolve(result))
        query.call(pool, { text: SLEEP, values: [5], ...options }, told)
      }),
  ],
  [
    'cache',
    undefined,
    (pool, options) =>
      pool.query('SELECT 1 AS cached', [], { ...options, cache: { ttl: 20, staleIfError: 100 } }),
  ],
  ['batch', 1, (pool, options) => pool.batch(['SELECT 1', { text: 'SELECT $1::int', values: [2] }], options)],
  ['wrong batch', 1, (pool, options) => pool.batch(['SELECT 1', 'SELECT 1 / 0'], options)],
  [
    'parallel',
    undefined,
    (pool, options) =>
      pool.parallel(['SELECT 1', 'SELECT 2', 'SELECT 1 / 0'], { ...options, concurrency: 2 }),
  ],
  [
    'transaction',
    undefined,
    (pool, { agent, signal, timeout }, random) =>
      pool.transaction(
        async (tx) => {
          await tx.query('SELECT 1')
          // Not awaited: it may be under way when the transaction is over.
          if (random.chance(0.3)) tx.query(SLEEP, [20]).catch(() => undefined)
          if (random.chance(0.2)) throw new Error('rolled back')
        },
        { agent, signal, timeout: timeout ?? 10_000 },
      ),
  ],
  [
    'lease',
    undefined,
    async (pool, { agent, signal, timeout }, random) => {
      const lease = await pool.lease({ agent, signal })
      const calls = [1, 2, 3].map(() => lease.query(SLEEP, [random.between(0, 20)], { signal, timeout }))
      for (const call of calls) call.catch(() => undefined)
      if (random.chance(0.5)) await Promise.allSettled(calls)
      lease.release(random.chance(0.3))
      await Promise.allSettled(calls)
    },
  ],
  [
    'query object',
    undefined,
    // Typed as what it returns in pg, a promise in pg-pool.
    (pool) => pool.query(new pg.Query('SELECT 1', [])) as unknown as Promise<unknown>,
  ],
  [
    'cursor of a lease',
    undefined,
    async (pool, { agent, signal }) => {
      const lease = await pool.lease({ agent, signal })
      await readSome((cursor) => lease.query(cursor)).finally(() => lease.release())
    },
  ],
  [
    'cursor of the pool',
    undefined,
    // Typed as what it returns in pg, a promise in pg-pool.
    (pool) => readSome((cursor) => pool.query(cursor) as unknown as Promise<unknown>),
  ],
]

/** Reads a part of what a cursor has. What the cursor says of a connection that is lost is not awaited: it may be nothing. */
function readSome(query: (cursor: Cursor) => Promise<unknown>): Promise<unknown> {
  const cursor = new Cursor('SELECT n FROM generate_series(1, 1000) n', [])
  const over = query(cursor)
  cursor
    .read(10)
    .then(() => cursor.close())
    .catch(() => undefined)
  return over
}

function cyclic(): object {
  const value: { self?: object } = {}
  value.self = value
  return value
}

async function call(pool: Pool, ledger: Ledger, random: Random, id: string): Promise<string> {
  const [name, operations, act] = KINDS[random.between(0, KINDS.length - 1)] as Kind
  const agent = `${name} ${id}`
  const controller = new AbortController()
  if (random.chance(0.1)) controller.abort(new Error('gave up before'))
  if (random.chance(0.3)) setTimeout(() => controller.abort(new Error('gave up')), random.between(0, 40))
  const timeout = random.chance(0.3) ? random.between(1, 60) : undefined
  const heard = ledger.ends.size
  let told: unknown
  ledger.open.add(agent)
  try {
    await act(pool, { agent, signal: controller.signal, timeout }, random)
  } catch (error) {
    told = error
  }
  ledger.open.delete(agent)
  if (operations !== undefined) {
    const ends = ledger.of(agent)
    if (ends.length !== operations || ends[0]?.error !== told)
      ledger.violations.push(`${agent}: ${ends.length} ends, ${String(ends[0]?.error)} for ${String(told)}`)
  }
  // Whoever is turned away at once would keep everybody else from the event loop.
  if (ledger.ends.size === heard || told !== undefined) await pause(2)
  return told === undefined ? 'done' : 'failed'
}

/** Runs callers under disturbances, and ends the pool under those who still come. */
async function attack(pool: Pool, random: Random, disturbances: readonly Disturbance[]) {
  const ledger = new Ledger()
  pool.attach(ledger)
  // Comes and goes, and hears of ends whose beginnings it has not heard of: harmless to the others.
  const passing: Disturbance = [
    10,
    async () => {
      const detach = pool.attach({ asked: () => undefined, answered: () => undefined })
      await pause(random.between(0, 10))
      detach()
    },
  ]
  const outcomes: Record<string, number> = {}
  const until = performance.now() + MILLIS
  const calling = Promise.all(
    Array.from({ length: CALLERS }, async (_, n) => {
      for (let turn = 0; performance.now() < until; turn++) {
        const outcome = await call(pool, ledger, random, `${n}.${turn}`)
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      }
    }),
  )
  const calm = disturb(random, [...disturbances, passing])
  await pause(MILLIS - 100)
  await pool.end({ timeoutMillis: 50 })
  await Promise.race([calling, pause(GRACE_MILLIS)])
  await calm()
  return { ledger, outcomes }
}

test('a cursor whose connection is lost has ended, and its lease is closed', async () => {
  const name = 'sluice-operations-cursor'
  const pool = open({ applicationName: name })
  pool.on('error', () => undefined)
  const ledger = new Ledger()
  pool.attach(ledger)
  const lease = await pool.lease()
  const cursors = [1, 2].map(() => new Cursor('SELECT n FROM generate_series(1, 1000) n', []))
  const [first, second] = cursors as [Cursor, Cursor]
  const calls = [lease.query(first), pool.query(second) as unknown as Promise<unknown>]
  const ends = Promise.allSettled(calls)
  await Promise.all(cursors.map((cursor) => cursor.read(10)))
  await kill(name, true)
  expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect([ledger.unanswered, ledger.ends.size]).toEqual([[], 2])
  lease.release()
  expect(await eventually(0, () => pool.stats().total)).toBe(0)
})

describe('a statement that waits until it is known what the endpoint is', () => {
  const SET = `SET application_name = 'sluice-operations-set'`

  async function asked(run: (pool: Pool, lease: PoolLease, proxy: TcpProxy) => Promise<unknown>) {
    const { proxy, connectionString } = await network(20)
    const pool = open({ connectionString, closeTimeoutMillis: 200 })
    const ledger = new Ledger()
    pool.attach(ledger)
    const told = await run(pool, await pool.lease(), proxy).then(
      () => 'done',
      (error: unknown) => error,
    )
    return { pool, told, ends: [...ledger.ends.values()].map((end) => end?.error) }
  }

  test('still runs where its lease is given back meanwhile', async () => {
    const { ends, pool, told } = await asked((_, lease) => {
      const call = lease.query(SET)
      lease.release()
      return call
    })
    expect([told, ends]).toEqual(['done', [undefined]])
    expect(await eventually(0, () => pool.stats().leased)).toBe(0)
  })

  test('is told where its connection is closed meanwhile', async () => {
    const { ends, told } = await asked((_, lease) => {
      const call = lease.query(SET)
      lease.release(true)
      return call
    })
    expect(told).toMatchObject({ code: 'SLUICE_ABORTED', outcome: 'not-sent' })
    expect(ends).toEqual([told])
  })

  test('is told where the pool ends meanwhile', async () => {
    const { ends, told } = await asked((pool, lease, proxy) => {
      lease.release()
      proxy.hold()
      const call = pool.query(SET)
      pool.end({ timeoutMillis: 10 }).catch(() => undefined)
      return call
    })
    expect(told).toMatchObject({ code: 'SLUICE_ABORTED', outcome: 'not-sent' })
    expect(ends).toEqual([told])
  })
})

const REUSED = { retry: { attempts: 3 }, breaker: true } as const

test('calls of every kind, given up, timed out and refused, while sessions are killed and the pool ends', async () => {
  const name = 'sluice-operations-kills'
  const random = randomOf(SEED, name)
  const pool = open({ ...REUSED, applicationName: name, maxUses: 50 })
  pool.on('error', () => undefined)
  const { ledger, outcomes } = await attack(pool, random, [
    [40, () => kill(name)],
    [150, () => pool.clear()],
    [700, () => kill(name, true)],
  ])
  if (process.env.R3) console.log(ledger.ends.size, outcomes)
  expect([ledger.violations, ledger.unanswered, [...ledger.open]]).toEqual([[], [], []])
  expect(outcomes.done).toBeGreaterThan(10)
  expect(outcomes.failed).toBeGreaterThan(10)
}, 60_000)

test('the same while the network stalls, is cut and goes silent', async () => {
  const name = 'sluice-operations-network'
  const random = randomOf(SEED, name)
  const { proxy, connectionString } = await network(2)
  const pool = open({
    connectionString,
    applicationName: name,
    connectionTimeoutMillis: 300,
    acquireTimeoutMillis: 3_000,
    cancelTimeoutMillis: 300,
    closeTimeoutMillis: 300,
    queryTimeout: 1_000,
  })
  pool.on('error', () => undefined)
  const { ledger, outcomes } = await attack(pool, random, [
    [150, () => proxy.setLatency(random.between(0, 40))],
    [400, () => proxy.cut()],
    [
      900,
      async () => {
        proxy.blackhole()
        await pause(random.between(0, 600))
        proxy.cut()
      },
    ],
  ])
  if (process.env.R3) console.log(ledger.ends.size, outcomes)
  expect([ledger.violations, ledger.unanswered, [...ledger.open]]).toEqual([[], [], []])
  expect(outcomes.done).toBeGreaterThan(10)
  expect(outcomes.failed).toBeGreaterThan(10)
}, 60_000)
