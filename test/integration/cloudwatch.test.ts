/** What the AWS SDK's own client sends of real pools to an endpoint on this machine. */
import { CloudWatch } from '@aws-sdk/client-cloudwatch'
import { afterEach, expect, test, vi } from 'vitest'
import { Pool } from '../../src/index.ts'
import type { CloudWatchOptions } from '../../src/monitor/index.ts'
import { cloudWatch } from '../../src/monitor/index.ts'
import { fakeCloudWatch } from '../support/fake-cloudwatch.ts'
import { ManualClock, settle } from '../support/manual-clock.ts'
import { databaseUrl } from '../support/postgres.ts'
import { watchedPool } from '../support/watched-pool.ts'

const atEnd: (() => unknown)[] = []
afterEach(async () => {
  for (const end of atEnd.splice(0).reverse()) await end()
})

async function scene() {
  const fake = await fakeCloudWatch()
  const client = new CloudWatch({
    region: 'eu-central-1',
    endpoint: fake.endpoint,
    credentials: { accessKeyId: 'test', secretAccessKey: 's3cr3t' },
    // What it does by itself is not what is looked at here.
    maxAttempts: 1,
  })
  const pool = new Pool({ connectionString: databaseUrl(), max: 4 })
  atEnd.push(
    () => fake.close(),
    () => client.destroy(),
    () => pool.end(),
  )
  const told = vi.fn<(error: unknown) => void>()
  const begin = (options: Partial<CloudWatchOptions> = {}) => {
    const exporter = cloudWatch({ web: pool }, client, { namespace: 'Shop', onError: told, ...options })
    atEnd.push(() => exporter.stop())
    return exporter
  }
  return { begin, client, fake, pool, told }
}

test('a pool is shown with the values of its own picture, under its name', async () => {
  const { begin, fake, pool } = await scene()
  const held = await Promise.all([pool.connect(), pool.connect(), pool.connect()])
  held[0]?.release()
  const before = Date.now()
  await begin({ dimensions: { Service: 'checkout' } }).flush()
  const { idle, total, utilization, waiting } = pool.stats()
  for (const client of held.slice(1)) client.release()
  expect([idle, total, utilization, waiting]).toEqual([1, 3, 50, 0])
  expect([...fake.targets]).toEqual(['GraniteServiceVersion20100801.PutMetricData'])
  const [sent] = fake.received
  expect(sent?.Namespace).toBe('Shop')
  expect(sent?.MetricData.map(({ MetricName, Unit, Value }) => [MetricName, Value, Unit])).toEqual([
    ['PoolTotalCount', 3, 'Count'],
    ['PoolIdleCount', 1, 'Count'],
    ['PoolWaitingCount', 0, 'Count'],
    ['PoolUtilization', 50, 'Percent'],
  ])
  for (const { Dimensions, Timestamp } of sent?.MetricData ?? []) {
    expect(Dimensions).toEqual([
      { Name: 'PoolName', Value: 'web' },
      { Name: 'Service', Value: 'checkout' },
    ])
    expect(Timestamp * 1_000).toBeGreaterThanOrEqual(before - 1)
    expect(Timestamp * 1_000).toBeLessThanOrEqual(Date.now() + 1)
  }
})

test('once a minute there is a request, without anybody asking', async () => {
  const { client, fake, pool } = await scene()
  const clock = new ManualClock()
  const exporter = cloudWatch(pool, client, { namespace: 'Shop' }, { clock })
  await clock.advance(60_000)
  await vi.waitFor(() => expect(fake.received).toHaveLength(1))
  await clock.advance(60_000)
  await vi.waitFor(() => expect(fake.received).toHaveLength(2))
  expect(fake.received[0]?.MetricData[0]?.Dimensions).toEqual([{ Name: 'PoolName', Value: 'default' }])
  await exporter.stop()
})

test('many pools with long dimensions go in requests that the API takes', async () => {
  const { client, fake } = await scene()
  const pools = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`pool-${n}`, watchedPool().pool]))
  const dimensions = { Service: 'x'.repeat(1_024) }
  const exporter = cloudWatch(pools, client, { namespace: 'Shop', dimensions, timeoutMillis: 60_000 })
  await exporter.stop()
  const sizes = fake.received.map(({ MetricData }) => MetricData.length)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(1_200)
  expect(sizes.length).toBeGreaterThan(2)
  expect(fake.state.bytes).toBeLessThan(1_000_000)
  expect(exporter.stats()).toEqual({ sent: 1_200, waiting: 0, dropped: 0, failures: 0 })
})

test('what was throttled is sent again by itself, once', async () => {
  const { begin, fake, told } = await scene()
  fake.state.manner = 'throttled'
  const exporter = begin()
  await exporter.flush()
  expect(exporter.stats()).toMatchObject({ sent: 0, waiting: 4 })
  expect(told.mock.calls).toMatchObject([[{ name: 'ThrottlingException' }]])
  fake.state.manner = 'well'
  await vi.waitFor(() => expect(exporter.stats().sent).toBe(4), { timeout: 20_000 })
  expect(fake.received.map(({ MetricData }) => MetricData.length)).toEqual([4])
})

test('what is refused is dropped', async () => {
  const { begin, fake } = await scene()
  fake.state.manner = 'refused'
  const exporter = begin()
  await exporter.flush()
  expect(exporter.stats()).toEqual({ sent: 0, waiting: 0, dropped: 4, failures: 1 })
})

test('with the endpoint down the pool works on, stop() ends in time, and the values are counted as dropped', async () => {
  const { begin, fake, pool, told } = await scene()
  await fake.close()
  const exporter = begin()
  await exporter.flush()
  await settle()
  expect(told.mock.calls).toMatchObject([[{ code: 'ECONNREFUSED' }]])
  const results = await Promise.all(
    [1, 2, 3].map((n) => pool.query<{ n: number }>('SELECT $1::int AS n', [n])),
  )
  expect(results.map(({ rows }) => rows[0]?.n)).toEqual([1, 2, 3])
  await exporter.stop()
  expect(exporter.stats()).toMatchObject({ sent: 0, waiting: 0, dropped: 8 })
})

test('an endpoint that never answers holds up neither the pool nor stop()', async () => {
  const { begin, fake, pool } = await scene()
  fake.state.manner = 'silent'
  const exporter = begin({ timeoutMillis: 200 })
  const stopped = exporter.stop()
  await expect(pool.query('SELECT 1')).resolves.toMatchObject({ rowCount: 1 })
  await stopped
  expect(exporter.stats()).toMatchObject({ sent: 0, waiting: 0, dropped: 4 })
})
