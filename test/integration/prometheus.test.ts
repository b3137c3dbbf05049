/** What prom-client writes of pools that have done something, number by number. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { OpenMetricsContentType } from 'prom-client'
import { openMetricsContentType, Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import type { Buckets } from '../../src/base/buckets.ts'
import type { Pool } from '../../src/index.ts'
import type { PrometheusOptions } from '../../src/monitor/index.ts'
import { prometheus } from '../../src/monitor/index.ts'
import type { NamedPools } from '../../src/monitor/monitored.ts'
import { CONNECTION_ERRORS } from '../../src/monitor/prometheus/figures.ts'
import type { Recorder } from '../../src/monitor/recorder.ts'
import { record } from '../../src/monitor/recorder.ts'
import type { Sample } from '../support/exposition.ts'
import { readExposition } from '../support/exposition.ts'
import type { Run } from '../support/known-run.ts'
import { knownRun, SECRET } from '../support/known-run.ts'
import { poolsWith } from '../support/pools.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'

const open = poolsWith({ max: 2, prePing: false, idleTimeoutMillis: 0 })

const ending: (() => void)[] = []
afterEach(() => {
  for (const end of ending.splice(0)) end()
})

/** A registry that shows pools until the test is over. */
function shown(pools: NamedPools, options?: PrometheusOptions): Registry {
  const registry = new Registry()
  ending.push(prometheus(pools, registry, options).stop)
  return registry
}

function recorderOf(pool: Pool): Recorder {
  const recording = record(pool)
  ending.push(recording.stop)
  return recording.recorder
}

type Expected = [name: string, labels: Record<string, string>, value: number]

function histogram(name: string, buckets: Buckets, labels: Record<string, string> = {}): Expected[] {
  const counts = buckets.cumulative()
  return [
    ...buckets.boundaries.map(
      (le, n): Expected => [`${name}_bucket`, { ...labels, le: `${le}` }, counts[n] ?? -1],
    ),
    [`${name}_bucket`, { ...labels, le: '+Inf' }, buckets.count],
    [`${name}_sum`, labels, buckets.sum],
    [`${name}_count`, labels, buckets.count],
  ]
}

/** All series of one pool, from what it says itself at the same moment. */
function expectedOf(pool: Pool, recorder: Recorder): Expected[] {
  const stats = pool.stats()
  const busy = stats.leased + stats.shared + stats.checking + stats.cancelling
  const counted = new Map([
    ...CONNECTION_ERRORS.map((type) => [type, 0] as const),
    ...recorder.connectionErrors.entries(),
  ])
  const slots = ['opening', 'idle', 'checking', 'leased', 'shared', 'cancelling', 'closing'] as const
  return [
    ['db_pool_connections', { state: 'total' }, stats.total],
    ['db_pool_connections', { state: 'idle' }, stats.idle],
    ['db_pool_connections', { state: 'active' }, busy],
    ['db_pool_connections', { state: 'waiting' }, stats.waiting],
    ...slots.map((state): Expected => ['db_pool_slots', { state }, stats[state]]),
    ['db_pool_max_connections', {}, stats.max],
    ['db_pool_min_connections', {}, stats.min],
    ['db_pool_max_overflow_connections', {}, stats.maxOverflow],
    ['db_pool_overflow_connections', {}, Math.max(0, stats.total - stats.max)],
    ['db_pool_utilization_ratio', {}, stats.utilization / 100],
    ...stats.waitingByPriority.map(
      (n, i): Expected => ['db_pool_waiting_callers', { priority: `${i + 1}` }, n],
    ),
    ['db_pool_oldest_wait_seconds', {}, stats.oldestWaitMillis / 1_000],
    ...histogram('db_pool_wait_seconds', recorder.waits),
    ...histogram('db_pool_use_seconds', recorder.uses),
    ...histogram('db_pool_open_seconds', recorder.opens),
    ['db_pool_acquires_total', {}, stats.acquired],
    ['db_pool_reuses_total', {}, Math.round(stats.reuse * stats.acquired)],
    ['db_pool_refusals_total', { reason: 'timeout' }, stats.timeouts],
    ['db_pool_refusals_total', { reason: 'aborted' }, stats.aborted],
    ['db_pool_refusals_total', { reason: 'rejected' }, stats.rejected],
    ['db_pool_refusals_total', { reason: 'shed' }, stats.shed],
    ['db_pool_opens_total', {}, stats.opened],
    ...Object.entries(stats.closed).map(([reason, n]): Expected => ['db_pool_closes_total', { reason }, n]),
    ['db_pool_abandoned_connections', {}, stats.lost],
    ['db_pool_leaks_total', {}, stats.leaked],
    ['db_pool_leaking_connections', {}, stats.leaking],
    ['db_pool_retries_total', {}, stats.retries],
    ...(['closed', 'half-open', 'open'] as const).flatMap((state): Expected[] =>
      stats.breaker === undefined
        ? []
        : [['db_pool_breaker_state', { state }, stats.breaker.state === state ? 1 : 0]],
    ),
    ...[...counted].map(([type, n]): Expected => ['db_connection_errors_total', { type }, n]),
    ...[...recorder.classes].flatMap(([name, { durations, slow }]): Expected[] => [
      ...histogram('db_query_duration_seconds', durations, { class: name }),
      ['db_slow_queries_total', { class: name }, slow],
    ]),
    ...[...recorder.errors.entries()].map(([type, n]): Expected => ['db_query_errors_total', { type }, n]),
  ]
}

