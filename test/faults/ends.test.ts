/** `end()` and `drain()` with everything in flight: they finish, and everybody has one answer. */
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Pool } from '../../src/index.ts'
import { networks, poolsWith } from '../support/pools.ts'
import { sessions } from '../support/postgres.ts'
import { eventually } from './support.ts'

const network = networks()
const open = poolsWith({ max: 5 })

const IMPATIENT = { closeTimeoutMillis: 500, cancelTimeoutMillis: 500, checkTimeoutMillis: 500 }

/** Callers, and how often each was answered. */
class Callers {
  readonly answers: number[] = []
  readonly #errors: unknown[] = []

  ask(asked: PromiseLike<unknown>): void {
    const n = this.answers.push(0) - 1
    asked.then(
      () => this.#answered(n),
      (error: unknown) => {
        this.#errors.push(error)
        this.#answered(n)
      },
    )
  }

  #answered(n: number): void {
    this.answers[n] = (this.answers[n] ?? 0) + 1
  }

  /** What did not go well, each message once. */
  get words(): string[] {
    return [...new Set(this.#errors.map((error) => (error as { code?: string }).code ?? String(error)))]
  }

  get all(): number[] {
    return this.answers.map(() => 1)
  }
}

/** Puts a pool of five to every kind of work at once. */
async function work(pool: Pool, callers: Callers): Promise<void> {
  for (let n = 0; n < 20; n++) await pool.query('SELECT $1::int AS n', [n])
  const kept = await pool.lease()
  callers.ask(kept.query('SELECT pg_sleep(0.2)').finally(() => kept.release()))
  const dropped = await pool.connect()
  callers.ask(dropped.query('SELECT pg_sleep(0.1)'))
  dropped.release()
  const abort = new AbortController()
  callers.ask(pool.query('SELECT pg_sleep(60)', [], { signal: abort.signal }))
  callers.ask(pool.transaction((tx) => tx.query('SELECT pg_sleep(0.1)')))
  await pause(20)
  abort.abort()
  for (let n = 0; n < 200; n++) callers.ask(pool.query('SELECT $1::int AS n', [n]))
  for (let n = 0; n < 20; n++) callers.ask(pool.lease().then((lease) => lease.release()))
  callers.ask(pool.batch(['SELECT 1', 'SELECT 2']))
}

const LATENCY = 20

describe('with leases, waiters, opens, cancels and shared connections in flight', () => {
  test('drain() serves everybody, and end() finds nothing left to do', async () => {
    const name = 'sluice-drain-busy'
    const { connectionString } = await network(LATENCY)
    const pool = open({ connectionString, applicationName: name })
    const callers = new Callers()
    await work(pool, callers)
    expect(await pool.drain(20_000)).toBe(true)
    await pause(0)
    expect([callers.answers, callers.words]).toEqual([callers.all, ['SLUICE_ABORTED']])
    await pool.end()
    expect([pool.stats().lost, pool.stats().total]).toEqual([0, 0])
    expect(await eventually(0, () => sessions(name))).toBe(0)
  })

  test('end() answers everybody once and leaves no session', async () => {
    const name = 'sluice-end-busy'
    const { connectionString } = await network(LATENCY)
    const pool = open({ connectionString, applicationName: name })
    const callers = new Callers()
    await work(pool, callers)
    await pool.end()
    await pause(0)
    expect(callers.answers).toEqual(callers.all)
    expect(callers.words).toContain('SLUICE_ABORTED')
    for (const word of callers.words) expect(['SLUICE_ABORTED', 'SLUICE_POOL_ENDED']).toContain(word)
    expect([pool.stats().lost, pool.stats().total]).toEqual([0, 0])
    expect(await eventually(0, () => sessions(name))).toBe(0)
  })

  test('a drain() that has no time says so, and end() that has none cuts off what is left', async () => {
    const name = 'sluice-end-at-once'
    const { connectionString } = await network(LATENCY)
    const pool = open({ connectionString, applicationName: name })
    const callers = new Callers()
    await work(pool, callers)
    expect(await pool.drain(1)).toBe(false)
    await pool.end({ timeoutMillis: 0 })
    await pause(0)
    expect(callers.answers).toEqual(callers.all)
    expect(pool.stats().total).toBe(0)
    expect(await eventually(0, () => sessions(name))).toBe(0)
  })

  test('through a network that has gone silent both finish, and everybody is answered once', async () => {
    const { proxy, connectionString } = await network(LATENCY)
    const pool = open({ connectionString, ...IMPATIENT, connectionTimeoutMillis: 1_000 })
    const callers = new Callers()
    await work(pool, callers)
    proxy.blackhole()
    expect(await pool.drain(300)).toBe(false)
    await pool.end({ timeoutMillis: 300 })
    await pause(0)
    expect(callers.answers).toEqual(callers.all)
    expect(pool.stats()).toMatchObject({ total: 0, waiting: 0, state: 'ended' })
  })
})

test('end() finishes while opens hang, whether anybody waits for them or not', async () => {
  const { proxy, connectionString } = await network()
  proxy.blackhole()
  const pool = open({ connectionString, ...IMPATIENT, min: 2, endTimeoutMillis: 300 })
  const callers = new Callers()
  for (let n = 0; n < 10; n++) callers.ask(pool.query('SELECT 1'))
  await pause(50)
  expect(pool.stats().opening).toBeGreaterThan(0)
  await pool.end()
  expect([callers.answers, callers.words, pool.stats().total]).toEqual([
    callers.all,
    ['SLUICE_POOL_ENDED'],
    0,
  ])
})

test('end() may be called again with less time, and both calls end together', async () => {
  const pool = open({ max: 1 })
  const client = await pool.connect()
  const told = client.query('SELECT pg_sleep(60)').catch((error: Error) => error.message)
  const first = pool.end()
  await Promise.all([pool.end({ timeoutMillis: 50 }), first])
  expect([await told, pool.ended]).toEqual(['Connection terminated', true])
  await expect(pool.end()).rejects.toThrow('Called end on pool more than once')
  await expect(pool.end({ timeoutMillis: -1 })).rejects.toMatchObject({ code: 'SLUICE_BAD_OPTION' })
})

describe('a storm of a thousand callers who give up before anything could come', () => {
  test('leaves nothing lent, and end() finishes', async () => {
    const name = 'sluice-storm'
    const pool = open({ max: 10, applicationName: name })
    for (let round = 0; round < 3; round++) {
      const abort = new AbortController()
      let answers = 0
      for (let n = 0; n < 1_000; n++) {
        const answered = () => {
          answers += 1
        }
        const asked = pool.lease({ signal: abort.signal })
        void asked.then((lease) => lease.release()).then(answered, answered)
      }
      await Promise.resolve()
      abort.abort()
      expect(await eventually(1_000, () => answers)).toBe(1_000)
    }
    expect(pool.stats()).toMatchObject({ leased: 0, waiting: 0 })
    await pool.end()
    expect(await eventually(0, () => sessions(name))).toBe(0)
  })

  test('and never look at what they were promised cost end() no more than its time', async () => {
    const name = 'sluice-storm-dropped'
    const pool = open({ max: 10, applicationName: name, endTimeoutMillis: 500 })
    let refused = 0
    for (let n = 0; n < 1_000; n++) {
      void pool.connect().catch(() => {
        refused += 1
      })
    }
    await Promise.resolve()
    await pool.end()
    expect(await eventually(990, () => refused)).toBe(990)
    expect(await eventually(0, () => sessions(name))).toBe(0)
  })
})
