/** What a pool tells of its operations while everything goes wrong: each begins once, ends once, and ends as its caller was told. */
import { setTimeout as pause } from 'node:timers/promises'
import Cursor from 'pg-cursor'
import { describe, expect, test } from 'vitest'
import { randomOf } from '../../src/demo/workload/random.ts'
import type { Pool, PoolLease } from '../../src/index.ts'
import { networks, poolsWith } from '../support/pools.ts'
import type { TcpProxy } from '../support/proxy.ts'
import { kill } from './attack.ts'
import { attack, Ledger } from './operations.ts'
import { eventually } from './support.ts'

const network = networks()
const open = poolsWith({ max: 4 })

const SEED = 7

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

const REUSED = { retry: { attempts: 3 }, circuitBreaker: true } as const

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
  expect([ledger.violations, ledger.unanswered, [...ledger.open]]).toEqual([[], [], []])
  expect(outcomes.done).toBeGreaterThan(0)
  expect(outcomes.failed).toBeGreaterThan(0)
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
  expect([ledger.violations, ledger.unanswered, [...ledger.open]]).toEqual([[], [], []])
  expect(outcomes.done).toBeGreaterThan(0)
  expect(outcomes.failed).toBeGreaterThan(0)
}, 60_000)