const lineOf = (name: string, labels: Readonly<Record<string, string>>, value: number) =>
  `${name} ${JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))} ${value}`

const linesOf = (samples: Iterable<Sample>) =>
  [...samples].map(({ name, labels, value }) => lineOf(name, labels, value)).sort()

test('all numbers of several pools are those that the pools count themselves', async () => {
  const away = new URL('postgres://127.0.0.1:9/app')
  away.password = SECRET
  away.username = 'app'
  const pools = {
    web: open({ circuitBreaker: true }),
    jobs: open({ maxOverflow: 1 }),
    away: open({ connectionString: away.href }),
    resting: open(),
  }
  const recorders = Object.entries(pools).map(([, pool]) => recorderOf(pool))
  const registry = shown(pools, { labels: { host: 'a' } })
  const [web] = await Promise.all([
    knownRun(pools.web, 30),
    // It may open a third connection, so nobody waits in vain; nothing is asked that counts on that.
    Promise.all(Array.from({ length: 20 }, () => pools.jobs.query('SELECT 1'))),
    pools.away.query('SELECT 1').catch(() => undefined),
  ])
  const scraped = registry.metrics()
  const expected = Object.entries(pools).flatMap(([name, pool], n) =>
    expectedOf(pool, recorders[n] as Recorder).map(([series, labels, value]) =>
      lineOf(series, { ...labels, pool: name, host: 'a' }, value),
    ),
  )
  const text = await scraped
  const seen = readExposition(text)
  const samples = [...seen.families.values()].flatMap((family) => family.samples)
  expect(linesOf(samples)).toEqual(expected.sort())
  expectRun((name, labels = {}) => seen.value(name, { pool: 'web', host: 'a', ...labels }), web)
  const refused = { pool: 'away', host: 'a', type: 'ECONNREFUSED' }
  expect(seen.value('db_connection_errors_total', refused)).toBeGreaterThan(0)
  expect(text).not.toMatch(new RegExp(`${SECRET}|select|127\\.0\\.0\\.1|pg_sleep`, 'i'))
})

/** What is known of the run stands in the text. */
function expectRun(
  of: (name: string, labels?: Record<string, string>) => number | undefined,
  run: Run,
): void {
  const queries = (name: string) => of('db_query_duration_seconds_count', { class: name })
  expect([queries('simple'), queries('analytical')]).toEqual([run.simple, run.analytical])
  const errors = Object.keys(run.errors).map((type) => [type, of('db_query_errors_total', { type })])
  expect(Object.fromEntries(errors)).toEqual(run.errors)
  const refusals = (reason: string) => of('db_pool_refusals_total', { reason }) ?? Number.NaN
  expect([refusals('timeout') + refusals('shed'), refusals('aborted')]).toEqual([run.late, run.aborted])
  expect(of('db_pool_closes_total', { reason: 'destroyed' })).toBe(run.destroyed)
  expect(of('db_pool_use_seconds_count')).toBe(of('db_pool_acquires_total'))
  expect(of('db_pool_open_seconds_count')).toBe(of('db_pool_opens_total'))
}

