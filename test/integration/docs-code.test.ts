/** The code in docs/, taken at its word: it runs, and does what the page says of it. */
import { once } from 'node:events'
import type { RequestListener, Server } from 'node:http'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import pino from 'pino'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, test } from 'vitest'
import * as control from '../../src/control/index.ts'
import type { DashboardOptions } from '../../src/dashboard/index.ts'
import { dashboard } from '../../src/dashboard/index.ts'
import * as sluice from '../../src/index.ts'
import type { PutMetricDataInput } from '../../src/monitor/index.ts'
import * as monitor from '../../src/monitor/index.ts'
import * as sizing from '../../src/sizing/index.ts'
import { look } from '../support/event-stream.ts'
import { readExposition } from '../support/exposition.ts'
import { codeOf, runCode } from '../support/page-code.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'

const made: AsyncDisposable[] = []
afterEach(async () => {
  await Promise.all(made.splice(0).map((pools) => pools[Symbol.asyncDispose]()))
})

function kept<P extends AsyncDisposable>(pools: P): P {
  made.push(pools)
  return pools
}

/** What a page's code has at hand. Whatever it opens ends after the test, and it says nothing on the console but to `said`. */
function house() {
  const connectionString = databaseUrl()
  const said: string[] = []
  class Pool extends sluice.Pool {
    constructor(config: sluice.PoolConfig = {}) {
      super({ connectionString, ...config })
      kept(this)
    }
  }
  const given = {
    ...sluice,
    ...control,
    ...monitor,
    ...sizing,
    Pool,
    createPools: (...all: Parameters<typeof sluice.createPools>) => kept(sluice.createPools(...all)),
    globalPools: (...all: Parameters<typeof sluice.globalPools>) => kept(sluice.globalPools(...all)),
    onShutdown: () => undefined,
    sleep,
    process: { env: { DATABASE_URL: connectionString, DATABASE_POOL_URL: connectionString } },
    console: { log: (line: string) => said.push(line) },
  }
  return { given, said }
}

const block = (page: string, part: string) => codeOf(page).find((code) => code.includes(part)) ?? ''

test('control.md: a pool follows a burst up and down again', async () => {
  const { given, said } = house()
  await runCode(block('control.md', 'adapt('), given)
  expect(said[0]).toBe('10 → 20: start at half of 40, a tenth kept')
  expect(
    said.filter((line) => /in use, more than 80 %: \d+ × 1\.5, up to \d+, makes/.test(line)),
  ).not.toEqual([])
  expect(said.at(-1)).toMatch(/idle: \d+ × 0\.7, not below 12, makes \d+$/)
})

describe('pools.md', () => {
  test.each(['onShutdown(pools)', 'globalPools('])('the code with %s runs', async (part) => {
    await expect(runCode(block('pools.md', part), house().given)).resolves.toBeUndefined()
  })

  test('pools share a cap as in the picture', async () => {
    const { given, said } = house()
    await runCode(block('pools.md', 'restJobs'), given)
    const sizes = said.map((line) => [...line.matchAll(/\d+/g)].map(Number))
    const [onlyJobs = [], both = [], onlyWeb = []] = sizes
    for (const size of [onlyJobs, both, onlyWeb])
      expect((size[0] ?? 9) + (size[1] ?? 9)).toBeLessThanOrEqual(6)
    // What is under way when it looks depends on the machine; who has more does not.
    expect(onlyJobs[1]).toBeGreaterThan(onlyJobs[0] ?? 9)
    expect(onlyWeb[0]).toBeGreaterThan(onlyWeb[1] ?? 9)
    expect(both[0]).toBeGreaterThanOrEqual(2)
  })
})

describe('monitor.md', () => {
  test('a probe is answered, and advice is there', async () => {
    const answers: unknown[] = []
    const response = { status: (code: number) => ({ json: (body: unknown) => answers.push(code, body) }) }
    const redis = { ping: async () => 'PONG' }
    await runCode(block('monitor.md', 'response.status'), {
      ...house().given,
      redis,
      response,
      log: () => undefined,
    })
    expect(answers).toHaveLength(2)
    expect(answers[1]).toMatchObject({ checks: { redis: { status: 'healthy' } } })
  })

  test('advice about five minutes takes two pictures', async () => {
    const { given } = house()
    const waits: number[] = []
    const atOnce = (done: () => void, millis: number) => {
      waits.push(millis)
      done()
    }
    await runCode(block('monitor.md', 'agoMillis'), { ...given, pool: new given.Pool(), setTimeout: atOnce })
    expect(waits).toEqual([300_000])
  })
})

