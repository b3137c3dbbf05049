/** Two things in one turn: a connection is handed over while its caller gives up, or all connections are replaced under those who check them out. */
import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import type { Pool } from '../../src/index.ts'
import { networks, poolsWith } from '../support/pools.ts'
import { sessions, watchSessions } from '../support/postgres.ts'
import { eventually } from './support.ts'

const network = networks()
const open = poolsWith({ max: 1 })
const WAITING = { timeout: 10_000, interval: 5 }

/** Nothing is held, and the next caller is served. */
async function expectWhole(pool: Pool): Promise<void> {
  await vi.waitFor(
    () =>
      expect(pool.stats()).toMatchObject({ leased: 0, shared: 0, checking: 0, cancelling: 0, waiting: 0 }),
    WAITING,
  )
  expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
}

/** Keeps the event loop busy, so that timers are late. */
function block(millis: number): void {
  const until = performance.now() + millis
  while (performance.now() < until);
}

/** Callers of both kinds, with a callback each where there is one, so that a second answer would show. */
function callers(pool: Pool, count: number, bounds: { signal?: AbortSignal; timeout?: number }): string[][] {
  const { signal, timeout: timeoutMillis } = bounds
  return Array.from({ length: count }, (_, n) => {
    const answers: string[] = []
    const told = (error: unknown) =>
      void answers.push((error as { code?: string } | undefined)?.code ?? 'served')
    if (n % 2 === 0)
      void pool.query({ text: 'SELECT $1::int', values: [n], ...bounds } as never, told as never)
    else void pool.lease({ signal, timeoutMillis }).then((lease) => told(lease.release()), told)
    return answers
  })
}

describe('a connection that comes back in the very turn in which', () => {
  test.each([
    ['its next caller aborts, before', (release: () => void, abort: () => void) => [release(), abort()]],
    ['its next caller aborts, after', (release: () => void, abort: () => void) => [abort(), release()]],
    [
      'its next caller aborts, a microtask later',
      (release: () => void, abort: () => void) => [release(), queueMicrotask(abort)],
    ],
  ])('%s', async (_, both) => {
    const pool = open()
    for (let round = 0; round < 20; round++) {
      const lease = await pool.lease()
      const controller = new AbortController()
      const given = callers(pool, 2, { signal: controller.signal })
      const stayed = callers(pool, 2, {})
      both(
        () => lease.release(),
        () => controller.abort(),
      )
      await vi.waitFor(() => expect([...given, ...stayed].flat()).toHaveLength(4), WAITING)
      expect(stayed).toEqual([['served'], ['served']])
      for (const [word] of given) expect(['served', 'SLUICE_ABORTED']).toContain(word)
      await expectWhole(pool)
      expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    }
    expect(pool.stats()).toMatchObject({ lost: 0, opened: 1, closed: {} })
  })

  test('the time of its next callers is over', async () => {
    const pool = open()
    for (let round = 0; round < 20; round++) {
      const lease = await pool.lease()
      const given = callers(pool, 6, { timeout: 5 + (round % 3) })
      const stayed = callers(pool, 2, {})
      // Their timer is due and has not fired yet.
      block(10)
      lease.release()
      await vi.waitFor(() => expect([...given, ...stayed].flat()).toHaveLength(8), WAITING)
      expect(stayed).toEqual([['served'], ['served']])
      for (const [word] of given)
        expect(['served', 'SLUICE_ACQUIRE_TIMEOUT', 'SLUICE_QUERY_TIMEOUT']).toContain(word)
      await expectWhole(pool)
    }
    expect(pool.stats()).toMatchObject({ lost: 0, leased: 0 })
  })
})

