/** Checked by the compiler: prom-client's own registries, our pools and node's own requests are what the exporter and the handlers take. */
import { createServer } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Express } from 'express'
import type { AggregatorRegistry, OpenMetricsContentType, PrometheusContentType } from 'prom-client'
import { Registry, register } from 'prom-client'
import type { Pool as CorePool } from '../../src/core/index.ts'
import { createPools, Pool } from '../../src/index.ts'
import type { Handler, PrometheusExport } from '../../src/monitor/index.ts'
import { healthHandler, metricsHandler, nodeHandler, prometheus } from '../../src/monitor/index.ts'

declare const pool: Pool
declare const core: CorePool<object>
declare const openMetrics: Registry<OpenMetricsContentType>
declare const cluster: AggregatorRegistry<PrometheusContentType>
declare const app: Express

export const one: PrometheusExport = prometheus(new Pool(), new Registry())
export const shared: PrometheusExport = prometheus(pool, register, {
  labels: { worker: '1' },
  activity: true,
})
export const written: PrometheusExport = prometheus(pool, openMetrics, { activity: { timeoutMillis: 100 } })
export const grouped: PrometheusExport = prometheus(createPools({ web: {}, jobs: {} }, { max: 10 }), register)
export const named: PrometheusExport = prometheus({ web: pool, engine: core }, register)
export const mapped: PrometheusExport = prometheus(new Map([['web', pool]]), cluster)

// @ts-expect-error an option that does not exist
prometheus(pool, register, { label: { worker: '1' } })
// @ts-expect-error not a registry
prometheus(pool, new Map())

export const scrape: Handler = metricsHandler(register)
export const scrapeOpen: Handler = metricsHandler(openMetrics)
export const scrapeCluster: Handler = metricsHandler({
  metrics: () => cluster.clusterMetrics(),
  contentType: cluster.contentType,
})
export const live: Handler = healthHandler({ web: pool, engine: core }, { probe: 'liveness' })
export const ready: Handler = healthHandler(createPools({ web: {} }, { max: 10 }), {
  probe: 'readiness',
  checks: { redis: async () => 'PONG' },
  timeoutMillis: 500,
  detail: false,
})

// @ts-expect-error liveness asks nobody
healthHandler(pool, { probe: 'liveness', timeoutMillis: 100 })
// @ts-expect-error the engine alone cannot be asked
healthHandler(core, { probe: 'readiness' })

createServer(nodeHandler(scrape))
app.get('/metrics', nodeHandler(scrape))
export const secure: (request: Http2ServerRequest, response: Http2ServerResponse) => void =
  nodeHandler(scrape)
