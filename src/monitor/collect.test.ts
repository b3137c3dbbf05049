import { describe, expect, test, vi } from 'vitest'
import { ManualClock, settle } from '../../test/support/manual-clock.ts'
import { statsOf, times } from '../../test/support/pictures.ts'
import type { Hooks } from '../core/hooks.ts'
import type { CollectedPool, MetricsListener, MonitorOptions, PoolMetrics } from './collect.ts'
import { monitor } from './collect.ts'
import type { MonitoredStats } from './monitored.ts'

/** A pool whose numbers are set by hand, and which is told what happens to it. */
function fakePool(kind?: CollectedPool['kind']) {
  const attached = new Set<Hooks<object>>()
  let stats: Partial<MonitoredStats> = {}
  const pool: CollectedPool = {
    kind,
    stats: () => ({ ...statsOf(stats), retries: stats.retries, breaker: stats.breaker }),
    attach: (hooks) => {
      attached.add(hooks)
      return () => attached.delete(hooks)
    },
  }
  return {
    attached,
    pool,
    set: (now: Partial<MonitoredStats>) => {
      stats = { ...stats, ...now }
    },
    answer: (kindOf: string, millis: number, error?: unknown) => {
      for (const hooks of attached) hooks.answered?.({ class: kindOf } as never, { millis, error })
    },
    openFails: (code: string) => {
      for (const hooks of attached) hooks.openFailed?.({ code }, 1)
    },
  }
}

function scene(options: MonitorOptions = {}) {
  const clock = new ManualClock()
  const fake = fakePool()
  const handed: PoolMetrics[] = []
  const onMetrics = (metrics: readonly PoolMetrics[]) => handed.push(...metrics)
  const monitoring = monitor({ web: fake.pool }, { onMetrics, ...options }, { clock })
  const one = async () => (await monitoring.collect())[0] as PoolMetrics
  return { ...fake, clock, handed, monitoring, one }
}

describe('a picture', () => {
  test('has the figures of stats() under their names, and what is nested there flat', async () => {
    const { one, set } = scene()
    set({
      leased: 3,
      shared: 1,
      idle: 2,
      total: 12,
      utilization: 40,
      timeouts: 7,
      closed: { idle: 2, lost: 1 },
      lastOpenFailure: { message: 's3cr3t', code: 'ECONNREFUSED', ageMillis: 9 },
      wait: times(4, 2),
      lease: times(4, 3),
      open: times(4, 5),
      retries: 6,
      breaker: { state: 'open' },
      budget: { max: 20, used: 12, room: 1, limit: 18 },
    })
    const metrics = await one()
    expect(metrics).toMatchObject({
      pool: 'web',
      kind: 'other',
      at: 1_700_000_000_000,
      active: 4,
      overflow: 2,
      utilization: 40,
      timeouts: 7,
      closed: 3,
      closedByReason: { idle: 2, lost: 1 },
      lastOpenFailureCode: 'ECONNREFUSED',
      lastOpenFailureAgeMillis: 9,
      waitMeanMillis: 2,
      useP95Millis: 3,
      openMaxMillis: 5,
      retries: 6,
      breaker: 'open',
      budgetMax: 20,
      budgetUsed: 12,
      extra: {},
    })
    expect(JSON.stringify(metrics)).not.toContain('s3cr3t')
    // Whatever is added to stats() is either here under its name, or has its own words here.
    const own = ['budget', 'lastOpenFailure', 'wait', 'lease', 'open']
    expect(Object.keys(statsOf()).filter((name) => !(name in metrics))).toEqual(own)
  })

  test('survives JSON as it is', async () => {
    const metrics = await scene().one()
    expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics)
  })

  test.each([
    ['redis', 'redis'],
    [undefined, 'other'],
  ] as const)('of a pool that calls itself %s is of kind %s', async (said, kind) => {
    const [metrics] = await monitor(fakePool(said).pool).collect()
    expect(metrics).toMatchObject({ pool: 'default', kind })
  })
})

