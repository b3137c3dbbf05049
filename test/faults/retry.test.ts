/** Calls that are run again: through a restart of the server nobody sees, never twice what may have taken effect, and not without bound. */
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import type { Pool, PoolConfig } from '../../src/index.ts'
import { fakeServers, networks, poolsWith } from '../support/pools.ts'
import { withClient } from '../support/postgres.ts'

const network = networks()
const fake = fakeServers()
const open = poolsWith({ max: 5, acquireTimeoutMillis: 15_000 })

const RETRY = { attempts: 20, backoff: 50, maxBackoff: 400 }

async function behindProxy(config: PoolConfig) {
  const { proxy, connectionString } = await network()
  /** Ends what is open and refuses what is new, for a moment. */
  const restart = async (millis: number) => {
    await proxy.refuse(true)
    proxy.cut()
    await rest(millis)
    await proxy.refuse(false)
  }
  return { pool: open({ connectionString, ...config }), proxy, restart }
}

function rest(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis))
}

/** Callers who come all the time until they are stopped, and what they were told. */
function crowd(callers: number, ask: (n: number) => Promise<unknown>) {
  const errors: unknown[] = []
  const seen = { asked: 0, answers: 0 }
  let stopped = false
  const caller = async (): Promise<void> => {
    while (!stopped) {
      await ask(seen.asked++).then(
        () => {
          seen.answers += 1
        },
        (error: unknown) => errors.push(error),
      )
      await rest(2)
    }
  }
  const all = Promise.all(Array.from({ length: callers }, caller))
  return {
    /** Resolves when so many more were answered. */
    answered: (more: number) => {
      const enough = seen.answers + more
      return vi.waitFor(() => expect(seen.answers).toBeGreaterThan(enough), 10_000)
    },
    stop: async () => {
      stopped = true
      await all
      return { ...seen, errors }
    },
  }
}

async function withTable<R>(name: string, fn: () => Promise<R>): Promise<R> {
  await withClient(async (admin) => {
    await admin.query(`DROP TABLE IF EXISTS ${name}`)
    await admin.query(`CREATE TABLE ${name} (n int)`)
  })
  try {
    return await fn()
  } finally {
    await withClient((admin) => admin.query(`DROP TABLE ${name}`))
  }
}

describe('a restart of the server', () => {
  test.each([true, false])(
    'is seen by none of 50 callers whose calls are idempotent (pipelining %s)',
    async (pipelining) => {
      const { pool, restart } = await behindProxy({ retry: RETRY, pipelining })
      await pool.query('SELECT 1')
      const callers = crowd(50, (n) =>
        pool.query(n % 3 === 0 ? 'SELECT pg_sleep(0.01)' : 'SELECT $1::int', n % 3 === 0 ? [] : [n], {
          idempotent: true,
        }),
      )
      // The budget for retries goes by the calls.
      await callers.answered(1_000)
      await restart(400)
      await callers.answered(1_000)
      await restart(100)
      await callers.answered(100)
      const { errors } = await callers.stop()
      expect(errors).toEqual([])
      expect(pool.stats().retries).toBeGreaterThan(0)
    },
  )

  test('is seen by none of them beside a breaker, where retry.on has them wait for it', async () => {
    const { pool, restart } = await behindProxy({
      retry: {
        ...RETRY,
        on: (error) => !/^(22|23|42)/.test((error as { code?: string }).code ?? ''),
      },
      circuitBreaker: { openFailures: 2, cooldownMillis: 200, maxCooldownMillis: 200 },
    })
    await pool.query('SELECT 1')
    const callers = crowd(20, (n) => pool.query('SELECT $1::int', [n], { idempotent: true }))
    await callers.answered(2_000)
    await restart(600)
    await callers.answered(100)
    expect((await callers.stop()).errors).toEqual([])
    expect(pool.stats().breaker?.openedTimes).toBeGreaterThan(0)
  })

  test.each([true, false])('never makes a write run twice that is not idempotent (lane %s)', async (lane) => {
    await withTable('retry_writes', async () => {
      const { pool, proxy } = await behindProxy({ retry: RETRY })
      const ask = (n: number) => pool.query('INSERT INTO retry_writes VALUES ($1)', [n], { lane })
      await ask(-1)
      const callers = crowd(20, ask)
      for (let cuts = 0; cuts < 6; cuts++) {
        await callers.answered(100)
        proxy.cut()
      }
      const { answers, asked: count, errors } = await callers.stop()
      const { rows } = await withClient((admin) =>
        admin.query<{ rows: number; numbers: number }>(
          'SELECT count(*)::int AS rows, count(DISTINCT n)::int AS numbers FROM retry_writes WHERE n >= 0',
        ),
      )
      const [written] = rows
      expect(written?.rows).toBe(written?.numbers)
      expect(answers + errors.length).toBe(count)
      expect(written?.rows).toBeGreaterThanOrEqual(answers)
      expect(written?.rows).toBeLessThanOrEqual(count)
    })
  })

  test('never makes a batch run twice', async () => {
    await withTable('retry_batches', async () => {
      const { pool, proxy } = await behindProxy({ retry: RETRY })
      const callers = crowd(10, (n) =>
        pool.batch([
          { text: 'INSERT INTO retry_batches VALUES ($1)', values: [n] },
          'SELECT pg_sleep(0.005)',
        ]),
      )
      for (let cuts = 0; cuts < 5; cuts++) {
        await callers.answered(50)
        proxy.cut()
      }
      await callers.stop()
      const { rows } = await withClient((admin) =>
        admin.query('SELECT n FROM retry_batches GROUP BY n HAVING count(*) > 1'),
      )
      expect(rows).toEqual([])
    })
  })
})

