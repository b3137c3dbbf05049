import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import { connectionOf, settingsOf, statsOf } from '../../../test/support/pictures.ts'
import type { PoolStats } from '../../core/stats.ts'
import type { Source } from '../source.ts'
import type { LivePool } from './health.ts'
import { healthHandler } from './health.ts'

/** A pool whose server answers, and counts the questions. */
function poolOf(stats: Partial<PoolStats> = {}) {
  const asked: string[] = []
  const source: Source = {
    query: async (text) => {
      asked.push(text)
      return { rows: [{ sessions: 10, most: 100 }] }
    },
    stats: () => statsOf(stats),
    connections: () => [connectionOf()],
    settings: () => settingsOf(),
    statements: () => [],
  }
  return Object.assign(source, { asked })
}

const request = (method = 'GET') => new Request('http://localhost/health', { method })

describe('liveness', () => {
  const live = (stats: Partial<PoolStats>) => {
    const pool = poolOf(stats)
    const clock = new ManualClock()
    return { pool, answer: healthHandler(pool, { probe: 'liveness' }, { clock })(request()) }
  }

  test.each(['running', 'paused', 'draining', 'ending'] as const)(
    'of a pool that is %s is 200, and asks no database',
    async (state) => {
      const { pool, answer } = live({ state, leased: 10, waiting: 1_000, waitShare: 1 })
      const { status } = await answer
      expect([status, pool.asked]).toEqual([200, []])
    },
  )

  test('of a pool that has ended is 503: only a new process has another', async () => {
    const answer = await live({ state: 'ended' }).answer
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await answer.json()).toEqual({
      status: 'unhealthy',
      timestamp: '2023-11-14T22:13:20.000Z',
      checks: { default: { status: 'unhealthy', message: 'the pool is ended' } },
    })
  })

  test('of several pools is that of the worst', async () => {
    const pools = { web: poolOf(), jobs: poolOf({ state: 'ended' }) }
    const answer = await healthHandler(pools, { probe: 'liveness' })(request())
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({
      checks: { web: { status: 'healthy' }, jobs: { status: 'unhealthy' } },
    })
  })

  test('of what createPools() makes is that of its pools, although it has numbers of its own', async () => {
    const jobs = { state: 'running' as PoolStats['state'] }
    const pools = Object.assign(
      new Map<string, LivePool>([
        ['web', poolOf()],
        ['jobs', { stats: () => statsOf(jobs) }],
      ]),
      { stats: () => ({ total: 2 }) },
    )
    const handler = healthHandler(pools, { probe: 'liveness' })
    expect((await handler(request())).status).toBe(200)
    jobs.state = 'ended'
    const answer = await handler(request())
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({
      checks: { web: { status: 'healthy' }, jobs: { status: 'unhealthy', message: 'the pool is ended' } },
    })
  })
})

describe('readiness', () => {
  test.each([
    ['healthy', {}, 200],
    ['warning', { utilization: 85 }, 200],
    ['unhealthy', { waiting: 11 }, 503],
  ])('of a pool that is %s: %o is %i', async (status, stats, code) => {
    const clock = new ManualClock()
    const answer = await healthHandler(poolOf(stats), { probe: 'readiness' }, { clock })(request())
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([code, code === 503 ? '1' : null])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const body = (await answer.json()) as object
    expect(Object.keys(body)).toEqual(['status', 'timestamp', 'checks'])
    expect(body).toMatchObject({ status, checks: { database: { status: 'healthy' }, pool: { status } } })
  })

  test('of several pools has each by name, and the checks of the caller', async () => {
    const pools = new Map([['web', poolOf()] as const, ['jobs', poolOf({ utilization: 85 })] as const])
    const checks = { redis: () => Promise.reject(new Error('redis://:s3cr3t@cache is away')) }
    const answer = await healthHandler(pools, { probe: 'readiness', checks })(request())
    expect(answer.status).toBe(503)
    expect(await answer.json()).toEqual({
      status: 'unhealthy',
      timestamp: expect.any(String),
      checks: {
        redis: { status: 'unhealthy', message: 'redis://:***@cache is away', millis: expect.any(Number) },
      },
      pools: {
        web: { status: 'healthy', checks: expect.objectContaining({ database: expect.anything() }) },
        jobs: { status: 'warning', checks: expect.objectContaining({ pool: expect.anything() }) },
      },
    })
  })

  test('without detail is the status alone', async () => {
    const answer = await healthHandler(poolOf({ waiting: 11 }), { probe: 'readiness', detail: false })(
      request(),
    )
    expect([answer.status, await answer.text()]).toEqual([503, '{"status":"unhealthy"}'])
  })

  test('is found out once for all who ask at the same time, and anew for the next', async () => {
    const pool = poolOf()
    const handler = healthHandler(pool, { probe: 'readiness' })
    const ask = async () => (await handler(request())).status
    expect(await Promise.all(Array.from({ length: 50 }, ask))).toEqual(Array.from({ length: 50 }, () => 200))
    expect(pool.asked).toHaveLength(2)
    await ask()
    expect(pool.asked).toHaveLength(4)
  })

  test('of a server that is silent comes in time', async () => {
    const clock = new ManualClock()
    const pool = { ...poolOf(), query: () => new Promise<never>(() => undefined) }
    const asked = healthHandler(pool, { probe: 'readiness', timeoutMillis: 50 }, { clock })(request())
    await clock.advance(50)
    const answer = await asked
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ checks: { database: { message: 'no answer within 50 ms' } } })
  })
})

test('HEAD has the status and no body, and no other method is answered', async () => {
  const handler = healthHandler(poolOf({ waiting: 11 }), { probe: 'readiness' })
  const head = await handler(request('HEAD'))
  expect([head.status, head.headers.get('retry-after'), head.body]).toEqual([503, '1', null])
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const other = await handler(request(method))
    expect([other.status, other.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  }
})

test.each([
  ['no probe', {}, "healthHandler() takes a probe: 'liveness' or 'readiness'"],
  ['another probe', { probe: 'startup' }, "probe must be one of 'liveness', 'readiness'"],
  ['another option', { probe: 'readiness', details: true }, 'did you mean detail?'],
  ['no time', { probe: 'readiness', timeoutMillis: 0 }, 'timeoutMillis must be a number from 1'],
  ['a check of a taken name', { probe: 'readiness', checks: { pool: () => 1 } }, 'checks.pool has the name'],
  ['a detail that is no boolean', { probe: 'readiness', detail: 'no' }, 'detail must be true or false'],
  ['time for liveness', { probe: 'liveness', timeoutMillis: 5 }, 'timeoutMillis is for readiness'],
  ['checks for liveness', { probe: 'liveness', checks: {} }, 'checks is for readiness'],
])('%s is refused when the handler is made', (_, options, message) => {
  expect(() => healthHandler(poolOf(), options as { probe: 'readiness' })).toThrow(message)
})

test('what is no pool is refused when the handler is made', () => {
  const live = { stats: () => ({ state: 'running' as const }) }
  expect(healthHandler(live, { probe: 'liveness' })).toBeTypeOf('function')
  expect(() => healthHandler({ live } as never, { probe: 'readiness' })).toThrow('has no query()')
})
