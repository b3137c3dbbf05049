import { describe, expect, test } from 'vitest'
import { ManualClock, settle } from '../../test/support/manual-clock.ts'
import { connectionOf, settingsOf, statsOf, times } from '../../test/support/pictures.ts'
import { SluiceError } from '../base/errors.ts'
import type { PoolStats } from '../core/stats.ts'
import type { HealthOptions } from './health.ts'
import { health } from './health.ts'
import type { Row, Source } from './source.ts'

type Answer = (text: string, signal: AbortSignal) => PromiseLike<Row[]> | Row[]

const well: Answer = (text) => (text === 'SELECT 1' ? [{}] : [{ sessions: 10, most: 100 }])

/** A pool that answers by hand. */
function poolOf(stats: Partial<PoolStats> = {}, answer: Answer = well) {
  const now = { ...stats }
  const source: Source = {
    query: async (text, _, { signal }) => ({ rows: await answer(text, signal) }),
    stats: () => statsOf(now),
    connections: () => [connectionOf()],
    settings: () => settingsOf(),
    statements: () => [],
  }
  return Object.assign(source, { now })
}

/** An answer that never comes; the signals tell whether it is still asked for. */
function silent() {
  const signals: AbortSignal[] = []
  const answer: Answer = (_, signal) => {
    signals.push(signal)
    return new Promise(() => undefined)
  }
  return { answer, signals }
}

const ask = (pool: Source, options?: HealthOptions, clock = new ManualClock()) =>
  health(pool, options, { clock })

function queued(code: 'SLUICE_ACQUIRE_TIMEOUT' | 'SLUICE_OPEN_FAILED', phase: 'queue' | 'open'): Answer {
  return () => Promise.reject(new SluiceError(code, 'no connection', { phase }))
}

test('a healthy pool has three healthy checks, its stats and a timestamp', async () => {
  const clock = new ManualClock()
  const report = await ask(poolOf({ idle: 10, total: 10 }), {}, clock)
  expect(report).toMatchObject({
    status: 'healthy',
    timestamp: '2023-11-14T22:13:20.000Z',
    stats: { max: 10, idle: 10 },
    warnings: [],
    recommendations: [],
    checks: {
      database: { status: 'healthy', message: 'answers SELECT 1', millis: 0 },
      pool: { status: 'healthy', message: '0 % of 10 slots are in use' },
      sessions: { status: 'healthy', message: "10 of the server's 100 sessions are taken" },
    },
  })
})

describe('the pool check', () => {
  test.each([
    ['a full but idle pool', { idle: 10, total: 10 }, 'healthy'],
    ['below 80 %', { utilization: 79 }, 'healthy'],
    ['80 %', { utilization: 80 }, 'warning'],
    ['saturated', { waiting: 1, utilization: 100 }, 'warning'],
    ['saturated with 10 waiting', { waiting: 10, utilization: 100 }, 'warning'],
    ['exhausted with 11 waiting', { waiting: 11, utilization: 100 }, 'unhealthy'],
    ['exhausted with half a deadline over', { waiting: 1, waitShare: 0.6 }, 'unhealthy'],
    ['paused', { state: 'paused' }, 'warning'],
    ['draining', { state: 'draining' }, 'unhealthy'],
    ['ended', { state: 'ended' }, 'unhealthy'],
  ] as const)('%s: %o is %s', async (_, stats, status) => {
    const report = await ask(poolOf(stats))
    expect([report.checks.pool?.status, report.status]).toEqual([status, status])
    expect(report.warnings.length).toBe(status === 'healthy' ? 0 : 1)
  })

  test('tells a pool without connections from one that needs none', async () => {
    const lastOpenFailure = { message: 'refused', code: 'ECONNREFUSED', ageMillis: 1_200 }
    const away = await ask(poolOf({ lastOpenFailure }))
    expect(away.checks.pool).toMatchObject({
      status: 'warning',
      message: 'the pool has no connection; the last open failed 1,200 ms ago: refused',
    })
    const back = await ask(poolOf({ lastOpenFailure, idle: 1, total: 1 }))
    expect(back.checks.pool?.status).toBe('healthy')
    expect((await ask(poolOf())).checks.pool?.status).toBe('healthy')
  })

  test('goes by the numbers after the question', async () => {
    const pool = poolOf({}, (text) => {
      Object.assign(pool.now, { utilization: 85 })
      return well(text, AbortSignal.abort())
    })
    const report = await ask(pool)
    expect([report.checks.pool?.status, report.stats.utilization]).toEqual(['warning', 85])
  })

  test('says the numbers of an exhausted pool', async () => {
    const report = await ask(poolOf({ waiting: 12, leased: 10, total: 10, oldestWaitMillis: 16_000 }))
    expect(report.warnings).toEqual([
      'pool: the pool is exhausted: 10 of 10 slots leased, 12 waiting, the longest wait 16,000 ms',
    ])
    expect(report.recommendations.map(({ code }) => code)).toContain('exhausted')
  })
})

