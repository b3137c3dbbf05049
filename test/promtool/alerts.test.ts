/** The alert rules, as Prometheus itself judges them. */
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { alertRules } from '../../src/monitor/alerts.ts'
import { promtool } from '../support/promtool.ts'
import type { Scraped } from './scene.ts'
import {
  acquires,
  counter,
  firing,
  gauge,
  judge,
  noneFiring,
  once,
  pool,
  silence,
  statements,
  thenGone,
  withFailedScrapes,
} from './scene.ts'

interface WrittenRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

const rules = alertRules()
const written = (parse(rules) as { groups: { interval: string; rules: WrittenRule[] }[] }).groups

test('promtool has nothing to say against the rule file, with options or without', () => {
  const labelled = alertRules({ runbookUrl: 'https://wiki.example/alerts/', labels: { team: 'data' } })
  const count = written.flatMap((group) => group.rules).length
  for (const text of [rules, labelled]) {
    const { code, said } = promtool(['check', 'rules', '--lint-fatal', 'rules.yml'], { 'rules.yml': text })
    expect([code, said]).toEqual([0, expect.stringContaining(`SUCCESS: ${count} rules found`)])
  }
})

/** Alert, what is seen, when it does not fire yet, when it does. */
const fires: readonly (readonly [string, string, Scraped[], before: string | undefined, at: string])[] = [
  ['DatabasePoolSaturated', 'one of ten idle', pool({ total: 10, idle: 1 }), '4m30s', '5m'],
  ['DatabasePoolSaturated', 'a pool of one in use', pool({ max: 1, total: 1 }), '4m30s', '5m'],
  ['DatabasePoolSaturated', 'overflow in use', pool({ total: 12, maxOverflow: 5 }), '4m30s', '5m'],
  ['DatabasePoolHighWaitTime', '11 waiting', pool({ total: 10, idle: 1, waiting: 11 }), '1m30s', '2m'],
  ['DatabasePoolHighUtilization', '9 of 10 in use', pool({ total: 10, idle: 1 }), '4m30s', '5m'],
  ['DatabasePoolExhausted', '11 waiting, none idle', pool({ total: 10, waiting: 11 }), '30s', '1m'],
  ['DatabasePoolExhausted', 'nothing can be opened', pool({ waiting: 11 }), '30s', '1m'],
  ['DatabasePoolQueueLong', '101 queued', pool({ total: 10, waiting: 101 }), '30s', '1m'],
  ['DatabasePoolOverflowHigh', '9 of 10', pool({ total: 19, maxOverflow: 10 }), '4m30s', '5m'],
  ['DatabasePoolSlowAcquire', '60 ms', acquires(50, 0.06, 50), '2m', '3m'],
  [
    'DatabasePoolAcquireTimeouts',
    '1.2 a minute',
    [counter('refusals', 0.6, { reason: 'timeout' })],
    '1m',
    '7m',
  ],
  [
    'DatabasePoolAcquireTimeouts',
    'few of each kind, 1.2 a minute together',
    ['timeout', 'shed', 'rejected'].map((reason) => counter('refusals', 0.2, { reason })),
    '1m',
    '7m',
  ],
  ['DatabasePoolLowReuse', '89 %', [...pool(), ...acquires(100, 0, 89)], '5m', '8m'],
  [
    'DatabaseConnectionErrors',
    '0.13 a second',
    [counter('connectionErrors', 4, { type: 'ECONNREFUSED' })],
    '4m',
    '8m',
  ],
  [
    'DatabaseConnectionErrors',
    'few of each kind and in each process, many together',
    ['57P03', '53300'].flatMap((type) =>
      ['a:9090', 'b:9090'].map((instance) => counter('connectionErrors', 1, { type, instance })),
    ),
    '4m',
    '8m',
  ],
  [
    'DatabaseConnectionErrors',
    'sixty within one scrape, the first ever',
    [once('connectionErrors', 60, undefined, { type: '53300' })],
    '1m30s',
    '4m',
  ],
  ['DatabaseSlowQueries', '6 of 100 beyond 5 s', statements(6), '5m', '6m'],
  [
    'DatabaseIdleInTransaction',
    '6 sessions',
    [gauge('sessions', 6, { state: 'idle_in_transaction' })],
    '4m30s',
    '5m',
  ],
  ['DatabaseLongStatement', '31 s', [gauge('longestStatement', 31)], undefined, '30s'],
]

