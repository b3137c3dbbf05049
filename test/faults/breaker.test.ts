/** The circuit breaker: what opens it, what it refuses, and how it closes again. */
import { describe, expect, test, vi } from 'vitest'
import type { BreakerState, PoolConfig } from '../../src/index.ts'
import { networks, poolsWith } from '../support/pools.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'
import type { TcpProxy } from '../support/proxy.ts'

const network = networks()
const open = poolsWith({ max: 3, acquireTimeoutMillis: 15_000 })

/** One that opens soon, and stays open until the test is over. */
const PATIENT = { openFailures: 3, minimumCalls: 10, cooldownMillis: 60_000 }
/** One that soon tries again. */
const BRISK = { ...PATIENT, cooldownMillis: 300, maxCooldownMillis: 300 }

interface Change {
  readonly state: BreakerState
  readonly reason: string
}

async function behindProxy(config: PoolConfig) {
  const { proxy, connectionString } = await network()
  const pool = open({ connectionString, ...config })
  const changes: Change[] = []
  pool.on('breaker', (change: Change) => changes.push(change))
  return { changes, pool, proxy, states: () => changes.map(({ state }) => state) }
}

/** Ends what is open, and refuses what is new. */
async function takeDown(proxy: TcpProxy): Promise<void> {
  await proxy.refuse(true)
  proxy.cut()
}

function rest(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis))
}

type Bench = Awaited<ReturnType<typeof behindProxy>>

/** The server goes away, and a few callers find out. */
async function breakIt({ pool, proxy }: Bench): Promise<void> {
  await pool.query('SELECT 1')
  await takeDown(proxy)
  const patience = { timeout: 10_000, interval: 50 }
  await vi.waitFor(() => {
    pool.query('SELECT 1', [], { timeout: 1_000 }).catch(() => undefined)
    expect(pool.stats().breaker?.state).toBe('open')
  }, patience)
}