describe('the session check', () => {
  test.each([
    [79, 'healthy'],
    [80, 'warning'],
  ] as const)('below 80 %% of the server’s limit: %d of 100 is %s', async (sessions, status) => {
    const report = await ask(poolOf({}, (text) => (text === 'SELECT 1' ? [{}] : [{ sessions, most: 100 }])))
    expect([report.checks.sessions?.status, report.status]).toEqual([status, status])
  })

  test('that cannot be made is a warning', async () => {
    const answer: Answer = (text) =>
      text === 'SELECT 1' ? [{}] : Promise.reject(new Error('permission denied'))
    expect((await ask(poolOf({}, answer))).warnings).toEqual([
      'sessions: could not be counted: permission denied',
    ])
  })
})

describe('the database check', () => {
  test('that fails makes the pool unhealthy, and never rejects', async () => {
    const report = await ask(poolOf({}, () => Promise.reject(new Error('server closed the connection'))))
    expect(report.status).toBe('unhealthy')
    expect(report.warnings).toEqual([
      'database: server closed the connection',
      'sessions: not counted: the database has not answered',
    ])
  })

  test('shows no password that stands in an error', async () => {
    const error = new Error('no route to postgres://app:hunter2@db/app')
    const report = await ask(poolOf({}, () => Promise.reject(error)))
    expect(JSON.stringify(report)).not.toContain('hunter2')
  })

  test('learns nothing about the database where the pool has no connection for it', async () => {
    const full = await ask(poolOf({}, queued('SLUICE_ACQUIRE_TIMEOUT', 'queue')))
    const away = await ask(poolOf({}, queued('SLUICE_OPEN_FAILED', 'open')))
    expect([full.checks.database?.status, away.checks.database?.status]).toEqual(['warning', 'unhealthy'])
    expect(full.checks.database?.message).toBe('could not be asked: no connection')
  })

  test('takes 800 ms at most and gives its statement up, whatever the pool does', async () => {
    const clock = new ManualClock()
    const { answer, signals } = silent()
    const asked = ask(poolOf({}, answer), {}, clock)
    let over = false
    void asked.then(() => {
      over = true
    })
    await clock.advance(799)
    expect([over, signals[0]?.aborted]).toEqual([false, false])
    await clock.advance(1)
    const report = await asked
    expect([report.status, report.checks.database?.millis]).toEqual(['unhealthy', 800])
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  test('and the session check have one time together', async () => {
    const clock = new ManualClock()
    const { answer, signals } = silent()
    const slowly: Answer = async (text, signal) => {
      if (text !== 'SELECT 1') return answer(text, signal)
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, 60))
      return [{}]
    }
    const asked = ask(poolOf({}, slowly), { timeoutMillis: 100 }, clock)
    await clock.advance(100)
    const report = await asked
    expect([report.status, report.checks.database?.millis, report.checks.sessions?.millis]).toEqual([
      'warning',
      60,
      40,
    ])
    expect(signals[0]?.aborted).toBe(true)
  })
})