describe('without any option', () => {
  test('what waits for a connection is carried on one that lives', async () => {
    const { pool, restart } = await behindProxy({ max: 2, pipelining: false })
    await pool.query('SELECT 1')
    const held = await Promise.all([pool.lease(), pool.lease()])
    const waiting = Array.from({ length: 20 }, (_, n) =>
      pool.query<{ n: number }>('SELECT $1::int AS n', [n]),
    )
    await restart(300)
    for (const lease of held) lease.release()
    expect((await Promise.all(waiting)).map(({ rows }) => rows[0]?.n)).toEqual(waiting.map((_, n) => n))
  })

  test('what asks just after idle connections were lost is carried on new ones', async () => {
    const { pool, proxy } = await behindProxy({ max: 3 })
    const leases = await Promise.all([pool.lease(), pool.lease(), pool.lease()])
    for (const lease of leases) lease.release()
    proxy.cut()
    await vi.waitFor(() => expect(pool.stats().idle).toBe(0), 5_000)
    await Promise.all(Array.from({ length: 20 }, () => pool.query('SELECT 1')))
  })

  test('what was not sent in this turn leaves a connection that dies in it', async () => {
    const { pool } = await behindProxy({ max: 1 })
    await pool.query('SELECT 1')
    const client = (pool as unknown as { _clients: { connection: { stream: NodeJS.EventEmitter } }[] })
      ._clients[0]
    const asked = Array.from({ length: 10 }, () => pool.query('SELECT 1'))
    client?.connection.stream.emit(
      'error',
      Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' }),
    )
    const answers = await Promise.allSettled(asked)
    expect(
      answers.map((answer) => (answer.status === 'rejected' ? String(answer.reason) : 'served')),
    ).toEqual(asked.map(() => 'served'))
  })

  test('a statement is not sent on connections that die as they are lent, and does not try for ever', async () => {
    const pool: Pool = open({ max: 2, acquireTimeoutMillis: 500 })
    let lent = 0
    pool.on('acquire', (client) => {
      lent += 1
      void client.end()
    })
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: expect.stringMatching(/^SLUICE_/) })
    expect(lent).toBeGreaterThan(1)
    const before = lent
    await rest(200)
    expect(lent).toBe(before)
  })

  test('a connection that died on its way does not cost the call its time for the statement', async () => {
    const pool: Pool = open({ max: 1, queryTimeout: 400 })
    let lent = 0
    pool.on('acquire', (client) => {
      lent += 1
      if (lent === 1) void client.end()
    })
    await pool.query('SELECT pg_sleep(0.1)', [], { timeout: 15_000 })
    expect(lent).toBe(2)
  })
})