describe('clear() in the midst of checkouts', () => {
  test('costs nobody an answer, and the server never counts more than max', async () => {
    const name = 'sluice-clear-races'
    const max = 4
    const { connectionString } = await network(2)
    const pool = open({ connectionString, max, applicationName: name })
    const watch = await watchSessions(name)
    let clearing = true
    const outcomes: string[] = []
    const caller = async (n: number) => {
      for (let turn = 0; clearing; turn++) {
        const id = `${n}.${turn}`
        const word = await oneOf(pool, turn % 4, id)
        if (word !== id) outcomes.push(word)
      }
    }
    const calling = Array.from({ length: 12 }, (_, n) => caller(n))
    for (let round = 0; round < 60; round++) {
      await new Promise((resolve) => setTimeout(resolve, round % 12))
      pool.clear()
    }
    clearing = false
    await Promise.all(calling)
    expect(outcomes).toEqual([])
    await expectWhole(pool)
    expect(pool.stats()).toMatchObject({ generation: 60, lost: 0 })
    expect((await watch.stop()).max).toBeLessThanOrEqual(max)
    await pool.end()
    expect(await eventually(0, () => sessions(name))).toBe(0)
  }, 60_000)

  test('leaves what is lent alone, and lends none of it again', async () => {
    const pool = open({ max: 3 })
    const leases = await Promise.all([1, 2, 3].map(() => pool.lease()))
    const before = leases.map(({ processId }) => processId)
    const waiting = [1, 2, 3].map(() => pool.lease())
    pool.clear()
    for (const lease of leases) expect((await lease.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
    for (const lease of leases) lease.release()
    const after = await Promise.all(waiting)
    for (const lease of after) {
      expect(before).not.toContain(lease.processId)
      lease.release()
    }
  })
})

/** Uses the pool in one of four ways; returns the id that came back. */
async function oneOf(pool: Pool, kind: number, id: string): Promise<string> {
  const text = 'SELECT $1::text AS id'
  switch (kind) {
    case 0:
      return (await pool.query(text, [id])).rows[0]?.id
    case 1: {
      await using lease = await pool.lease()
      return (await lease.query<{ id: string }>(text, [id])).rows[0]?.id ?? 'nothing'
    }
    case 2: {
      await using client = await pool.connect()
      return (await client.query(text, [id])).rows[0]?.id
    }
    default:
      return pool.transaction(
        async (tx) => (await tx.query<{ id: string }>(text, [id])).rows[0]?.id ?? 'nothing',
      )
  }
}

describe('a lease that is given back', () => {
  test('twice while a clear, a cancel or the end of its pool is under way is refused the second time, and harms nobody', async () => {
    const pool = open({ max: 2 })
    const TWICE = 'Release called on client which has already been released to the pool.'
    const cleared = await pool.lease()
    pool.clear()
    cleared.release()
    expect(() => cleared.release()).toThrow(TWICE)

    const cancelled = await pool.lease()
    const abort = new AbortController()
    const told = cancelled.query('SELECT pg_sleep(60)', [], { signal: abort.signal }).catch(() => 'told')
    abort.abort()
    cancelled.release()
    expect(() => cancelled.release()).toThrow(TWICE)
    expect(await told).toBe('told')
    await expectWhole(pool)

    const kept = await pool.lease()
    await pool.end({ timeoutMillis: 0 })
    kept.release()
    expect(() => kept.release()).toThrow(TWICE)
  })

  test('with a statement under way that its next owner aborts does not hit the owner after that', async () => {
    const pool = open()
    for (let round = 0; round < 30; round++) {
      const first = await pool.lease()
      const abort = new AbortController()
      const told = first
        .query('SELECT pg_sleep(60)', [], { signal: abort.signal })
        .catch((error: { code: string }) => error.code)
      // A second statement and a second abort while the first one is being cancelled.
      const later = new AbortController()
      const behind = first
        .query('SELECT 2', [], { signal: later.signal })
        .catch((error: { code: string }) => error.code)
      setTimeout(() => abort.abort(), round % 4)
      expect(await told).toBe('SLUICE_ABORTED')
      later.abort()
      expect(await behind).toBe('SLUICE_ABORTED')
      first.release()
      expect((await pool.query('SELECT pg_sleep(0.001), $1::int AS n', [round])).rows[0]?.n).toBe(round)
    }
    expect(pool.stats()).toMatchObject({ opened: 1, closed: {} })
  })
})

test('who asks for a second connection of a pool of one while holding it is told so, and its first one goes on', async () => {
  const pool = open({ acquireTimeoutMillis: 2_000, leakDetectionMillis: 60_000 })
  const nested: unknown[] = []
  pool.on('nested', (report) => nested.push(report))
  const waits: string[] = []
  await pool.transaction(async (tx) => {
    const inner = await Promise.allSettled([
      pool.query('SELECT 1'),
      pool.connect(),
      pool.transaction((other) => other.query('SELECT 1')),
    ])
    for (const end of inner) waits.push(end.status === 'rejected' ? String(end.reason) : 'served')
    await tx.query('SELECT 1')
  })
  for (const wait of waits) {
    expect(wait).toContain('the caller waits for a second connection while it holds one')
    expect(wait).toContain('races.test.ts')
  }
  expect([waits.length, nested.length]).toEqual([3, 3])
  await expectWhole(pool)
})
