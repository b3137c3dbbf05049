/** What OpenTelemetry's own SDK shows of real pools. */
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import type { DataPoint, Histogram, MetricData } from '@opentelemetry/sdk-metrics'
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Pool } from '../../src/index.ts'
import { openTelemetry } from '../../src/monitor/index.ts'
import { databaseUrl } from '../support/postgres.ts'

const atEnd: (() => unknown)[] = []
afterEach(async () => {
  for (const end of atEnd.splice(0).reverse()) await end()
})
beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
})
afterAll(() => context.disable())

function twoPools() {
  const connectionString = databaseUrl()
  const web = new Pool({ connectionString, max: 3, min: 1, acquireTimeoutMillis: 2_000 })
  const jobs = new Pool({ connectionString, max: 2 })
  atEnd.push(() => Promise.all([web.end(), jobs.end()]))
  return { web, jobs }
}

function sdk() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  // Never by itself within a test.
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const metrics = new MeterProvider({ readers: [reader] })
  const ended = new InMemorySpanExporter()
  const traces = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(ended)] })
  atEnd.push(
    () => metrics.shutdown(),
    () => traces.shutdown(),
  )
  const collect = async () => {
    exporter.reset()
    await metrics.forceFlush()
    const all = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((each) => each.metrics))
    return new Map(all.map((metric) => [metric.descriptor.name, metric]))
  }
  return { collect, ended, meter: metrics.getMeter('test'), tracer: traces.getTracer('test') }
}

/** The value that a metric has for a pool, and a state. */
function level(metric: MetricData | undefined, pool: string, state?: string): number | undefined {
  const points = (metric?.dataPoints ?? []) as DataPoint<number>[]
  const found = points.filter(
    ({ attributes }) =>
      attributes['db.client.connection.pool.name'] === pool &&
      attributes['db.client.connection.state'] === state,
  )
  expect(found).toHaveLength(1)
  return found[0]?.value
}

/** The measurements whose attributes have all of those. */
function measured(metric: MetricData | undefined, of: Record<string, string>): Histogram {
  const points = (metric?.dataPoints ?? []) as DataPoint<Histogram>[]
  const found = points.filter(({ attributes }) =>
    Object.entries(of).every(([key, value]) => attributes[key] === value),
  )
  expect(found).toHaveLength(1)
  return (found[0] as DataPoint<Histogram>).value
}

async function someLoad({ web, jobs }: { web: Pool; jobs: Pool }): Promise<void> {
  await Promise.all(Array.from({ length: 20 }, (_, n) => web.query('SELECT $1::int AS n', [n])))
  await web.query("SELECT 's3cr3t'::text")
  await web.query('SELECT 1 / 0').catch(() => undefined)
  for (let n = 0; n < 3; n++) await jobs.transaction((tx) => tx.query('SELECT 1'))
}

const LEVELS = ['count', 'idle.max', 'idle.min', 'limit', 'max', 'pending_requests']

test('every metric of the conventions is there, with its kind and unit, and its values are those of the pools', async () => {
  const pools = twoPools()
  const { collect, meter } = sdk()
  const telemetry = openTelemetry(pools, meter)
  await someLoad(pools)
  // One is held, and somebody waits in vain, while the numbers are read.
  const held = await Promise.all([pools.web.connect(), pools.web.connect(), pools.web.connect()])
  await expect(pools.web.query('SELECT 1')).rejects.toMatchObject({ code: 'SLUICE_ACQUIRE_TIMEOUT' })
  const late = pools.web.query('SELECT 1').catch(() => undefined)
  const metrics = await collect()
  const web = pools.web.stats()
  for (const client of held) client.release()
  await late
  telemetry.stop()

  const of = (name: string) => metrics.get(`db.client.connection.${name}`)
  for (const name of LEVELS) {
    const { dataPointType, descriptor } = of(name) as MetricData
    expect([
      name,
      dataPointType,
      (of(name) as { isMonotonic?: boolean }).isMonotonic,
      descriptor.unit,
    ]).toEqual([name, DataPointType.SUM, false, name === 'pending_requests' ? '{request}' : '{connection}'])
  }
  expect(of('timeouts')).toMatchObject({ isMonotonic: true, descriptor: { unit: '{timeout}' } })
  expect(level(of('count'), 'web', 'used')).toBe(3)
  expect(level(of('count'), 'web', 'idle')).toBe(0)
  expect(level(of('idle.max'), 'web')).toBe(3)
  expect(level(of('idle.min'), 'web')).toBe(1)
  expect(level(of('limit'), 'web')).toBe(3)
  expect(level(of('max'), 'jobs')).toBe(2)
  expect(level(of('pending_requests'), 'web')).toBe(1)
  expect(level(of('pending_requests'), 'jobs')).toBe(0)
  expect(level(of('timeouts'), 'web')).toBe(1)
  expect(level(of('timeouts'), 'jobs')).toBe(0)

  const named = { 'db.client.connection.pool.name': 'web' }
  for (const name of ['create_time', 'wait_time', 'use_time'])
    expect(of(name)).toMatchObject({ dataPointType: DataPointType.HISTOGRAM, descriptor: { unit: 's' } })
  expect(measured(of('create_time'), named).count).toBe(web.opened)
  // Those that were lent or began to be shared: what joins a lane is not counted again.
  expect(measured(of('wait_time'), named).count).toBe(web.acquired)
  // All but the three that are out.
  expect(measured(of('use_time'), named).count).toBe(web.acquired - 3)
  expect(measured(of('use_time'), named).sum).toBeLessThan(60)
})