describe('what came since the collection before', () => {
  test('is counted, and has rates and means of its own', async () => {
    const { answer, clock, one, openFails, set } = scene()
    set({ acquired: 100, opened: 10, open: times(10, 100), wait: times(100, 1) })
    await one()
    await clock.advance(10_000)
    answer('simple', 50)
    answer('simple', 150)
    answer('complex', 400, { code: '57014' })
    openFails('SLUICE_OPEN_TIMEOUT')
    openFails('ETIMEDOUT')
    openFails('ECONNREFUSED')
    set({
      acquired: 120,
      opened: 12,
      openFailures: 2,
      timeouts: 3,
      shed: 1,
      rejected: 2,
      closed: { idle: 5 },
    })
    set({ open: times(12, 90), wait: times(120, 2) })
    const { classes, connectionErrorsByCode, queries, queryErrorsByCode, recent } = await one()
    expect(recent).toMatchObject({
      overMillis: 10_000,
      queries: 3,
      queryErrors: 1,
      slowQueries: 1,
      queriesPerSecond: 0.3,
      queryMeanMillis: 200,
      waitMeanMillis: (240 - 100) / 20,
      connectMeanMillis: (1_080 - 1_000) / 2,
      acquiredPerSecond: 2,
      openedPerSecond: 0.2,
      closedPerSecond: 0.5,
      openFailures: 2,
      connectTimeouts: 2,
      timeouts: 3,
      rejected: 2,
      shed: 1,
    })
    expect(recent.errorPercent).toBeCloseTo(100 / 3)
    expect(classes).toMatchObject({
      simple: { count: 2, slow: 1, meanMillis: 100, maxMillis: 150 },
      complex: { count: 1, slow: 0 },
    })
    expect([queries, queryErrorsByCode]).toEqual([3, { '57014': 1 }])
    expect(connectionErrorsByCode).toEqual({ SLUICE_OPEN_TIMEOUT: 1, ETIMEDOUT: 1, ECONNREFUSED: 1 })
  })

  test('forgets the interval before, the totals do not', async () => {
    const { answer, clock, one } = scene()
    await one()
    answer('simple', 500)
    await one()
    await clock.advance(1_000)
    answer('simple', 1)
    const { classes, queries, recent, slowQueries } = await one()
    expect(classes.simple).toMatchObject({ count: 1, slow: 0, p99Millis: expect.closeTo(1, 1) })
    expect([recent.queries, recent.slowQueries, queries, slowQueries]).toEqual([1, 0, 2, 1])
  })

  test('without statements has no mean and no error rate, and no class', async () => {
    const { one } = scene()
    const { classes, recent } = await one()
    expect(recent).toMatchObject({ queryMeanMillis: null, waitMeanMillis: null, connectMeanMillis: null })
    expect([recent.errorPercent, recent.queriesPerSecond, classes]).toEqual([0, 0, {}])
  })

  test('is looked at once a second: utilization, idle and waiting are means', async () => {
    const { clock, one, set } = scene()
    await one()
    set({ leased: 10, utilization: 100, waiting: 6 })
    await clock.advance(3_000)
    set({ leased: 0, utilization: 0, waiting: 0, idle: 10 })
    await clock.advance(1_000)
    expect((await one()).recent).toMatchObject({ utilization: 75, waiting: 4.5, idle: 2.5, full: 0.75 })
  })

  test('over less than a second has the figures of its end', async () => {
    const { one, set } = scene()
    set({ utilization: 50 })
    expect((await one()).recent.utilization).toBe(50)
  })
})

describe('start and stop', () => {
  test('figures are handed over every minute, all pools together', async () => {
    const clock = new ManualClock()
    const handed: string[][] = []
    const onMetrics: MetricsListener = (metrics) => handed.push(metrics.map(({ pool }) => pool))
    const monitoring = monitor({ web: fakePool().pool, jobs: fakePool().pool }, { onMetrics }, { clock })
    monitoring.start()
    await clock.advance(59_999)
    expect(handed).toEqual([])
    await clock.advance(60_001)
    expect(handed).toEqual([
      ['web', 'jobs'],
      ['web', 'jobs'],
    ])
  })

  test('starting twice is starting once, stopping detaches, and both may follow each other', async () => {
    const { attached, clock, handed, monitoring } = scene({ every: 1_000 })
    expect(attached.size).toBe(0)
    monitoring.start()
    monitoring.start()
    expect(attached.size).toBe(1)
    await clock.advance(2_000)
    expect(handed).toHaveLength(2)
    monitoring.stop()
    monitoring.stop()
    expect([attached.size, clock.armed()]).toEqual([0, 0])
    await clock.advance(5_000)
    expect(handed).toHaveLength(2)
    monitoring.start()
    await clock.advance(1_000)
    expect([handed.length, handed.at(-1)?.recent.overMillis]).toEqual([3, 1_000])
  })

  test('no timer keeps the process up', () => {
    const { clock, monitoring } = scene()
    monitoring.start()
    expect(clock.armed()).toBeGreaterThan(0)
    expect(clock.armed('held')).toBe(0)
  })

  test('collections do not overlap: beats that come while one goes on are left out', async () => {
    let finish: () => void = () => undefined
    const onMetrics = vi.fn<MetricsListener>(() => new Promise<void>((done) => (finish = done)))
    const { clock, monitoring } = scene({ every: 1_000, onMetrics })
    monitoring.start()
    await clock.advance(3_500)
    expect(onMetrics).toHaveBeenCalledTimes(1)
    finish()
    await clock.advance(500)
    expect(onMetrics).toHaveBeenCalledTimes(2)
    expect(onMetrics.mock.calls[1]?.[0][0]?.recent.overMillis).toBe(3_000)
  })

  test('a process that was frozen is not handed one picture for each beat that it missed', async () => {
    const { clock, handed, monitoring } = scene({ every: 1_000 })
    monitoring.start()
    clock.jump(10_500)
    await clock.advance(0)
    expect(handed).toHaveLength(1)
    await clock.advance(500)
    expect(handed).toHaveLength(2)
  })

  test('who asks while a collection goes on gets the same', async () => {
    const { monitoring } = scene()
    expect(await Promise.all([monitoring.collect(), monitoring.collect()])).toSatisfy(
      ([first, second]: unknown[]) => first === second,
    )
  })

  test('what fails in the listener is told and counted, and does not end the collecting', async () => {
    const errors: unknown[] = []
    const failure = new Error('the disk is full')
    const onMetrics = vi.fn<MetricsListener>(() => Promise.reject(failure))
    const onError = (error: unknown) => {
      errors.push(error)
      throw error
    }
    const { clock, monitoring } = scene({ every: 1_000, onMetrics, onError })
    monitoring.start()
    await clock.advance(2_000)
    expect(errors).toEqual([failure, failure])
    expect(monitoring.failures).toBe(4)
  })

  test('a listener that never ends is given up', async () => {
    const onMetrics = vi.fn<MetricsListener>(() => new Promise<void>(() => undefined))
    const { clock, monitoring } = scene({ every: 1_000, onMetrics, timeoutMillis: 500 })
    monitoring.start()
    await clock.advance(2_000)
    expect(onMetrics).toHaveBeenCalledTimes(2)
    expect(monitoring.failures).toBe(1)
    expect(onMetrics.mock.calls[0]?.[1].aborted).toBe(true)
  })
})