describe('fires when it should, and not before its time', () => {
  test.each(fires)('%s: %s', (name, _what, seen, before, at) => {
    if (before !== undefined) expect(judge(rules, seen, firing(name, before, 0))).toMatchObject({ code: 0 })
    expect(judge(rules, seen, firing(name, at, 1))).toMatchObject({ code: 0 })
  })

  test('and each alert has a case above', () => {
    const names = written.flatMap((group) => group.rules.map(({ alert }) => alert))
    expect(new Set(fires.map(([name]) => name))).toEqual(new Set(names))
    expect(new Set(names).size).toBe(names.length)
  })
})

/** What an alert that lasts is about: a gauge, whose time would begin anew with every scrape that fails. */
const lasting: readonly (readonly [string, Scraped[]])[] = fires.flatMap(([name, , seen]) => {
  const rule = written[0]?.rules.find(({ alert }) => alert === name)
  const isLong = Number.parseInt(rule?.for ?? '0', 10) >= 120
  const isGauge = seen.every(({ values }) => !values.includes('+') && !values.includes(' '))
  return isLong && isGauge ? [[name, seen] as const] : []
})

describe('an alert about a gauge', () => {
  test.each(lasting)('%s fires though every fourth scrape fails', (name, seen) => {
    expect(judge(rules, seen.map(withFailedScrapes), firing(name, '10m', 1))).toMatchObject({ code: 0 })
  })

  test('is not fired by a process that was seen so once, and has gone', () => {
    const seen = pool({ total: 19, maxOverflow: 10, waiting: 200 }).map(thenGone)
    for (const at of ['1m', '1m30s', '2m', '5m'])
      expect(judge(rules, seen, noneFiring(at))).toMatchObject({ code: 0 })
  })
})

/** Alert, and what is at its threshold or looks like it. */
const silent: readonly (readonly [string, string, Scraped[]])[] = [
  ['DatabasePoolSaturated', 'two of ten idle', pool({ total: 10, idle: 2 })],
  ['DatabasePoolSaturated', 'none idle, but room to open more', pool({ total: 9 })],
  ['DatabasePoolSaturated', 'a pool of one that idles', pool({ max: 1, total: 1, idle: 1 })],
  ['DatabasePoolSaturated', 'a pool of two, one in use', pool({ max: 2, total: 2, idle: 1 })],
  ['DatabasePoolHighWaitTime', '10 waiting', pool({ total: 10, waiting: 10 })],
  ['DatabasePoolHighUtilization', '8 of 10 in use', pool({ total: 10, idle: 2 })],
  ['DatabasePoolExhausted', '10 waiting, none idle', pool({ total: 10, waiting: 10 })],
  ['DatabasePoolExhausted', '11 waiting while the pool is paused', pool({ total: 5, idle: 5, waiting: 11 })],
  ['DatabasePoolQueueLong', '100 queued', pool({ total: 10, waiting: 100 })],
  ['DatabasePoolOverflowHigh', '8 of 10', pool({ total: 18, maxOverflow: 10 })],
  ['DatabasePoolOverflowHigh', 'made smaller, without overflow', pool({ total: 19 })],
  ['DatabasePoolSlowAcquire', '50 ms', acquires(60, 0.05, 60)],
  ['DatabasePoolSlowAcquire', 'long, but for 20 acquires in 5 minutes', acquires(2, 1, 2)],
  ['DatabasePoolAcquireTimeouts', '1 a minute', [counter('refusals', 0.5, { reason: 'timeout' })]],
  ['DatabasePoolAcquireTimeouts', 'callers who gave up', [counter('refusals', 50, { reason: 'aborted' })]],
  ['DatabasePoolLowReuse', '90 %', [...pool(), ...acquires(300, 0, 270)]],
  ['DatabasePoolLowReuse', 'hardly any use', [...pool(), ...acquires(3, 0, 0)]],
  ['DatabasePoolLowReuse', 'few uses for so many slots', [...pool({ max: 200 }), ...acquires(100, 0, 0)]],
  ['DatabaseConnectionErrors', '0.1 a second', [counter('connectionErrors', 3, { type: '57P03' })]],
  ['DatabaseSlowQueries', '5 of 100 beyond 5 s', statements(5)],
  [
    'DatabaseSlowQueries',
    'slow in one process, few among all statements',
    [...statements(100, 1), ...statements(0, 100, { instance: 'b:9090' })],
  ],
  ['DatabaseIdleInTransaction', '5 sessions', [gauge('sessions', 5, { state: 'idle_in_transaction' })]],
  ['DatabaseIdleInTransaction', '50 sessions at work', [gauge('sessions', 50, { state: 'active' })]],
  ['DatabaseLongStatement', '30 s', [gauge('longestStatement', 30)]],
]

