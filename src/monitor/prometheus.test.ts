import { AggregatorRegistry, Gauge, Registry } from 'prom-client'
import { describe, expect, test, vi } from 'vitest'
import { readExposition } from '../../test/support/exposition.ts'
import { ManualClock } from '../../test/support/manual-clock.ts'
import { statsOf } from '../../test/support/pictures.ts'
import type { Hooks } from '../core/hooks.ts'
import type { MonitoredStats } from './monitored.ts'
import { METRICS } from './prometheus/metrics.ts'
import type { PrometheusOptions } from './prometheus.ts'
import { prometheus } from './prometheus.ts'
import type { Row } from './source.ts'

/** A pool that says what it is told to. */
function fakePool(given: Partial<MonitoredStats> = {}) {
  const attached = new Set<Hooks<object>>()
  const now: MonitoredStats = { ...statsOf(), ...given }
  return {
    now,
    attached,
    stats: vi.fn<() => MonitoredStats>(() => now),
    attach: (hooks: Hooks<object>) => {
      attached.add(hooks)
      return () => void attached.delete(hooks)
    },
    tell: (about: (hooks: Hooks<object>) => void) => attached.forEach(about),
  }
}

/** One whose server can be asked. */
function askedPool(answer: (text: string) => PromiseLike<Row[]> | Row[]) {
  const query = vi.fn<(text: string) => Promise<{ rows: Row[] }>>(async (text) => ({
    rows: await answer(text),
  }))
  return Object.assign(fakePool(), { query, settings: () => ({ endpoint: 'direct' }), connections: () => [] })
}

const server = (text: string): Row[] => {
  if (text.includes('superuserReserved')) return [{ maxConnections: 100, superuserReserved: 3, reserved: 2 }]
  if (!text.includes('FROM pg_stat_activity') || !text.includes('"stateMillis"')) return []
  return [
    { pid: 1, application: 'a', state: 'active', statementMillis: 1_500 },
    { pid: 2, application: 'a', state: 'idle' },
    { pid: 3, application: 'a', state: 'idle in transaction' },
    { pid: 4, application: 'a', state: null },
  ]
}

const scrape = async (registry: Registry) => readExposition(await registry.metrics())

function operation(about: { class: string; millis: number; error?: unknown }) {
  const asked = { text: '', summary: '', name: '', agent: undefined, askedAt: 0, class: about.class }
  return (hooks: Hooks<object>) => hooks.answered?.(asked, { millis: about.millis, error: about.error })
}

/** A registry that has all there is to show. */
function everything(labels?: Readonly<Record<string, string>>) {
  const registry = new Registry()
  const pool = Object.assign(askedPool(server), {
    now: Object.assign(fakePool().now, {
      closed: { idle: 2, lost: 1 },
      retries: 4,
      breaker: { state: 'half-open' as const },
    }),
  })
  pool.stats = vi.fn<() => MonitoredStats>(() => pool.now)
  prometheus(pool, registry, { activity: true, labels })
  pool.tell(operation({ class: 'simple', millis: 250 }))
  pool.tell(
    operation({ class: 'analytical', millis: 250, error: Object.assign(new Error('x'), { code: '57014' }) }),
  )
  pool.tell((hooks) => hooks.openFailed?.(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 5))
  return { registry, pool }
}

test('every metric of the table is there, with its type, its help and its labels, and nothing else', async () => {
  const { families } = await scrape(everything({ worker: '1' }).registry)
  const shown = [...families.values()].map(({ name, type, help, samples }) => ({
    name,
    type,
    help,
    labels: [...new Set(samples.map((sample) => Object.keys(sample.labels).sort().join()))],
  }))
  const told = Object.values(METRICS).map(({ name, type, help, labels }) => {
    const all = [...labels, 'pool', 'worker']
    const own = (type === 'histogram' ? [[...all, 'le'], all] : [all]).map((each) => each.sort().join())
    return { name, type, help, labels: own }
  })
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
  expect(shown.sort(byName)).toEqual(told.sort(byName))
})