describe('further checks', () => {
  test('count with the others: what throws is unhealthy, what says how it is counts as that', async () => {
    const report = await ask(poolOf(), {
      checks: {
        redis: () => 'PONG',
        model: () => Promise.resolve({ status: 'warning', message: 'slow today' }),
        queue: () => {
          throw new Error('no broker')
        },
        response: () => ({ status: 200 }),
      },
    })
    expect(report.status).toBe('unhealthy')
    expect(report.checks).toMatchObject({
      redis: { status: 'healthy', message: 'answers' },
      model: { status: 'warning', message: 'slow today' },
      queue: { status: 'unhealthy', message: 'no broker' },
      response: { status: 'healthy' },
    })
    expect(report.warnings).toEqual(['model: slow today', 'queue: no broker'])
  })

  test('are told when their time is over, and run beside the pool’s', async () => {
    const clock = new ManualClock()
    let told: AbortSignal | undefined
    const stuck = (signal: AbortSignal) => {
      told = signal
      return new Promise(() => undefined)
    }
    const asked = ask(poolOf({}, silent().answer), { checks: { stuck }, timeoutMillis: 50 }, clock)
    await clock.advance(50)
    const report = await asked
    expect(report.checks.stuck).toEqual({
      status: 'unhealthy',
      message: 'no answer within 50 ms',
      millis: 50,
    })
    expect(told?.aborted).toBe(true)
  })

  test('may not have the name of a check of its own', async () => {
    await expect(ask(poolOf(), { checks: { database: () => 1 } })).rejects.toThrow(
      'checks.database has the name of a check of health() itself',
    )
  })
})

test('the time is 1 ms or more', async () => {
  await expect(ask(poolOf(), { timeoutMillis: 0 })).rejects.toMatchObject({ code: 'SLUICE_BAD_OPTION' })
})

describe('several pools', () => {
  const clock = new ManualClock()
  const web = poolOf()
  const jobs = poolOf({ utilization: 85 })

  test.each([
    ['an object', { web, jobs }],
    ['a Map', new Map([['web', web] as const, ['jobs', jobs] as const])],
  ])('as %s are as well as the worst of them, by name', async (_, pools) => {
    const report = await health(pools, { checks: { redis: () => 'PONG' } }, { clock })
    expect(report.status).toBe('warning')
    expect([report.pools.web?.status, report.pools.jobs?.status]).toEqual(['healthy', 'warning'])
    expect(report.warnings).toEqual(['jobs: pool: 85 % of 10 slots are in use'])
    expect(Object.keys(report.checks)).toEqual(['redis'])
  })

  test('may be called query', async () => {
    const report = await health({ query: web }, {}, { clock })
    expect(Object.keys(report.pools)).toEqual(['query'])
  })
})

describe('recommendations', () => {
  test('are about the last five minutes where health was asked before', async () => {
    const clock = new ManualClock()
    const pool = poolOf({ timeouts: 7, ageMillis: 86_400_000 })
    const codes = async () => (await ask(pool, {}, clock)).recommendations.map(({ code }) => code)
    expect(await codes()).toEqual(['acquire-timeouts'])
    await clock.advance(30_000)
    expect(await codes()).toEqual([])
    Object.assign(pool.now, { timeouts: 8 })
    expect(await codes()).toEqual(['acquire-timeouts'])
    for (let n = 0; n < 10; n++) {
      await clock.advance(30_000)
      expect(await codes()).toEqual(['acquire-timeouts'])
    }
    await clock.advance(60_000)
    expect(await codes()).toEqual([])
  })

  test('look back on five minutes and a step, however often health is asked', async () => {
    const clock = new ManualClock()
    const pool = poolOf()
    const busy = 0.9 * 10
    for (let seconds = 0; seconds <= 400; seconds += 5) {
      Object.assign(pool.now, { lease: times(1, busy * seconds * 1_000) })
      const [first] = (await ask(pool, {}, clock)).recommendations
      const severity = seconds >= 300 ? 'warning' : seconds >= 60 ? 'advice' : undefined
      expect([seconds, first?.severity]).toEqual([seconds, severity])
      await clock.advance(5_000)
    }
    await settle()
  })
})

test.each([
  ['no pool', {}, 'no pool'],
  ['what is no pool', { app: {} }, 'health() under "app" takes a pool; what it got has no query()'],
  ['a name that shows a password', { 'postgres://app:s3cr3t@db/app': poolOf() }, 'with a password in it'],
  ['pools without names', [poolOf()], 'give an object or a Map of pools by name'],
])('pools by name are refused where there is %s', async (_, pools, sentence) => {
  const asked = health(pools as never)
  await expect(asked).rejects.toMatchObject({
    code: 'SLUICE_BAD_OPTION',
    message: expect.stringContaining(sentence),
  })
  await expect(asked).rejects.not.toThrow('s3cr3t')
})