describe('stays silent at its threshold, and for what only looks like it', () => {
  test.each(silent)('%s: %s', (name, _what, seen) => {
    for (const at of ['5m', '10m', '25m'])
      expect(judge(rules, seen, firing(name, at, 0))).toMatchObject({ code: 0 })
  })
})

/** No alert of any name, not even a pending one. */
const quiet: readonly (readonly [string, Scraped[]])[] = [
  ['an idle pool with min 0', pool({ max: 10 })],
  ['an idle pool of one', pool({ max: 1, total: 1, idle: 1 })],
  ['a full pool that idles', pool({ max: 10, total: 10, idle: 10 })],
  [
    'no traffic',
    [
      ...pool({ total: 2, idle: 2 }),
      ...acquires(0, 0, 0),
      ...statements(0, 0),
      counter('connectionErrors', 0, { type: '57P03' }),
      counter('refusals', 0, { reason: 'timeout' }),
    ],
  ],
  [
    'the first connections of a pool, at a server that takes 300 ms for each',
    [
      ...pool({ max: 20, total: 20, idle: 20 }),
      once('wait', 20, 'count'),
      once('wait', 6, 'sum'),
      once('acquires', 20),
      once('reuses', 0),
    ],
  ],
  ['a pool at work within its targets', [...pool({ total: 10, idle: 4 }), ...acquires(1_000, 0.005, 990)]],
]

describe('no alert fires, or is about to, for', () => {
  test.each(quiet)('%s', (_what, seen) => {
    for (const at of ['1m', '2m', '5m', '10m', '20m', '29m'])
      expect(judge(rules, seen, silence(at))).toMatchObject({ code: 0 })
  })
})

describe('an alert is about', () => {
  const both = (one: (labels: Record<string, string>) => Scraped[]) =>
    ['a', 'b'].flatMap((process) => one({ instance: `${process}:9090`, pod: `shop-${process}` }))

  test('one process and one pool where it is about slots', () => {
    const full = (labels: Record<string, string>) => pool({ total: 10, waiting: 200 }, labels)
    const seen = [...both(full), ...full({ pool: 'jobs' })]
    for (const name of ['DatabasePoolSaturated', 'DatabasePoolExhausted', 'DatabasePoolQueueLong'])
      expect(judge(rules, seen, firing(name, '10m', 3))).toMatchObject({ code: 0 })
  })

  test('all processes of a pool together where it is about the database', () => {
    const seen = both((labels) => [
      ...statements(100, 100, labels),
      counter('connectionErrors', 10, { ...labels, type: '57P03' }),
      gauge('longestStatement', 60, labels),
      gauge('sessions', 6, { ...labels, state: 'idle_in_transaction' }),
    ])
    for (const name of [
      'DatabaseSlowQueries',
      'DatabaseConnectionErrors',
      'DatabaseLongStatement',
      'DatabaseIdleInTransaction',
    ])
      expect(judge(rules, seen, firing(name, '10m', 1))).toMatchObject({ code: 0 })
  })
})