describe('further collectors', () => {
  test('are asked for each pool; a failure is noted beside what others found', async () => {
    const asked: string[] = []
    const { one } = scene({
      extra: {
        cache: ({ name, pool }) => {
          asked.push(`${name} ${pool.stats().max}`)
          return { hits: 3 }
        },
        broken: () => Promise.reject(new Error('no way to\npostgres://app:s3cr3t@db/app')),
        empty: () => undefined as never,
      },
    })
    const { extra } = await one()
    expect(asked).toEqual(['web 10'])
    expect(extra).toEqual({
      cache: { millis: 0, figures: { hits: 3 }, error: null },
      broken: { millis: 0, figures: null, error: 'no way to postgres://app:***@db/app' },
      empty: { millis: 0, figures: null, error: 'it gave no object of figures' },
    })
  })

  test.each([
    ['of five seconds', {}, 5_000],
    ['that may be another', { timeoutMillis: 200 }, 200],
  ])('have a deadline %s', async (_, options, millis) => {
    let aborted: AbortSignal | undefined
    const slow = ({ signal }: { signal: AbortSignal }) => {
      aborted = signal
      return new Promise<never>(() => undefined)
    }
    const { clock, monitoring } = scene({ extra: { slow }, ...options })
    const collecting = monitoring.collect()
    await settle()
    await clock.advance(millis)
    const [metrics] = await collecting
    expect(metrics?.extra.slow).toMatchObject({ millis, figures: null })
    expect(metrics?.extra.slow?.error).toMatch(/^no answer within [\d,]+ ms$/)
    expect(aborted?.aborted).toBe(true)
  })
})

test.each([
  [{ every: 0 }, 'every must be a number from 1 to'],
  [{ timeoutMillis: 0 }, 'timeoutMillis must be a number from 1 to'],
  [{ onMetrics: 'log' }, 'onMetrics must be a function; it is "log"'],
  [{ extra: { cache: 1 } }, 'cache must be a function; it is 1'],
  [{ extra: [] }, 'extra takes an object'],
  [{ activity: true }, 'activity is for Postgres pools, and there is none'],
  [{ evry: 1 }, 'evry is not an option of monitor(); did you mean every?'],
])('%o is refused', (options, text) => {
  expect(() => scene(options as MonitorOptions)).toThrow(text)
})

test('starting without somebody to hand the figures to is refused', () => {
  expect(() => monitor(fakePool().pool).start()).toThrow('start() needs onMetrics')
})

test('a pool that fails when it is asked fails who collects, and ends no process', async () => {
  const fake = fakePool()
  const clock = new ManualClock()
  let isBroken = true
  const stats = () => {
    if (isBroken) throw new Error('no picture')
    return fake.pool.stats()
  }
  const monitoring = monitor({ ...fake.pool, stats }, {}, { clock })
  await expect(monitoring.collect()).rejects.toThrow('no picture')
  expect(fake.attached.size).toBe(0)
  isBroken = false
  await monitoring.collect()
  isBroken = true
  await clock.advance(5_000)
  await expect(monitoring.collect()).rejects.toThrow('no picture')
  isBroken = false
  await clock.advance(1_000)
  expect(await monitoring.collect()).toMatchObject([{ recent: { overMillis: 6_000 } }])
  monitoring.stop()
  expect([fake.attached.size, clock.armed()]).toEqual([0, 0])
})
