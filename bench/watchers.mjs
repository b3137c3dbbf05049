/** Whoever watches a pool in the monitor bench. What works now and then does so every second here, far more often than anywhere else. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base'
import pino from 'pino'
import { Registry } from 'prom-client'
import { dashboard } from '../dist/dashboard/index.js'
import { log, openTelemetry, prometheus } from '../dist/monitor/index.js'
import { record } from '../dist/monitor/recorder.js'

/**
 * @typedef {object} Watcher
 * @property {string} name
 * @property {(pool: import('../dist/index.js').Pool) => Promise<() => Promise<unknown>>} watch begins; returns the end of it
 */

const EVERY = 1_000

/** @type {Watcher[]} */
export const WATCHERS = [
  {
    name: 'counting alone',
    watch: async (pool) => {
      const { stop } = record(pool)
      return async () => stop()
    },
  },
  {
    name: 'prometheus(), scraped',
    watch: async (pool) => {
      const registry = new Registry()
      const { stop } = prometheus(pool, registry)
      const timer = setInterval(() => void registry.metrics(), EVERY)
      return async () => {
        clearInterval(timer)
        stop()
      }
    },
  },
  { name: 'openTelemetry(), metrics', watch: (pool) => telemetry(pool, undefined) },
  { name: 'openTelemetry(), and 1 % of spans', watch: (pool) => telemetry(pool, 0.01) },
  { name: 'openTelemetry(), and all spans', watch: (pool) => telemetry(pool, 1) },
  {
    name: 'log(), at info',
    watch: async (pool) => {
      const nowhere = new Writable({ write: (_, __, done) => done() })
      const { stop } = log(pool, pino({ level: 'info' }, nowhere))
      return async () => stop()
    },
  },
  {
    name: 'dashboard, nobody looks',
    watch: async (pool) => {
      const { close } = await dashboard({ pools: pool })
      return close
    },
  },
  {
    name: 'dashboard, one viewer',
    watch: async (pool) => {
      const { close, url } = await dashboard({ pools: pool })
      const viewer = spawn(process.execPath, ['--input-type=module', '-e', VIEWER, `${url}events`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(viewer.stdout, 'data')
      return async () => {
        viewer.kill()
        await close()
      }
    },
  },
]

/** Reads what it gets, in a process of its own, and says when it begins. */
const VIEWER = `
const { body } = await fetch(process.argv[1])
let bytes = 0
for await (const chunk of body) {
  if (bytes === 0) console.log('here')
  bytes += chunk.length
}
`

/** @param {import('../dist/index.js').Pool} pool @param {number | undefined} share of the spans that are kept */
async function telemetry(pool, share) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA)
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: EVERY,
    exportTimeoutMillis: EVERY,
  })
  const meters = new MeterProvider({ readers: [reader] })
  const traces = share === undefined ? undefined : tracesOf(share)
  const { stop } = openTelemetry(pool, meters.getMeter('bench'), traces?.getTracer('bench'))
  return async () => {
    stop()
    await meters.shutdown()
    await traces?.shutdown()
  }
}

/** @param {number} share */
function tracesOf(share) {
  const nowhere = {
    export: (/** @type {unknown} */ _, /** @type {(result: { code: number }) => void} */ done) =>
      done({ code: 0 }),
    shutdown: async () => {},
  }
  return new BasicTracerProvider({
    sampler: new TraceIdRatioBasedSampler(share),
    spanProcessors: [new BatchSpanProcessor(nowhere)],
  })
}