/** What each alert says of the first case of it above: summary, and description. */
const says: Readonly<Record<string, readonly [summary: string, description: string]>> = {
  DatabasePoolSaturated: [
    'Pool web of a:9090 has all its connections open and hardly any idle',
    '1 idle (fewer than 2) with every connection open, for 5 minutes: the next burst waits.',
  ],
  DatabasePoolHighWaitTime: [
    'Callers of pool web of a:9090 wait for connections',
    '11 callers wait (more than 10), for 2 minutes: each is late already, and the last ones will get an error.',
  ],
  DatabasePoolHighUtilization: [
    'Pool web of a:9090 has little room left',
    '90% of its slots are in use (more than 80 %), for 5 minutes; the target is below 70 % on average.',
  ],
  DatabasePoolExhausted: [
    'Pool web of a:9090 is exhausted',
    '11 callers wait (more than 10) and no connection is idle, for a minute.',
  ],
  DatabasePoolQueueLong: [
    'The queue of pool web of a:9090 is long',
    '101 callers are queued (more than 100), for a minute.',
  ],
  DatabasePoolOverflowHigh: [
    'Pool web of a:9090 lives on temporary connections',
    '90% of maxOverflow is in use (more than 80 %), for 5 minutes; the target is below 50 %.',
  ],
  DatabasePoolSlowAcquire: [
    'Pool web of a:9090 takes long to give a connection',
    '60ms on average over 5 minutes (more than 50 ms); the target is below 10 ms.',
  ],
  DatabasePoolAcquireTimeouts: [
    'Callers of pool web of a:9090 get no connection in time',
    '1.2 acquires a minute timed out or were turned away, over 5 minutes (more than 1): each is a failed request.',
  ],
  DatabasePoolLowReuse: [
    'Pool web of a:9090 opens connections more often than it should',
    '89% of the acquires got a connection that had been used before (less than 90 %); the target is above 95 %.',
  ],
  DatabaseConnectionErrors: [
    'Pool web of shop cannot open connections, or loses them',
    '0.13 errors a second over all its processes (more than 0.1), for 2 minutes.',
  ],
  DatabaseSlowQueries: [
    'Statements of pool web of shop are slow',
    'One in 20 takes 5.833s or longer, waiting included (more than 5 s), for 5 minutes.',
  ],
  DatabaseIdleInTransaction: [
    'The server of pool web of shop has transactions open that do nothing',
    '6 sessions are idle in a transaction (more than 5), for 5 minutes: they hold locks and keep vacuum from its work.',
  ],
  DatabaseLongStatement: [
    'A statement runs for long at the server of pool web of shop',
    'It has run for 31s (more than 30 s); the target is below 5 s.',
  ],
}

describe('says in numbers what is wrong', () => {
  const cases = [...new Map([...fires].reverse().map((one) => [one[0], one])).values()]

  test.each(cases)('%s: %s', (name, _what, seen) => {
    const rule = written[0]?.rules.find(({ alert }) => alert === name)
    const [summary, description] = says[name] ?? []
    const process = name.startsWith('DatabasePool') ? { instance: 'a:9090' } : {}
    const labels = { job: 'shop', pool: 'web', ...process, ...rule?.labels }
    const annotations = { summary, description, action: rule?.annotations.action }
    const alerts = [{ exp_labels: labels, exp_annotations: annotations }]
    const question = { alert_rule_test: [{ alertname: name, eval_time: '20m', exp_alerts: alerts }] }
    expect(judge(rules, seen, question).said).toContain('SUCCESS')
  })
})