test('numbers are those of the pool, in seconds and as ratios', async () => {
  const { registry, pool } = everything()
  Object.assign(pool.now, {
    ...{ total: 9, idle: 1, leased: 3, shared: 2, checking: 1, cancelling: 1, closing: 1, waiting: 5 },
    ...{ max: 8, utilization: 87.5, waitingByPriority: [1, 4], oldestWaitMillis: 1_500 },
    ...{ acquired: 300, reuse: 299 / 300, timeouts: 1, aborted: 2, rejected: 3, shed: 4 },
  })
  const seen = await scrape(registry)
  const of = (name: string, labels = {}) => seen.value(name, { pool: 'default', ...labels })
  const states = ['total', 'idle', 'active', 'waiting'].map((state) => of('db_pool_connections', { state }))
  expect(states).toEqual([9, 1, 7, 5])
  expect([of('db_pool_overflow_connections'), of('db_pool_utilization_ratio')]).toEqual([1, 0.875])
  expect([1, 2].map((n) => of('db_pool_waiting_callers', { priority: String(n) }))).toEqual([1, 4])
  expect([of('db_pool_oldest_wait_seconds'), of('db_pool_reuses_total')]).toEqual([1.5, 299])
  const reasons = ['timeout', 'aborted', 'rejected', 'shed']
  expect(reasons.map((reason) => of('db_pool_refusals_total', { reason }))).toEqual([1, 2, 3, 4])
  expect(of('db_pool_closes_total', { reason: 'idle' })).toBe(2)
  const breaker = ['closed', 'half-open', 'open'].map((state) => of('db_pool_breaker_state', { state }))
  expect(breaker).toEqual([0, 1, 0])
  expect(of('db_query_duration_seconds_bucket', { class: 'simple', le: '0.5' })).toBe(1)
  expect(of('db_query_duration_seconds_bucket', { class: 'simple', le: '0.1' })).toBe(0)
  expect(of('db_query_errors_total', { type: '57014' })).toBe(1)
  expect(of('db_slow_queries_total', { class: 'simple' })).toBe(1)
  expect(of('db_connection_errors_total', { type: 'ECONNREFUSED' })).toBe(1)
})

test('a pool without a breaker or retries has no such series', async () => {
  const registry = new Registry()
  prometheus(fakePool(), registry)
  const { families } = await scrape(registry)
  for (const name of ['db_pool_breaker_state', 'db_pool_retries_total'])
    expect(families.get(name)?.samples).toEqual([])
})

test.each([
  ['db_query_duration_seconds', [0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10]],
  ['db_pool_wait_seconds', [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60]],
])('%s has the boundaries that are promised', async (name, boundaries) => {
  const { families } = await scrape(everything().registry)
  const seen = families.get(name)?.samples.flatMap(({ labels }) => labels.le ?? [])
  expect([...new Set(seen)]).toEqual([...boundaries.map(String), '+Inf'])
})

test('counters that alerts go by are there from the first scrape on: Prometheus does not see what one begins with', async () => {
  const registry = new Registry()
  prometheus(fakePool(), registry)
  const seen = await scrape(registry)
  const types = ['lost', 'other', 'SLUICE_OPEN_TIMEOUT', 'ECONNREFUSED', '28P01', '53300', '57P03']
  for (const type of types)
    expect(seen.value('db_connection_errors_total', { pool: 'default', type }), type).toBe(0)
  for (const reason of ['timeout', 'shed', 'rejected'])
    expect(seen.value('db_pool_refusals_total', { pool: 'default', reason }), reason).toBe(0)
})

test('nothing is asked before a scrape, and once in each', async () => {
  const { registry, pool } = everything()
  expect([pool.stats.mock.calls.length, pool.query.mock.calls.length]).toEqual([0, 0])
  await registry.metrics()
  const asked = pool.query.mock.calls.length
  expect(pool.stats).toHaveBeenCalledTimes(1)
  await registry.metrics()
  expect([pool.stats.mock.calls.length, pool.query.mock.calls.length]).toEqual([2, 2 * asked])
})