describe('a storm', () => {
  test('is not multiplied: retries are a fifth of the calls, and a few', async () => {
    const server = await fake({ at: 'statement', fault: { error: '40001' } })
    const pool = open({ connectionString: server.url, retry: { attempts: 10, backoff: 1 } })
    const asked = Array.from({ length: 500 }, () => pool.query('SELECT 1'))
    const codes = (await Promise.allSettled(asked)).map(
      (one) => one.status === 'rejected' && (one.reason as { code: string }).code,
    )
    expect(codes.every((code) => code === '40001')).toBe(true)
    // More than one window of the budget may have gone by.
    expect(pool.stats().retries).toBeLessThanOrEqual(300)
    expect(pool.stats().retries).toBeGreaterThan(0)
  })

  test('that is over before the attempts are is not told', async () => {
    const server = await fake({ at: 'statement', fault: { error: '40001' } })
    const pool = open({
      connectionString: server.url,
      retry: { attempts: 100, backoff: 100, maxBackoff: 100, jitter: 'none' },
    })
    const asked = pool.query('SELECT 1')
    await vi.waitFor(() => expect(pool.stats().retries).toBeGreaterThan(1), 5_000)
    server.always([])
    await asked
  })
})

test('a query object is sent once, whatever is said of it: it has told its own callback', async () => {
  const server = await fake({ at: 'statement', fault: { error: '40001' } })
  const pool = open({ connectionString: server.url, retry: { backoff: 1 } })
  const told: unknown[] = []
  const query = new pg.Query('SELECT 1', [], (error: unknown) => told.push(error))
  const ask = pool.query as (...given: unknown[]) => Promise<unknown>
  await expect(ask.call(pool, query, undefined, { idempotent: true })).rejects.toMatchObject({
    code: '40001',
  })
  await rest(50)
  expect(told).toEqual([expect.objectContaining({ code: '40001' })])
  expect([server.statements.length, pool.stats().retries]).toEqual([1, 0])
})

describe('a call between two attempts', () => {
  test('ends with the pool, which does not wait for the pause', async () => {
    const server = await fake({ at: 'statement', fault: { error: '40001' } })
    const pool = open({
      connectionString: server.url,
      retry: { backoff: 60_000, maxBackoff: 60_000, jitter: 'none' },
    })
    const asked = pool.query('SELECT 1')
    asked.catch(() => undefined)
    await vi.waitFor(() => expect(pool.stats()).toMatchObject({ acquired: 1, leased: 0, shared: 0 }), 5_000)
    await rest(20)
    await pool.end()
    await expect(asked).rejects.toMatchObject({ code: 'SLUICE_POOL_ENDED' })
  })

  test('is told the time that it asked for, when that ends in a later attempt', async () => {
    const server = await fake({ at: 'statement', fault: { error: '40001' } })
    const retry = { attempts: 100, backoff: 100, maxBackoff: 100, jitter: 'none' } as const
    const quick = { cancelTimeoutMillis: 100, closeTimeoutMillis: 100 }
    const pool = open({ connectionString: server.url, retry, ...quick })
    const asked = pool.query('SELECT 1', [], { timeout: 3_000 })
    asked.catch(() => undefined)
    await vi.waitFor(() => expect(pool.stats().retries).toBeGreaterThan(0), 2_500)
    server.always({ at: 'statement', fault: 'stall' })
    await expect(asked).rejects.toMatchObject({
      code: 'SLUICE_QUERY_TIMEOUT',
      message: expect.stringContaining('no answer within 3,000 ms'),
    })
  })

  test('ends when its caller gives up', async () => {
    const server = await fake({ at: 'statement', fault: { error: '40001' } })
    const pool = open({
      connectionString: server.url,
      retry: { backoff: 60_000, maxBackoff: 60_000, jitter: 'none' },
    })
    const controller = new AbortController()
    const asked = pool.query('SELECT 1', [], { signal: controller.signal })
    asked.catch(() => undefined)
    await vi.waitFor(() => expect(pool.stats().acquired).toBe(1), 5_000)
    await rest(100)
    controller.abort()
    await expect(asked).rejects.toMatchObject({ code: 'SLUICE_ABORTED' })
  })
})