test('each statement is measured once, by verb, summary and error, with the boundaries of the conventions', async () => {
  const pools = twoPools()
  const { collect, meter } = sdk()
  const server = { address: 'db.example', port: 5432, namespace: 'app' }
  openTelemetry(pools, meter, undefined, { server })
  await someLoad(pools)
  const metric = (await collect()).get('db.client.operation.duration')
  expect(metric?.descriptor).toMatchObject({ unit: 's' })
  const common = {
    'db.system.name': 'postgresql',
    'db.operation.name': 'SELECT',
    'db.query.summary': 'SELECT',
    'server.address': 'db.example',
    'db.namespace': 'app',
  }
  const points = (metric?.dataPoints ?? []) as DataPoint<Histogram>[]
  const failed = measured(metric, { ...common, 'error.type': '22012', 'db.response.status_code': '22012' })
  expect(failed.count).toBe(1)
  const well = points.filter(({ attributes }) => {
    return attributes['error.type'] === undefined && attributes['db.query.summary'] === 'SELECT'
  })
  expect(well).toHaveLength(1)
  // 20 and 1 of web, 3 of jobs.
  expect(well[0]?.value.count).toBe(24)
  expect(well[0]?.attributes).toEqual({ ...common, 'server.port': 5432 })
  expect(failed.buckets.boundaries).toEqual([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10])
  expect(JSON.stringify(points)).not.toContain('s3cr3t')
})

test('pools may be told one after the other with one meter, and each is shown once', async () => {
  const { web, jobs } = twoPools()
  const { collect, meter } = sdk()
  openTelemetry({ web }, meter)
  openTelemetry({ jobs }, meter)
  const points = (await collect()).get('db.client.connection.max')?.dataPoints ?? []
  expect(
    points.map(({ attributes, value }) => [attributes['db.client.connection.pool.name'], value]),
  ).toEqual([
    ['web', 3],
    ['jobs', 2],
  ])
})

test('what a client runs that was handed out is in no duration, as the docs say', async () => {
  const { web } = twoPools()
  const { collect, ended, meter, tracer } = sdk()
  openTelemetry(web, meter, tracer)
  const client = await web.connect()
  await client.query('SELECT 1')
  client.release()
  const metrics = await collect()
  expect(metrics.get('db.client.operation.duration')?.dataPoints ?? []).toEqual([])
  expect(ended.getFinishedSpans()).toEqual([])
  expect(measured(metrics.get('db.client.connection.use_time'), {}).count).toBe(1)
})

describe('spans', () => {
  test('are children of the span that their caller is in, also on shared connections', async () => {
    const pools = twoPools()
    const { ended, meter, tracer } = sdk()
    openTelemetry(pools, meter, tracer)
    const requests = Array.from({ length: 10 }, (_, n) =>
      tracer.startActiveSpan(`request ${n}`, async (parent) => {
        await pools.web.query('SELECT $1::int AS n FROM pg_class LIMIT 1', [n])
        await pools.jobs.transaction((tx) => tx.query('SELECT 1'))
        parent.end()
        return parent.spanContext().spanId
      }),
    )
    const parents = await Promise.all(requests)
    const queries = ended.getFinishedSpans().filter(({ name }) => name === 'SELECT pg_class')
    expect(queries).toHaveLength(10)
    expect(new Set(queries.map(({ parentSpanContext }) => parentSpanContext?.spanId))).toEqual(
      new Set(parents),
    )
    const inTransactions = ended.getFinishedSpans().filter(({ name }) => name === 'SELECT')
    expect(new Set(inTransactions.map(({ parentSpanContext }) => parentSpanContext?.spanId))).toEqual(
      new Set(parents),
    )
    expect(queries[0]).toMatchObject({
      kind: 2,
      status: { code: 0 },
      attributes: {
        'db.system.name': 'postgresql',
        'db.operation.name': 'SELECT',
        'db.query.summary': 'SELECT pg_class',
      },
    })
  })

  test('hold no value, no literal and no text of an error', async () => {
    const pools = twoPools()
    const { ended, meter, tracer } = sdk()
    openTelemetry(pools, meter, tracer)
    await pools.web.query("SELECT 's3cr3t-literal'::text, $1::text", ['s3cr3t-value'])
    await pools.web.query("SELECT 's3cr3t-number'::int").catch(() => undefined)
    const spans = ended.getFinishedSpans()
    expect(spans).toHaveLength(2)
    expect(spans[1]).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': '22P02' } })
    const seen = spans.map(({ attributes, events, name, status }) => ({ attributes, events, name, status }))
    expect(JSON.stringify(seen)).not.toContain('s3cr3t')
    expect(spans[0]?.attributes['db.query.text']).toBe('select ?::text, $1::text')
  })

  test('of statements under way end when telemetry stops, and the statements go on', async () => {
    const pools = twoPools()
    const { ended, meter, tracer } = sdk()
    const telemetry = openTelemetry(pools, meter, tracer)
    const slow = pools.web.query('SELECT pg_sleep(0.2)')
    telemetry.stop()
    expect(ended.getFinishedSpans()).toHaveLength(1)
    expect((await slow).rows).toHaveLength(1)
    await pools.web.query('SELECT 1')
    expect(ended.getFinishedSpans()).toHaveLength(1)
  })

  test('the end of a request does not keep its statement from being told', async () => {
    const pools = twoPools()
    const { ended, meter, tracer } = sdk()
    openTelemetry(pools, meter, tracer)
    const parent = tracer.startSpan('request')
    const inRequest = trace.setSpan(context.active(), parent)
    const statement = context.with(inRequest, () => pools.web.query('SELECT 1'))
    parent.end()
    await statement
    expect(ended.getFinishedSpans().map(({ name }) => name)).toEqual(['request', 'SELECT'])
  })
})