describe('one registry', () => {
  test('takes the pools of several calls, until each is stopped', async () => {
    const registry = new Registry()
    const [web, jobs] = [fakePool({ max: 3 }), fakePool({ max: 4 })]
    const first = prometheus({ web }, registry)
    const second = prometheus(new Map([['jobs', jobs]]), registry, { labels: { host: 'a' } })
    const max = async () =>
      (await scrape(registry)).families.get('db_pool_max_connections')?.samples.map(({ labels, value }) => ({
        ...labels,
        value,
      }))
    expect(await max()).toEqual([
      { pool: 'web', value: 3 },
      { pool: 'jobs', host: 'a', value: 4 },
    ])
    first.stop()
    first.stop()
    expect(await max()).toEqual([{ pool: 'jobs', host: 'a', value: 4 }])
    expect([web.attached.size, jobs.attached.size]).toEqual([0, 1])
    second.stop()
    expect([jobs.attached.size, registry.getMetricsAsArray()]).toEqual([0, []])
  })

  test('does not take two pools that nobody could tell apart, until the first is stopped', () => {
    const registry = new Registry()
    const [old, young] = [fakePool(), fakePool()]
    const first = prometheus(old, registry)
    expect(() => prometheus(young, registry)).toThrow(
      expect.objectContaining({
        code: 'SLUICE_BAD_OPTION',
        message:
          'prometheus() shows a pool "default" in this registry already; give it another name or other labels, or stop() the first',
      }),
    )
    expect(young.attached.size).toBe(0)
    prometheus(young, registry, { labels: { tenant: 'b' } })
    first.stop()
    prometheus(old, registry)
  })

  test('with a metric of one of the names that is not ours is refused before anything is done', () => {
    const registry = new Registry()
    const foreign = new Gauge({ name: 'db_pool_slots', help: 'mine', registers: [registry] })
    const pool = fakePool()
    expect(() => prometheus(pool, registry)).toThrow('has a metric db_pool_slots that is not of Sluice')
    expect([pool.attached.size, registry.getMetricsAsArray()]).toEqual([0, [foreign]])
  })

  test('that somebody has cleared is filled again by the next call, and a foreign metric is left alone', async () => {
    const registry = new Registry()
    const first = prometheus({ web: fakePool() }, registry)
    registry.clear()
    prometheus({ jobs: fakePool() }, registry)
    const { families } = await scrape(registry)
    expect(families.get('db_pool_slots')?.samples).toHaveLength(14)
    registry.clear()
    const foreign = new Gauge({ name: 'db_pool_slots', help: 'mine', registers: [registry] })
    first.stop()
    expect(registry.getSingleMetric('db_pool_slots')).toBe(foreign)
  })

  test('may be reset: what the pools count goes on', async () => {
    const { registry, pool } = everything()
    Object.assign(pool.now, { opened: 7 })
    registry.resetMetrics()
    expect((await scrape(registry)).value('db_pool_opens_total', { pool: 'default' })).toBe(7)
  })
})

test('the same registry writes OpenMetrics, and the other format again', async () => {
  const { registry, pool } = everything()
  Object.assign(pool.now, { opened: 7 })
  const open = registry as Registry<never> as unknown as Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>
  for (let times = 0; times < 2; times++) {
    registry.setContentType(Registry.PROMETHEUS_CONTENT_TYPE)
    expect((await scrape(registry)).value('db_pool_opens_total', { pool: 'default' })).toBe(7)
    open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
    const text = await open.metrics()
    expect(readExposition(text, 'openmetrics').value('db_pool_opens_total', { pool: 'default' })).toBe(7)
  }
})

test('a registry that was merged from others writes ours too, whatever the others write', async () => {
  const { registry, pool } = everything()
  Object.assign(pool.now, { opened: 7 })
  const both = Registry.merge([new Registry(), registry])
  expect((await scrape(both)).value('db_pool_opens_total', { pool: 'default' })).toBe(7)
  expect((await scrape(registry)).value('db_pool_opens_total', { pool: 'default' })).toBe(7)
})

test('names and labels may hold whatever is a string, and labels of the registry stand beside them', async () => {
  const registry = new Registry()
  registry.setDefaultLabels({ app: 'shop', host: 'registry' })
  prometheus({ 'a "b"\\\n': fakePool({ max: 3 }) }, registry, { labels: { host: 'c"\n' } })
  const labels = { pool: 'a "b"\\\n', host: 'c"\n', app: 'shop' }
  expect((await scrape(registry)).value('db_pool_max_connections', labels)).toBe(3)
})

describe('what several processes say', () => {
  const aggregated = async (...registries: Registry[]) => {
    const sent = await Promise.all(registries.map((registry) => registry.getMetricsAsJSON()))
    // As from process to process.
    return scrape(AggregatorRegistry.aggregate(JSON.parse(JSON.stringify(sent))))
  }

  test('adds up where their labels are the same, but for what cannot be added', async () => {
    const [one, two] = [everything(), everything()]
    Object.assign(one.pool.now, { idle: 3, opened: 3, utilization: 20, oldestWaitMillis: 5_000 })
    Object.assign(two.pool.now, { idle: 4, opened: 4, utilization: 40, oldestWaitMillis: 2_000 })
    const seen = await aggregated(one.registry, two.registry)
    const of = (name: string, labels = {}) => seen.value(name, { pool: 'default', ...labels })
    expect([of('db_pool_slots', { state: 'idle' }), of('db_pool_opens_total')]).toEqual([7, 7])
    expect(of('db_query_duration_seconds_count', { class: 'simple' })).toBe(2)
    expect(of('db_query_duration_seconds_bucket', { class: 'simple', le: '0.5' })).toBe(2)
    expect(of('db_pool_utilization_ratio')).toBeCloseTo(0.3)
    expect([of('db_pool_oldest_wait_seconds'), of('db_server_sessions', { state: 'total' })]).toEqual([5, 4])
    expect(of('db_pool_breaker_state', { state: 'half-open' })).toBe(1)
  })

  test('is told apart by labels', async () => {
    const [one, two] = [everything({ worker: '1' }), everything({ worker: '2' })]
    Object.assign(one.pool.now, { opened: 3 })
    Object.assign(two.pool.now, { opened: 4 })
    const seen = await aggregated(one.registry, two.registry)
    const opened = ['1', '2'].map((worker) => seen.value('db_pool_opens_total', { pool: 'default', worker }))
    expect(opened).toEqual([3, 4])
  })
})

