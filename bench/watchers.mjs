/** Whoever watches a pool in the monitor bench. What works now and then does so every second here, far more often than anywhere else. */
import { spawn, spawnSync } from 'node:child_process'
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
      await look(`${url}events`)
      return close
    },
  },
]

/** Reads one stream after the other, in a process of its own, and says when each begins. */
const VIEWER = `
process.stdin.on('data', async (line) => {
  const { body } = await fetch(String(line).trim())
  let isNew = true
  try {
    for await (const chunk of body) {
      if (isNew && chunk.length > 0) console.log('here')
      isNew = false
    }
  } catch {}
})
`

/** @type {import('node:child_process').ChildProcess | undefined} */
let viewer

/** Has the viewer look at a feed. @param {string} url */
async function look(url) {
  viewer ??= startViewer()
  viewer.stdin?.write(`${url}\n`)
  await once(/** @type {import('node:stream').Readable} */ (viewer.stdout), 'data')
}

/** Nobody looks any more. */
export function endViewer() {
  viewer?.kill()
}

function startViewer() {
  const child = spawn(process.execPath, ['-e', VIEWER], { stdio: ['pipe', 'pipe', 'inherit'] })
  // Beside the server: its core is the one that the pool does not need.
  spawnSync('taskset', ['-acp', '1', String(child.pid)], { stdio: 'ignore' })
  return child
}

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
