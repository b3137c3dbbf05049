/** A process whose pools are watched by everything ends by itself, as it would with nobody watching. */
import { expect, test } from 'vitest'
import { programs } from '../faults/support.ts'
import { databaseUrl } from '../support/postgres.ts'

const program = programs()

test('everything attached keeps no process up that has nothing to do', async () => {
  const { child, said } = program(
    databaseUrl(),
    `import { metrics, trace } from '@opentelemetry/api'
     import { Registry } from 'prom-client'
     import { dashboard } from 'sluice/dashboard'
     import { cloudWatch, log, monitor, openTelemetry, prometheus } from 'sluice/monitor'
     const pool = new Pool({ connectionString: url, allowExitOnIdle: true, min: 1, circuitBreaker: true })
     const registry = new Registry()
     prometheus(pool, registry, { activity: true })
     openTelemetry(pool, metrics.getMeter('test'), trace.getTracer('test'))
     cloudWatch(pool, { putMetricData: () => new Promise(() => undefined) }, { namespace: 'test', everyMillis: 1_000 })
     log(pool, { debug() {}, info() {}, warn() {}, error() {} }, { echo: true, first: 1 })
     monitor(pool, { every: 10, onMetrics: () => undefined }).start()
     await dashboard({ pools: pool, port: 0, unref: true })
     for (let n = 0; n < 5; n++) await pool.query('SELECT 1')
     await pool.query('SELECT nothing').catch(() => undefined)
     await registry.metrics()
     console.log('idle')`,
  )
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await said('idle')
  expect(await ended).toBe(0)
}, 20_000)