describe('activity', () => {
  test('tells the sessions of each server, and what it takes of ordinary roles', async () => {
    const seen = await scrape(everything().registry)
    const states = ['total', 'active', 'idle', 'idle_in_transaction']
    const sessions = states.map((state) => seen.value('db_server_sessions', { pool: 'default', state }))
    expect(sessions).toEqual([4, 1, 1, 1])
    expect(seen.value('db_server_longest_statement_seconds', { pool: 'default' })).toBe(1.5)
    expect(seen.value('db_server_max_sessions', { pool: 'default' })).toBe(95)
  })

  test('is not asked for unless said, and then nothing is registered for it', async () => {
    const registry = new Registry()
    const pool = askedPool(server)
    prometheus(pool, registry)
    await registry.metrics()
    expect([pool.query.mock.calls, registry.getSingleMetric('db_server_sessions')]).toEqual([[], undefined])
  })

  test('of a server that is silent or fails is left out in time; the rest is there', async () => {
    const clock = new ManualClock()
    const registry = new Registry()
    const pools = {
      silent: askedPool(() => new Promise(() => undefined)),
      failing: askedPool(() => Promise.reject(new Error('no'))),
      other: fakePool(),
      well: askedPool(server),
    }
    prometheus(pools, registry, { activity: { timeoutMillis: 200 } }, { clock })
    const asked = scrape(registry)
    await clock.advance(200)
    const { families } = await asked
    const poolsOf = (name: string) => new Set(families.get(name)?.samples.map(({ labels }) => labels.pool))
    expect(poolsOf('db_server_sessions')).toEqual(new Set(['well']))
    expect(poolsOf('db_pool_slots')).toEqual(new Set(Object.keys(pools)))
  })

  test('is asked once for scrapes at the same time', async () => {
    const clock = new ManualClock()
    const registry = new Registry()
    const pool = askedPool(() => new Promise(() => undefined))
    prometheus(pool, registry, { activity: true }, { clock })
    const scrapes = [registry.metrics(), registry.metrics()]
    await clock.advance(999)
    scrapes.push(registry.metrics())
    await clock.advance(1)
    await Promise.all(scrapes)
    expect(pool.query).toHaveBeenCalledTimes(1)
  })
})

describe('is refused:', () => {
  const use = (options: unknown, registry: unknown = new Registry()) =>
    prometheus(fakePool(), registry as Registry, options as PrometheusOptions)

  test.each([
    ['a label that is no name', { labels: { 'a-b': 'x' } }, 'labels.a-b is no name of a label'],
    ['a label that Prometheus keeps', { labels: { __name__: 'x' } }, 'labels.__name__ is no name of a label'],
    [
      'the label of pools',
      { labels: { pool: 'x' } },
      'labels.pool is taken: metrics have a label pool already',
    ],
    ['a label of a metric', { labels: { reason: 'x' } }, 'labels.reason is taken'],
    ['the label of buckets', { labels: { le: 'x' } }, 'labels.le is taken'],
    ['an empty value', { labels: { a: '' } }, 'labels.a must be a text that is not empty'],
    ['a value that is a number', { labels: { a: 1 } }, 'labels.a must be a string'],
    ['labels that are a list', { labels: ['a'] }, 'labels must be an object'],
    ['another option', { label: {} }, 'did you mean labels?'],
    ['no time for a server', { activity: { timeoutMillis: 0 } }, 'activity.timeoutMillis must be a number'],
    ['an option of activity', { activity: { timeout: 1 } }, 'activity.timeout is not an option'],
  ])('%s', (_, options, message) => {
    expect(() => use(options)).toThrow(expect.objectContaining({ code: 'SLUICE_BAD_OPTION' }))
    expect(() => use(options)).toThrow(message)
  })

  test('what is no registry', () => {
    expect(() => use({}, {})).toThrow('takes a registry of prom-client; what it got has no registerMetric()')
    expect(() => prometheus({}, new Registry())).toThrow('prometheus() was given no pool')
  })
})
