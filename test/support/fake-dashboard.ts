/** A dashboard's feed without a pool behind it: says over HTTP what a test hands it. */
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Frame, Hello, PoolFrame, SlotFrame, SlowPoolFrame } from '../../src/dashboard/frame.ts'

const counts: PoolFrame['counts'] = {
  total: 3,
  opening: 0,
  idle: 1,
  checking: 0,
  leased: 1,
  shared: 1,
  cancelling: 0,
  closing: 0,
  waiting: 12,
  lost: 0,
  leaking: 0,
}

/** One slot. */
export function slotFrame(state: SlotFrame['state'], more: Partial<SlotFrame> = {}): SlotFrame {
  return {
    id: 1,
    state,
    sinceMillis: 340,
    agent: null,
    processId: 4_711,
    uses: 7,
    ageMillis: 60_000,
    depth: null,
    reason: null,
    stack: null,
    ...more,
  }
}

/** A busy pool of ten. */
export function poolFrame(more: Partial<PoolFrame> = {}): PoolFrame {
  return {
    name: 'default',
    state: 'running',
    max: 10,
    min: 0,
    maxOverflow: 0,
    counts,
    utilization: 20,
    oldestWaitMillis: 120,
    totals: {
      opened: 3,
      openFailures: 0,
      acquired: 100,
      timeouts: 0,
      aborted: 0,
      rejected: 0,
      shed: 0,
      leaked: 0,
      retries: 0,
      closed: {},
    },
    reuse: 0.97,
    lastOpenFailure: null,
    wait: { mean: 1, p95: 2.5, p99: 4 },
    perSecond: { answered: 1_234, failed: 0 },
    classes: [{ class: 'simple', perSecond: 1_200, p50: 0.42, p95: 1.2, p99: null }],
    latency: { p50: 0.42, p95: 1.2, p99: null },
    queue: { rows: [{ priority: 1, agent: 'planner', waiting: 12, oldestMillis: 120 }], more: 0 },
    breaker: null,
    slots: [
      slotFrame('leased', { agent: 'planner', sinceMillis: 12_300 }),
      slotFrame('shared', { depth: 7 }),
      slotFrame('idle'),
    ],
    ...more,
  }
}

/** What is told of a pool now and then. */
export function slowFrame(more: Partial<SlowPoolFrame> = {}): SlowPoolFrame {
  return { name: 'default', advice: [], statements: [], endpoint: 'postgresql, direct', ...more }
}

/** The first thing said. */
export function hello(more: Partial<Hello> = {}): Hello {
  return {
    version: '0.1.0',
    run: 'first',
    everyMillis: 50,
    history: [],
    slow: [slowFrame()],
    events: [],
    ...more,
  }
}

/** One frame. */
export function frameOf(pools: readonly PoolFrame[], more: Partial<Frame> = {}): Frame {
  return { at: 1_700_000_000_000, pools, events: [], ...more }
}

/** What the server is to do. */
export interface FakeOptions {
  readonly port?: number
  readonly token?: string
  readonly hello?: Hello
  /** Said twenty times a second. */
  readonly frame?: () => unknown
  /** Answers instead of the feed. */
  readonly answer?: (response: ServerResponse) => void
}

/** A fake that listens. */
export interface FakeDashboard {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** Starts one on a free port, or on the one given. */
export async function fakeDashboard(options: FakeOptions = {}): Promise<FakeDashboard> {
  const timers = new Set<NodeJS.Timeout>()
  const server = createServer((request, response) => {
    if (options.answer !== undefined) return options.answer(response)
    if (options.token !== undefined && request.headers.authorization !== `Bearer ${options.token}`)
      return void response.writeHead(401).end()
    if (request.url !== '/events') return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    say(response, 'hello', options.hello ?? hello())
    const timer = setInterval(() => {
      say(response, 'frame', options.frame?.() ?? frameOf([poolFrame()]))
    }, 50)
    timers.add(timer)
    response.on('close', () => clearInterval(timer))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        for (const timer of timers) clearInterval(timer)
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function say(response: ServerResponse, name: string, data: unknown): void {
  response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
}