test('a pool that is busy is shown so, and one that has ended with its last counts', async () => {
  const pool = open()
  const registry = shown({ web: pool })
  const look = async () => {
    const { value } = readExposition(await registry.metrics())
    return {
      active: value('db_pool_connections', { pool: 'web', state: 'active' }),
      waiting: value('db_pool_waiting_callers', { pool: 'web', priority: '1' }),
      utilization: value('db_pool_utilization_ratio', { pool: 'web' }),
      total: value('db_pool_connections', { pool: 'web', state: 'total' }),
      acquires: value('db_pool_acquires_total', { pool: 'web' }),
    }
  }
  const leases = [await pool.lease(), await pool.lease()]
  const waiting = pool.lease({ priority: 'high' })
  expect(await look()).toEqual({ active: 2, waiting: 1, utilization: 1, total: 2, acquires: 2 })
  for (const lease of leases) lease.release()
  ;(await waiting).release()
  await pool.end()
  expect(await look()).toEqual({ active: 0, waiting: 0, utilization: 0, total: 0, acquires: 3 })
})

test('activity tells the sessions of a real server, and a server that is away has none', async () => {
  const pools = { here: open(), away: open({ connectionString: 'postgres://127.0.0.1:9/app' }) }
  const registry = shown(pools, { activity: { timeoutMillis: 20_000 } })
  const { families, value } = readExposition(await registry.metrics())
  const of = (state: string) => value('db_server_sessions', { pool: 'here', state }) ?? Number.NaN
  expect(of('total')).toBeGreaterThanOrEqual(1)
  expect(of('active') + of('idle') + of('idle_in_transaction')).toBeLessThanOrEqual(of('total'))
  expect(value('db_server_longest_statement_seconds', { pool: 'here' })).toBeGreaterThanOrEqual(0)
  const { rows } = await withClient((client) =>
    client.query<{ most: number }>(
      `SELECT sum(CASE WHEN name = 'max_connections' THEN setting::int ELSE -setting::int END)::int AS most
       FROM pg_settings WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')`,
    ),
  )
  expect(value('db_server_max_sessions', { pool: 'here' })).toBe(rows[0]?.most)
  for (const name of ['db_server_sessions', 'db_server_max_sessions'])
    expect(families.get(name)?.samples.filter(({ labels }) => labels.pool === 'away')).toEqual([])
})

test('OpenMetrics says the same numbers as the other format', async () => {
  const pool = open()
  const text = shown({ web: pool })
  const registry = new Registry<OpenMetricsContentType>()
  registry.setContentType(openMetricsContentType)
  ending.push(prometheus({ web: pool }, registry).stop)
  await knownRun(pool, 3)
  const [plain, other] = await Promise.all([text.metrics(), registry.metrics()])
  const samples = (scrape: ReturnType<typeof readExposition>) =>
    linesOf([...scrape.families.values()].flatMap((family) => family.samples))
  expect(samples(readExposition(other, 'openmetrics'))).toEqual(samples(readExposition(plain)))
})

test('workers of a cluster come together in one text, told apart by a label', async () => {
  const script = fileURLToPath(new URL('../support/metrics-cluster.mjs', import.meta.url))
  const env = { ...process.env, DATABASE_URL: databaseUrl(), NODE_OPTIONS: '' }
  const { stdout } = await promisify(execFile)(process.execPath, [script], { env })
  const { value } = readExposition(stdout)
  const queries = ['1', '2'].map((worker) =>
    value('db_query_duration_seconds_count', { pool: 'main', worker, class: 'simple' }),
  )
  expect(queries).toEqual([10, 20])
})
