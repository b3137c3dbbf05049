/** Made-up pools for the dashboard's page: one in trouble, one whose breaker is open, one that is well. The same at every run. */
import type {
  EventFrame,
  Frame,
  Hello,
  History,
  PoolFrame,
  SlotFrame,
  SlowPoolFrame,
} from '../../src/dashboard/frame.ts'

const SECONDS = 300

/** What a slot is unless told otherwise. */
const SLOT: SlotFrame = {
  id: 1,
  state: 'idle',
  sinceMillis: 800,
  agent: null,
  processId: 4100,
  uses: 120,
  ageMillis: 754_000,
  depth: null,
  reason: null,
  stack: null,
}

const STACK = `Error: taken here
    at exportInvoices (/app/src/jobs/invoices.ts:41:27)
    at async runNightly (/app/src/jobs/nightly.ts:18:5)
    at async main (/app/src/worker.ts:9:3)`

/** A pool in which nothing happens. */
export function calm(name: string, change: Partial<PoolFrame> = {}): PoolFrame {
  return {
    name,
    state: 'running',
    max: 10,
    min: 2,
    maxOverflow: 0,
    counts: countsOf(change.slots ?? [], 0, 0),
    utilization: 0,
    oldestWaitMillis: 0,
    totals: {
      opened: 0,
      openFailures: 0,
      acquired: 0,
      timeouts: 0,
      aborted: 0,
      rejected: 0,
      shed: 0,
      leaked: 0,
      retries: 0,
      closed: {},
    },
    reuse: 0,
    lastOpenFailure: null,
    wait: { mean: 0, p95: 0, p99: 0 },
    perSecond: { answered: 0, failed: 0 },
    classes: [],
    latency: { p50: null, p95: null, p99: null },
    queue: { rows: [], more: 0 },
    breaker: null,
    slots: [],
    ...change,
  }
}

/** The counts that belong to these slots. */
export function countsOf(slots: readonly SlotFrame[], waiting: number, leaking: number): PoolFrame['counts'] {
  const of = (state: SlotFrame['state']) => slots.filter((slot) => slot.state === state).length
  return {
    total: slots.length,
    opening: of('opening'),
    idle: of('idle'),
    checking: of('checking'),
    leased: of('leased'),
    shared: of('shared'),
    cancelling: of('cancelling'),
    closing: of('closing'),
    waiting,
    lost: 0,
    leaking,
  }
}

/** So many slots of every state. */
export function manySlots(length: number, tick: number): readonly SlotFrame[] {
  const states = ['idle', 'leased', 'shared', 'leased', 'checking', 'shared', 'closing'] as const
  return Array.from({ length }, (_, index) => {
    const state = states[(index * 7 + Math.floor((tick + index) / 3)) % states.length] ?? 'idle'
    return {
      ...SLOT,
      id: index + 1,
      state,
      sinceMillis: ((index * 37 + tick * 250) % 4000) + 10,
      agent: state === 'leased' ? `agent-${index % 40}` : null,
      processId: 5000 + index,
      depth: state === 'shared' ? 1 + ((index + tick) % 9) : null,
      reason: state === 'closing' ? 'idle' : null,
    }
  })
}

const AGENTS = ['planner', 'retriever', 'summarizer', 'invoice-extraction-worker-eu-central-1b-7f9c4', 'chat']

function troubledSlots(tick: number): readonly SlotFrame[] {
  const leased = (
    id: number,
    sinceMillis: number,
    agent: string,
    stack: string | null = null,
  ): SlotFrame => ({
    ...SLOT,
    id,
    state: 'leased',
    sinceMillis: sinceMillis + (sinceMillis < 5_000 ? (tick * 250) % 1_500 : tick * 250),
    agent,
    processId: 4100 + id,
    stack,
  })
  const lanes = [4, 9, 2, 13].map((depth, index) => ({
    ...SLOT,
    id: 11 + index,
    state: 'shared' as const,
    depth: depth + ((tick + index) % 3),
    processId: 4111 + index,
    uses: 900 + index,
  }))
  return [
    ...[40, 310, 95, 1800, 620, 2400].map((millis, index) =>
      leased(index + 1, millis % (1000 + index * 400), AGENTS[index % 5] ?? 'chat'),
    ),
    leased(7, 7_400, 'summarizer'),
    leased(8, 94_000, AGENTS[3] ?? '', STACK),
    leased(9, 91_500, AGENTS[3] ?? '', STACK),
    leased(10, 12_600, 'planner'),
    ...lanes,
    { ...SLOT, id: 15, state: 'checking', sinceMillis: 4, processId: 4115 },
    { ...SLOT, id: 16, state: 'cancelling', sinceMillis: 230, agent: 'chat', processId: 4116 },
    { ...SLOT, id: 17, state: 'closing', sinceMillis: 90, processId: 4117, reason: 'lifetime' },
    { ...SLOT, id: 18, state: 'opening', sinceMillis: 35, processId: null, uses: 0, ageMillis: null },
    leased(19, 150, 'retriever'),
    leased(20, 480, 'chat'),
    leased(21, 80, 'planner'),
    leased(22, 260, 'retriever'),
  ]
}