describe('a breaker opens', () => {
  test('when opens fail in a row, and says so', async () => {
    const bench = await behindProxy({ circuitBreaker: PATIENT })
    const { changes, pool } = bench
    await pool.query('SELECT 1')
    expect(pool.stats().breaker).toMatchObject({ state: 'closed', openedTimes: 0, retryAfterMillis: 0 })
    await breakIt(bench)
    expect(changes).toEqual([{ state: 'open', reason: '3 opens in a row failed' }])
    const { openedTimes, retryAfterMillis, state } = pool.stats().breaker ?? {}
    expect([state, openedTimes]).toEqual(['open', 1])
    expect(retryAfterMillis).toBeGreaterThan(20_000)
  })

  test('when most calls fail that the server took', async () => {
    const { changes, pool, proxy } = await behindProxy({
      circuitBreaker: { ...PATIENT, openFailures: 10_000 },
      max: 10,
      pipelining: false,
    })
    for (let round = 0; round < 5 && changes.length === 0; round++) {
      const asked = Array.from({ length: 10 }, () => pool.query('SELECT pg_sleep(5)'))
      for (const one of asked) one.catch(() => undefined)
      await vi.waitFor(() => expect(pool.stats().leased).toBe(10), 10_000)
      await rest(50)
      proxy.cut()
      await Promise.allSettled(asked)
    }
    expect(changes).toEqual([
      { state: 'open', reason: expect.stringMatching(/^\d+ of \d+ calls in the last 10,000 ms failed$/) },
    ])
  })

  test('when calls are not answered in time, and closes when the server is heard again', async () => {
    const { pool, proxy, states } = await behindProxy({
      circuitBreaker: { ...BRISK, openFailures: 10_000 },
      max: 2,
      cancelTimeoutMillis: 100,
      closeTimeoutMillis: 100,
      connectionTimeoutMillis: 1_000,
    })
    await pool.query('SELECT 1')
    proxy.blackhole()
    const patience = { timeout: 10_000, interval: 20 }
    await vi.waitFor(() => {
      pool.query('SELECT 1', [], { timeout: 100 }).catch(() => undefined)
      expect(states()).toContain('open')
    }, patience)
    proxy.heal()
    await vi.waitFor(() => pool.query('SELECT 1', [], { timeout: 2_000 }), patience)
    expect(pool.stats().breaker?.state).toBe('closed')
  })

  test('when something on the way takes connections and drops them, and closes when it leads to the server again', async () => {
    const bench = await behindProxy({ circuitBreaker: BRISK })
    const { pool, proxy } = bench
    const { hostname: host, port } = new URL(databaseUrl())
    await pool.query('SELECT 1')
    proxy.setTarget({ host: '127.0.0.1', port: 1 })
    proxy.cut()
    const patience = { timeout: 10_000, interval: 50 }
    await vi.waitFor(() => {
      pool.query('SELECT 1', [], { timeout: 1_000 }).catch(() => undefined)
      expect(pool.stats().breaker?.state).toBe('open')
    }, patience)
    proxy.setTarget({ host, port: Number(port || 5432) })
    await vi.waitFor(() => pool.query('SELECT 1', [], { timeout: 5_000 }), patience)
    expect(pool.stats().breaker?.state).toBe('closed')
  })

  test('never for SQL errors, aborts and a full queue', async () => {
    const { pool, states } = await behindProxy({ circuitBreaker: PATIENT, max: 1, queueLimit: 2 })
    for (let n = 0; n < 30; n++)
      await expect(pool.query('SELECT nothing')).rejects.toMatchObject({ code: '42703' })
    const controller = new AbortController()
    const lease = await pool.lease()
    const waiting = Array.from({ length: 60 }, () =>
      pool.query('SELECT 1', [], { signal: controller.signal }).catch(({ code }: { code: string }) => code),
    )
    controller.abort()
    const codes = new Set(await Promise.all(waiting))
    expect(codes).toEqual(new Set(['SLUICE_ABORTED', 'SLUICE_QUEUE_FULL']))
    const late = Array.from({ length: 30 }, () =>
      pool.lease({ timeoutMillis: 1 }).catch(({ code }: { code: string }) => code),
    )
    expect([...new Set(await Promise.all(late))]).not.toContain('SLUICE_BREAKER_OPEN')
    lease.release()
    await pool.query('SELECT 1')
    expect(states()).toEqual([])
  })

  test('never because one connection was ended, however many statements it carried', async () => {
    const { pool, states } = await behindProxy({ circuitBreaker: PATIENT, max: 1, pipelining: true })
    const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const many = Array.from({ length: 40 }, () => pool.query('SELECT pg_sleep(0.2)', [], { class: 'simple' }))
    const ended = Promise.allSettled(many)
    await vi.waitFor(() => expect(pool.stats().shared).toBe(1))
    await withClient((admin) => admin.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]))
    const failed = (await ended).filter(({ status }) => status === 'rejected')
    expect(failed.length).toBeGreaterThan(10)
    await pool.query('SELECT 1')
    expect(states()).toEqual([])
  })

  test('never because the server has no more places: it serves the connections that it has given', async () => {
    const role = 'sluice_breaker'
    await withClient(async (admin) => {
      await admin.query(`DROP ROLE IF EXISTS ${role}`)
      await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'few' CONNECTION LIMIT 2`)
    })
    const url = Object.assign(new URL(databaseUrl()), { username: role, password: 'few' })
    const pool = open({ connectionString: url.href, max: 10, circuitBreaker: PATIENT, pipelining: false })
    const asked = Array.from({ length: 200 }, () => pool.query('SELECT pg_sleep(0.02)'))
    await Promise.all(asked)
    expect(pool.stats().openFailures).toBeGreaterThan(2)
    expect(pool.stats().breaker).toMatchObject({ openedTimes: 0 })
    await pool.end()
    await withClient((admin) => admin.query(`DROP ROLE ${role}`))
  })
})

describe('an open breaker', () => {
  test('refuses every kind of call alike, and lets nothing reach the network', async () => {
    const bench = await behindProxy({ circuitBreaker: PATIENT })
    const { pool, proxy } = bench
    await breakIt(bench)
    await vi.waitFor(() => expect(pool.stats().waiting).toBe(0), 10_000)
    const accepted = proxy.accepted
    await proxy.refuse(false)
    const refused = expect.objectContaining({
      code: 'SLUICE_BREAKER_OPEN',
      phase: 'queue',
      outcome: 'not-sent',
      retryAfterMillis: expect.any(Number),
      numbers: expect.objectContaining({ max: 3 }),
      lastOpenFailure: expect.objectContaining({ code: 'ECONNREFUSED' }),
    })
    const asked = await Promise.allSettled([
      pool.query('SELECT 1'),
      pool.query({ text: 'SELECT $1::int', values: [1] }),
      pool.query('SELECT 1', [], { class: 'analytical' }),
      pool.query('BEGIN'),
      pool.connect(),
      pool.lease(),
      pool.transaction((tx) => tx.query('SELECT 1'), { retries: 3 }),
      pool.batch(['SELECT 1']),
      pool.parallel(['SELECT 1', 'SELECT 2']),
    ])
    expect(asked.map((one) => one.status === 'rejected' && one.reason)).toEqual(asked.map(() => refused))
    expect(proxy.accepted).toBe(accepted)
  })

  test('tells callbacks after their call has returned, and lets no listener come in between', async () => {
    const bench = await behindProxy({ circuitBreaker: PATIENT })
    const { pool } = bench
    await breakIt(bench)
    const said: string[] = []
    const told = (form: string) => (error?: Error) =>
      said.push(`${form} ${(error as { code?: string }).code}`)
    pool.query('SELECT 1', told('text'))
    pool.query('SELECT $1::int', [1], told('values'))
    pool.query({ text: 'SELECT 1' }, told('config'))
    pool.connect(told('connect'))
    said.push('returned')
    await new Promise((resolve) => setImmediate(resolve))
    const forms = ['text', 'values', 'config', 'connect']
    expect(said).toEqual(['returned', ...forms.map((form) => `${form} SLUICE_BREAKER_OPEN`)])
  })

  test('refuses within a millisecond', async () => {
    const bench = await behindProxy({ circuitBreaker: PATIENT })
    const { pool } = bench
    await breakIt(bench)
    const times: number[] = []
    for (let n = 0; n < 500; n++) {
      const from = performance.now()
      await pool.query('SELECT 1').catch(() => times.push(performance.now() - from))
    }
    expect(times.length).toBe(500)
    expect(times.toSorted((a, b) => a - b)[250]).toBeLessThan(5)
  })

  test('harms nobody who was there before: who waits is served when the server is back', async () => {
    const bench = await behindProxy({ circuitBreaker: PATIENT })
    const { pool, proxy } = bench
    await pool.query('SELECT 1')
    await takeDown(proxy)
    await vi.waitFor(() => expect(pool.stats().total).toBe(0), 5_000)
    const before = Array.from({ length: 5 }, () => pool.query('SELECT 1'))
    await vi.waitFor(() => expect(pool.stats().breaker?.state).toBe('open'), 10_000)
    await proxy.refuse(false)
    expect((await Promise.all(before)).map(({ rowCount }) => rowCount)).toEqual([1, 1, 1, 1, 1])
  })

  test('does not keep a pool from saying that it has ended', async () => {
    const bench = await behindProxy({ circuitBreaker: PATIENT })
    await breakIt(bench)
    await bench.pool.end()
    await expect(bench.pool.query('SELECT 1')).rejects.toMatchObject({ code: 'SLUICE_POOL_ENDED' })
    await expect(bench.pool.connect()).rejects.toMatchObject({ code: 'SLUICE_POOL_ENDED' })
  })

  test('leaves listen() alone, which comes back by itself', async () => {
    const bench = await behindProxy({ circuitBreaker: PATIENT })
    const { pool, proxy } = bench
    const heard: string[] = []
    const stop = await pool.listen('breaker_news', (payload) => heard.push(String(payload)))
    await breakIt(bench)
    await proxy.refuse(false)
    await vi.waitFor(
      async () => {
        await withClient((admin) => admin.query(`NOTIFY breaker_news, 'hello'`))
        expect(heard).toContain('hello')
      },
      { timeout: 15_000, interval: 200 },
    )
    await stop()
  })
})

describe('after its cooldown, a breaker', () => {
  test('lets one call go to see, and closes within about a cooldown once the server is back', async () => {
    const bench = await behindProxy({ circuitBreaker: BRISK })
    const { pool, proxy, states } = bench
    await breakIt(bench)
    await proxy.refuse(false)
    const from = performance.now()
    await vi.waitFor(() => pool.query('SELECT 1'), { timeout: 10_000, interval: 10 })
    expect(performance.now() - from).toBeLessThan(3_000)
    await vi.waitFor(() => expect(pool.stats().breaker?.state).toBe('closed'), 5_000)
    expect(states().slice(-2)).toEqual(['half-open', 'closed'])
    await Promise.all(Array.from({ length: 20 }, () => pool.query('SELECT 1')))
  })

  test('lets no second one go while the first is under way', async () => {
    const bench = await behindProxy({ circuitBreaker: BRISK })
    const { pool, proxy } = bench
    await breakIt(bench)
    await vi.waitFor(() => expect(pool.stats().waiting).toBe(0), 10_000)
    await proxy.refuse(false)
    const sleep = () => pool.query('SELECT pg_sleep(0.5)').catch(({ code }: { code: string }) => code)
    await vi.waitFor(() => expect(pool.stats().breaker?.retryAfterMillis).toBe(0), {
      timeout: 5_000,
      interval: 5,
    })
    const answers = await Promise.all(Array.from({ length: 10 }, sleep))
    const refused = answers.filter((answer) => answer === 'SLUICE_BREAKER_OPEN')
    expect(refused.length).toBe(9)
  })

  test('opens again when the call that went to see fails', async () => {
    const bench = await behindProxy({ circuitBreaker: BRISK })
    const { pool } = bench
    await breakIt(bench)
    const patience = { timeout: 10_000, interval: 20 }
    await vi.waitFor(async () => {
      await pool.query('SELECT 1', [], { timeout: 500 }).catch(() => undefined)
      expect(pool.stats().breaker?.openedTimes).toBeGreaterThan(1)
    }, patience)
  })

  test('takes a lease with options that cannot be for no call at all', async () => {
    const bench = await behindProxy({ circuitBreaker: BRISK })
    const { pool, proxy } = bench
    await breakIt(bench)
    await proxy.refuse(false)
    await vi.waitFor(() => expect(pool.stats().breaker?.retryAfterMillis).toBe(0), {
      timeout: 5_000,
      interval: 5,
    })
    await expect(pool.lease({ priority: 99 })).rejects.toMatchObject({ code: 'SLUICE_BAD_OPTION' })
    await vi.waitFor(() => pool.query('SELECT 1'), { timeout: 3_000, interval: 10 })
  })
})

describe('a listener', () => {
  test('that throws, or asks for something, harms neither the breaker nor the callers', async () => {
    const { proxy, connectionString } = await network()
    const pool = open({ connectionString, circuitBreaker: BRISK })
    const thrown: unknown[] = []
    const caught = (error: unknown) => thrown.push(error)
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException').on('uncaughtException', caught)
    try {
      const asked: Promise<unknown>[] = []
      pool.on('breaker', () => {
        asked.push(pool.query('SELECT 1', [], { timeout: 5_000 }).catch(() => undefined))
        throw new Error('listener')
      })
      await breakIt({ pool, proxy } as Bench)
      await proxy.refuse(false)
      await vi.waitFor(() => pool.query('SELECT 1'), { timeout: 10_000, interval: 10 })
      await Promise.all(asked)
    } finally {
      process.removeListener('uncaughtException', caught)
      for (const other of others) process.on('uncaughtException', other)
    }
    expect(new Set(thrown.map((error) => (error as Error).message))).toEqual(new Set(['listener']))
  })
})

describe('with a cache', () => {
  const asking = { cache: { ttl: 1, staleIfError: 60_000 }, timeout: 8_000 } as const

  test('a stale answer is served, and marked, while the breaker is open', async () => {
    const bench = await behindProxy({ circuitBreaker: PATIENT })
    const { pool } = bench
    const first = await pool.query('SELECT 42 AS n', [], asking)
    await breakIt(bench)
    const refusals = pool.stats().breaker
    const from = performance.now()
    const stale = await pool.query('SELECT 42 AS n', [], asking)
    expect(performance.now() - from).toBeLessThan(1_000)
    expect([first.cached, stale.cached, stale.rows]).toEqual([undefined, 'stale', [{ n: 42 }]])
    expect(stale.ageMillis).toBeGreaterThan(0)
    expect([pool.stats().cache.staleHits, refusals?.state]).toEqual([1, 'open'])
    await expect(pool.query('SELECT 43 AS n', [], asking)).rejects.toMatchObject({
      code: 'SLUICE_BREAKER_OPEN',
    })
  })

  test('a stale answer is served, and marked, while the server is down', async () => {
    const { pool, proxy } = await behindProxy({ acquireTimeoutMillis: 1_000 })
    await pool.query('SELECT 42 AS n', [], asking)
    await rest(10)
    await takeDown(proxy)
    const stale = await pool.query('SELECT 42 AS n', [], asking)
    expect([stale.cached, stale.rows]).toEqual(['stale', [{ n: 42 }]])
    await proxy.refuse(false)
    await vi.waitFor(
      async () => expect((await pool.query('SELECT 42 AS n', [], asking)).cached).toBeUndefined(),
      {
        timeout: 10_000,
        interval: 20,
      },
    )
  })

  test('with retry, the run is tried again for all who wait for it, once for all of them', async () => {
    const { pool, proxy } = await behindProxy({
      retry: { attempts: 10, backoff: 50, jitter: 'none' },
      pipelining: false,
    })
    await pool.query('SELECT 1')
    await takeDown(proxy)
    const sharing = { cache: { ttl: 60_000 }, idempotent: true, timeout: 15_000 }
    const asked = Array.from({ length: 20 }, () => pool.query('SELECT 44 AS n', [], sharing))
    await rest(300)
    await proxy.refuse(false)
    const answers = await Promise.all(asked)
    expect(answers.map(({ rows }) => rows)).toEqual(answers.map(() => [{ n: 44 }]))
    expect(pool.stats().cache).toMatchObject({ misses: 1, joined: 19 })
    expect(pool.stats().retries).toBeLessThan(10)
  })

  test('a fresh answer asks neither the breaker nor the server', async () => {
    const bench = await behindProxy({ circuitBreaker: PATIENT })
    const { pool } = bench
    const lasting = { cache: { ttl: 60_000 } }
    await pool.query('SELECT 45 AS n', [], lasting)
    const before = pool.stats().breaker?.calls
    await pool.query('SELECT 45 AS n', [], lasting)
    expect(pool.stats().breaker?.calls).toBe(before)
    await breakIt(bench)
    expect(await pool.query('SELECT 45 AS n', [], lasting)).toMatchObject({
      cached: 'fresh',
      rows: [{ n: 45 }],
    })
  })
})