describe('monitoring.md', () => {
  /** As node:http has it, on a free port until the test is over. */
  function createServer(listener: RequestListener) {
    const server = http.createServer(listener)
    made.push({
      [Symbol.asyncDispose]: async () => {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      },
    })
    return { listen: () => server.listen(0, '127.0.0.1') }
  }

  /** Runs a block, and returns the server that it makes. */
  async function serverOf(part: string, given: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const servers: Server[] = []
    const code = `${block('monitoring.md', part)}\ntold(server)`
    const told = (server: Server) => servers.push(server)
    await runCode(code, { ...house().given, createServer, told, ...given })
    const [server] = servers as [Server]
    if (!server.listening) await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  test('the pools of a program are scraped', async () => {
    const url = await serverOf('prometheus(pools', { Registry })
    const { value } = readExposition(await (await fetch(url)).text())
    const sizes = ['web', 'jobs'].map((pool) => value('db_pool_max_connections', { pool }))
    expect(sizes).toEqual([20, 20])
  })

  test('probes are answered, each in its way', async () => {
    const url = await serverOf("probe: 'readiness'", {
      redis: { ping: () => Promise.reject(new Error('away')) },
    })
    const found = ['/live', '/ready', '/'].map(async (path) => (await fetch(url + path)).status)
    expect(await Promise.all(found)).toEqual([200, 503, 404])
  })

  test('pools are told to OpenTelemetry', async () => {
    const { given } = house()
    const names: string[] = []
    const named = (what: object) => (name: string) => {
      names.push(name)
      return what
    }
    const metrics = { getMeter: named(new MeterProvider().getMeter('docs')) }
    const trace = { getTracer: named(new BasicTracerProvider().getTracer('docs')) }
    await runCode(block('monitoring.md', 'openTelemetry('), { ...given, metrics, trace })
    expect(names).toEqual(['shop', 'shop'])
  })

  test('a pool is told to CloudWatch', async () => {
    const sent: PutMetricDataInput[] = []
    class CloudWatch {
      async putMetricData(input: PutMetricDataInput): Promise<void> {
        sent.push(input)
      }
    }
    const { given } = house()
    await runCode(block('monitoring.md', 'cloudWatch('), { ...given, CloudWatch })
    expect(sent).toMatchObject([{ Namespace: 'Shop' }])
    expect(sent[0]?.MetricData.map(({ MetricName }) => MetricName)).toContain('PoolUtilization')
  })

  /** The code's pools, at the server of the test run. */
  const createPools = (parts: Parameters<typeof sluice.createPools>[0], options: sluice.PoolsOptions) =>
    kept(sluice.createPools(parts, { ...options, connectionString: databaseUrl() }))

  test('what happens to the pools of a program is logged', async () => {
    const lines: string[] = []
    const logger = () => pino({ level: 'debug' }, { write: (line) => lines.push(line) })
    const code = `${block('monitoring.md', 'log(pools')}\nawait pools.web.query('SELECT 1')\nlogging.stop()`
    await runCode(code, { ...house().given, createPools, pino: logger })
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ pool: 'web', event: 'opened' })
  })

  test('a collector of one’s own gets figures', async () => {
    const gauges: string[] = []
    const statsd = { gauge: (name: string) => gauges.push(name) }
    const { given } = house()
    const soon = (pools: monitor.NamedPools<sluice.Pool>, options: monitor.MonitorOptions<sluice.Pool>) =>
      monitor.monitor(pools, { ...options, every: 20 })
    const code = `${block('monitoring.md', 'statsd.gauge')}
      while (gauges.length < 4) await sleep(5)
      const [{ extra }] = await monitoring.collect()
      console.log(Object.keys(extra).sort().join())
      console.log([extra.cache.error, extra.database.error].map(String).join())
      monitoring.stop()`
    const said: string[] = []
    await runCode(code, {
      ...given,
      createPools,
      monitor: soon,
      statsd,
      gauges,
      console: { log: (line: string) => said.push(line) },
    })
    expect(said).toEqual(['cache,database', 'null,null'])
    expect(new Set(gauges)).toEqual(
      new Set(['web', 'jobs'].flatMap((pool) => [`${pool}.utilization`, `${pool}.queries_per_second`])),
    )
  })

  test('advice about scaling comes from what was collected', async () => {
    const { given, said } = house()
    const soon = (pool: sluice.Pool, options: monitor.MonitorOptions<sluice.Pool>) =>
      monitor.monitor(pool, { ...options, every: 20 })
    // Its windows are of minutes: that the samples are taken is what can be seen in a moment.
    const code = `${block('monitoring.md', 'scalingAdvice(series')}
      while (series.length < 3) await sleep(5)
      monitoring.stop()
      console.log(String(series.every(({ cpu, max, utilization }) => cpu === 90 && max === 10 && utilization >= 0)))`
    await runCode(code, { ...given, monitor: soon, databaseCpu: () => Promise.resolve(90) })
    expect(said).toEqual(['true'])
  })

  test('the pools of a program are shown', async () => {
    const { given, said } = house()
    const onFreePort = async (options: DashboardOptions) => kept(await dashboard({ ...options, port: 0 }))
    await runCode(block('monitoring.md', 'dashboard({'), { ...given, dashboard: onFreePort })
    const [, url = ''] = /^The dashboard is at (http:.*)$/.exec(said[0] ?? '') ?? []
    const { hello } = await look(url)
    expect(hello.slow.map(({ name }) => name)).toEqual(['web', 'jobs'])
  })
})

test('endpoints.md: a pool has two ways, and says where it leads', async () => {
  await expect(
    runCode(block('endpoints.md', 'directConnectionString'), house().given),
  ).resolves.toBeUndefined()
})

test('troubleshooting.md: a plan is explained', async () => {
  const { given } = house()
  const table = (text: string) => withClient((client) => client.query(text))
  await table(
    'CREATE TABLE IF NOT EXISTS big AS SELECT g AS id, g % 1000 AS a, now() AS t FROM generate_series(1, 100000) AS g',
  )
  await table('ANALYZE big')
  const code = `${block('troubleshooting.md', 'explain(pool')}\nconsole.log(findings.map(({ code }) => code).join())`
  const { said } = house()
  await runCode(code, {
    ...given,
    pool: new given.Pool(),
    console: { log: (line: string) => said.push(line) },
  })
  await table('DROP TABLE big')
  expect(said[0]).toContain('missing-index')
})

test('sizing.md: the smallest of the answers', async () => {
  const { given, said } = house()
  await runCode(`${block('sizing.md', 'recommend(')}\nconsole.log(max + ' ' + min)`, given)
  expect(said).toEqual(['8 2'])
})