function troubled(tick: number): PoolFrame {
  const slots = troubledSlots(tick)
  const rows = [
    { priority: 1, agent: 'chat', waiting: 3, oldestMillis: 140 },
    { priority: 2, agent: 'planner', waiting: 11, oldestMillis: 1_900 },
    { priority: 2, agent: 'retriever', waiting: 7, oldestMillis: 1_200 },
    { priority: 2, agent: AGENTS[3] ?? '', waiting: 18, oldestMillis: 4_300 },
    { priority: 3, agent: null, waiting: 4, oldestMillis: 6_100 },
  ]
  const waiting = rows.reduce((sum, row) => sum + row.waiting, 0)
  const wave = Math.sin(tick / 9)
  return calm('orders', {
    max: 20,
    min: 5,
    maxOverflow: 5,
    slots,
    counts: countsOf(slots, waiting, 2),
    utilization: 100,
    oldestWaitMillis: 6_100,
    totals: {
      opened: 64,
      openFailures: 3,
      acquired: 184_204,
      timeouts: 41,
      aborted: 12,
      rejected: 7,
      shed: 96,
      leaked: 2,
      retries: 5,
      closed: { idle: 22, lifetime: 9, lost: 4, 'max-uses': 2, 'above-max': 5 },
    },
    reuse: 0.998,
    lastOpenFailure: { message: 'sorry, too many clients already (53300)', ageMillis: 95_000 },
    wait: { mean: 61.4, p95: 840, p99: 4_120 },
    perSecond: { answered: 1_960 + Math.round(wave * 60), failed: 3 },
    latency: { p50: 1.9, p95: 48 + wave * 6, p99: 910 + wave * 90 },
    classes: [
      { class: 'simple', perSecond: 2_300, p50: 1.4, p95: 6.2, p99: 18 },
      { class: 'moderate', perSecond: 96, p50: 31, p95: 210, p99: 480 },
      { class: 'analytical', perSecond: 2.1, p50: 1_200, p95: 3_400, p99: 4_900 },
    ],
    queue: { rows, more: 0 },
    breaker: { state: 'closed', failures: 3, calls: 2_400, retryAfterMillis: 0 },
  })
}

function broken(tick: number): PoolFrame {
  return calm('reports', {
    max: 6,
    breaker: { state: 'open', failures: 14, calls: 20, retryAfterMillis: Math.max(0, 8_000 - tick * 250) },
    lastOpenFailure: { message: 'connect ECONNREFUSED', ageMillis: 2_000 + tick * 250 },
    totals: { ...calm('').totals, opened: 6, openFailures: 14, acquired: 3_120, closed: { lost: 6 } },
    reuse: 0.99,
    wait: { mean: 4, p95: 9, p99: 30 },
  })
}

function well(tick: number): PoolFrame {
  const slots = manySlots(14, tick).map((slot) =>
    slot.state === 'closing' || slot.state === 'checking'
      ? { ...slot, state: 'idle' as const, reason: null }
      : slot,
  )
  const counts = countsOf(slots, 0, 0)
  return calm('sessions', {
    max: 20,
    slots,
    counts,
    utilization: (100 * (counts.leased + counts.shared)) / 20,
    totals: { ...calm('').totals, opened: 14, acquired: 51_880 },
    reuse: 0.9997,
    wait: { mean: 0.4, p95: 1.2, p99: 3.9 },
    perSecond: { answered: 870, failed: 0 },
    latency: { p50: 0.8, p95: 2.1, p99: 5.4 },
    classes: [{ class: 'simple', perSecond: 870, p50: 0.8, p95: 2.1, p99: 5.4 }],
    breaker: { state: 'closed', failures: 0, calls: 870, retryAfterMillis: 0 },
  })
}

const SLOW: readonly SlowPoolFrame[] = [
  {
    name: 'orders',
    endpoint: 'direct',
    advice: [
      {
        code: 'leak',
        severity: 'critical',
        title: '2 connections of 20 were taken and not given back',
        evidence:
          '2 leases out for more than 60,000 ms; the longest taken at exportInvoices (/app/src/jobs/invoices.ts:41:27).',
        reason: 'A connection that is not released is lost to everybody else until the process ends.',
        change: 'Release in a finally block there, or take the connection with `await using`.',
      },
      {
        code: 'slow-wait',
        severity: 'warning',
        title: 'Callers wait too long for a connection',
        evidence: '61.4 ms on average over 184,204 loans (50 ms is too long); 41 timeouts.',
        reason: 'Every request pays that wait before its first statement.',
        change: 'Repair the leaks first; then raise max to 30: the server has 64 sessions left.',
      },
      {
        code: 'overflow',
        severity: 'advice',
        title: 'The overflow is in use most of the time',
        evidence: '2 of 5 overflow connections open now.',
        reason: 'What is opened for one use costs a handshake each time.',
        change: 'Raise max by 5 and keep maxOverflow for the peaks.',
      },
    ],
    statements: [
      {
        text: 'SELECT customer_id, sum(total) FROM orders WHERE placed_at > $1 GROUP BY customer_id ORDER BY 2 DESC LIMIT ?',
        calls: 214,
        meanMillis: 1_240,
        highMillis: 4_910,
      },
      {
        text: 'SELECT id, embedding <-> $1 FROM chunks ORDER BY 2 LIMIT ?',
        calls: 9_120,
        meanMillis: 38.2,
        highMillis: 480,
      },
      { text: 'UPDATE orders SET state = ? WHERE id = $1', calls: 12_004, meanMillis: 4.1, highMillis: 220 },
      {
        text: 'SELECT name, price FROM products WHERE id = $1',
        calls: 160_221,
        meanMillis: 0.6,
        highMillis: 31,
      },
    ],
  },
  { name: 'reports', endpoint: 'transaction (PgBouncer)', advice: [], statements: [] },
  { name: 'sessions', endpoint: 'direct', advice: [], statements: [] },
]

const TEXTS: readonly (readonly [EventFrame['level'], string])[] = [
  ['info', 'orders: 4 connections opened'],
  ['warn', 'orders: the queue is full, 7 callers rejected'],
  ['info', 'sessions: 2 connections closed: idle'],
  [
    'error',
    'orders: connection 8 was taken by invoice-extraction-worker-eu-central-1b-7f9c4 and not given back',
  ],
  ['warn', 'orders: opening failed: too many clients already (53300)'],
  ['error', 'reports: the circuit breaker opened'],
]

function pastOf(name: string, at: number, level: number): History {
  const seconds = Array.from({ length: SECONDS }, (_, index) => index)
  const size = name === 'reports' ? 0.3 : 1
  const crisis = (n: number) => (name === 'orders' ? Math.max(0, (n - 190) / 110) : 0)
  const noise = (n: number) => 0.5 + 0.5 * Math.sin(n * 1.7) * Math.cos(n * 0.61)
  const curve = (of: (n: number) => number) => seconds.map((n) => Math.round(of(n) * 10) / 10)
  return {
    name,
    at: seconds.map((n) => at - (SECONDS - n) * 1000),
    answered: curve(
      (n) => level * (0.9 + 0.15 * Math.sin(n / 23) + 0.08 * noise(n)) * (1 - crisis(n) * 0.25),
    ),
    failed: curve((n) => Math.round(crisis(n) * 5 * noise(n))),
    waiting: curve((n) => Math.round(crisis(n) * 43 * (0.8 + 0.2 * noise(n)))),
    busy: curve((n) => Math.round(Math.min(22, size * (9 + crisis(n) * 16 + 3 * noise(n))))),
    total: curve((n) => Math.round(Math.min(22, size * (14 + crisis(n) * 12)))),
    p50: curve((n) => 1.2 + 0.7 * crisis(n) + 0.3 * noise(n)),
    p95: curve((n) => 6 + 42 * crisis(n) + 3 * noise(n)),
    p99: curve((n) => 24 + 880 * crisis(n) * (0.7 + 0.3 * noise(n)) + 8 * noise(n)),
  }
}

/** What whoever comes is told first. */
export function storyHello(at: number, run = 'story'): Hello {
  return {
    version: '0.1.0',
    run,
    everyMillis: 250,
    history: [pastOf('orders', at, 2_800), pastOf('reports', at, 0), pastOf('sessions', at, 870)],
    slow: SLOW,
    events: TEXTS.map(([level, text], index) => ({
      id: index + 1,
      at: at - (60 - index * 9) * 1000,
      level,
      text,
    })),
  }
}

/** The frame of one moment; `tick` counts them. */
export function storyFrame(at: number, tick: number): Frame {
  return { at, pools: [troubled(tick), broken(tick), well(tick)], events: [] }
}
