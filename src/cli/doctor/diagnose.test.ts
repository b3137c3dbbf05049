/** The doctor's rules at their thresholds and just below. */
import { describe, expect, test } from 'vitest'
import { activityOf, sessionOf, snapshot, statsOf } from '../../../test/support/pictures.ts'
import type { Activity } from '../../monitor/activity.ts'
import type { EndpointFacts } from '../../postgres/knowledge.ts'
import { diagnose } from './diagnose.ts'
import { configuredBy } from './environment.ts'
import type { Facts, TableUse } from './facts.ts'
import { looked } from './looked.ts'

const limits = { ...activityOf().limits, maxConnections: 103 }
const calm = activityOf({ limits })
const check = { status: 'healthy', message: 'answers', millis: 1 } as const

const direct: EndpointFacts = {
  endpoint: 'direct',
  ...{ pooler: undefined, version: undefined, mode: undefined },
  known: 'asked',
  evidence: 'it greets',
  isOpen: false,
  ...{ lanes: true, preparedStatements: true, sessionWork: 'here', limits: 'server' },
}

const facts = (activity: Partial<Activity> = {}, rest: Partial<Facts> = {}): Facts => ({
  activity: { ...calm, ...activity },
  endpoint: direct,
  health: {
    status: 'healthy',
    checks: { database: check, sessions: check },
    timestamp: '',
    stats: statsOf(),
    ...{ warnings: [], recommendations: [] },
  },
  instances: 1,
  walls: { role: 'app', statement: 30_000, idleInTransaction: 60_000 },
  configured: { snapshot: snapshot(), findings: [] },
  ...{
    hoards: [],
    prepared: [],
    strange: 0,
    age: undefined,
    tables: [],
    explained: [],
    plans: 0,
    unseen: [],
  },
  ...rest,
})

/** What is found, as `severity code`. */
const told = (...given: Parameters<typeof facts>): string[] =>
  diagnose(facts(...given)).map(({ severity, code }) => `${severity} ${code}`)

test('a calm server has nothing', () => {
  expect(told()).toEqual([])
})

test('what advise() says of the sessions is said, also where there is no pool to advise', () => {
  const idlers = [sessionOf({ state: 'idle in transaction', stateMillis: 1_000 })]
  const bad = {
    code: 'bad-configuration',
    severity: 'critical',
    title: 'x',
    evidence: '',
    reason: '',
    change: '',
  } as const
  expect(told({ idlers, total: 90 })).toEqual(['warning idle-in-transaction', 'warning sessions-near-limit'])
  expect(told({ idlers, total: 90 }, { configured: { snapshot: undefined, findings: [bad] } })).toEqual([
    'critical bad-configuration',
    'warning idle-in-transaction',
    'warning sessions-near-limit',
  ])
})

test('the pool of the environment is held against the limits and the number of processes', () => {
  const configured = { snapshot: snapshot({ stats: { max: 20 } }), findings: [] }
  expect(told({}, { configured, instances: 5 })).toEqual([])
  expect(told({}, { configured, instances: 6 })).toEqual(['warning above-share'])
})

test('a prepared transaction comes before those who wait for it', () => {
  const prepared = [{ name: "it's", owner: 'app', database: 'db', ageMillis: 6_000 }]
  const blocked = [
    { session: sessionOf({ pid: 8 }), waitingMillis: 12_000, by: [0], chain: [8, 0], root: undefined },
  ]
  const [first, ...others] = diagnose(facts({ blocked }, { prepared }))
  expect(first).toMatchObject({
    code: 'prepared-transaction',
    severity: 'critical',
    change: expect.stringContaining("COMMIT PREPARED 'it''s'"),
  })
  expect(others.map(({ code }) => code)).toEqual(['blocked'])
})

test('idle sessions of one application are hoarded above 50, or above a quarter of the server', () => {
  const hoard = (sessions: number, maxConnections: number, total = 1): string[] =>
    told(
      { total, limits: { ...limits, maxConnections } },
      { hoards: [{ application: 'web', role: 'app', sessions, idleMillis: 10_000 }] },
    )
  expect([hoard(50, 1_003), hoard(51, 1_003)]).toEqual([[], ['warning hoarded-sessions']])
  expect([hoard(25, 103), hoard(26, 103)]).toEqual([[], ['warning hoarded-sessions']])
  expect([hoard(9, 13), hoard(10, 13)]).toEqual([[], ['warning hoarded-sessions']])
  // What fills a server comes before the fact that it is full.
  expect(hoard(60, 103, 96)).toEqual(['critical hoarded-sessions', 'critical sessions-near-limit'])
})

test('a prepared transaction is left after 5,000 ms, and critical after 300,000', () => {
  const left = (ageMillis: number): string[] =>
    told({}, { prepared: [{ name: 'x', owner: 'app', database: 'db', ageMillis }] })
  expect([4_999, 5_000, 300_000].map(left)).toEqual([
    [],
    ['warning prepared-transaction'],
    ['critical prepared-transaction'],
  ])
})

test('what others have prepared in a session that was lent is found', () => {
  expect(told({}, { strange: 1 })).toEqual(['warning prepared-through-pooler'])
})

test('transaction numbers run short from 500,000,000 on', () => {
  const age = (transactions: number): string[] => told({}, { age: { database: 'db', transactions } })
  expect([499_999_999, 500_000_000, 1_500_000_000].map(age)).toEqual([
    [],
    ['warning transaction-age'],
    ['critical transaction-age'],
  ])
})

test('walls that are missing are advice, with the identifier quoted', () => {
  const [found] = diagnose(facts({}, { walls: { role: 'a"b', statement: 0, idleInTransaction: 0 } }))
  expect(found).toMatchObject({
    code: 'no-timeouts',
    severity: 'advice',
    change: `ALTER ROLE "a""b" SET statement_timeout = '30s'; ALTER ROLE "a""b" SET idle_in_transaction_session_timeout = '60s'`,
  })
})

describe('a table', () => {
  const scanned: TableUse = {
    ...{ schema: 'public', name: 'big', rows: 20_000, dead: 0, tended: true },
    ...{ sequentialScans: 50, sequentialRows: 1_000_000, indexScans: 0 },
  }
  const tables = (fields: Partial<TableUse>): string[] => told({}, { tables: [{ ...scanned, ...fields }] })

  test('that is read through 50 times and more lacks an index', () => {
    expect(tables({})).toEqual(['warning missing-index'])
  })

  test.each([
    ['it is small', { rows: 9_999 }],
    ['it was scanned less often', { sequentialScans: 49 }],
    ['few rows were read', { sequentialRows: 999_999 }],
    ['the scans stopped early', { rows: 50_000 }],
    ['nearly all scans use an index', { indexScans: 451 }],
  ])('is well when %s', (_, fields) => {
    expect(tables(fields)).toEqual([])
  })

  test('is full of dead rows from 10,000 and a fifth of it on', () => {
    const dead = (rows: number, count: number): string[] => tables({ rows, dead: count, sequentialScans: 0 })
    expect([dead(1_000, 9_999), dead(40_001, 10_000), dead(40_000, 10_000)]).toEqual([
      [],
      [],
      ['advice dead-rows'],
    ])
  })
})

describe('the environment', () => {
  const url = 'postgres://a@127.0.0.1:1/x'
  const pooler: EndpointFacts = {
    ...direct,
    endpoint: 'transaction',
    ...{ pooler: 'pgbouncer', version: '1.18.0', mode: 'transaction' },
    ...{ lanes: false, preparedStatements: false, sessionWork: 'refused', limits: 'pool' },
  }
  const lasting: EndpointFacts = { ...pooler, endpoint: 'session', mode: 'session', preparedStatements: true }
  const silent: EndpointFacts = { ...pooler, pooler: 'unknown', version: undefined, mode: undefined }
  const told = async (env: Record<string, string>, endpoint: EndpointFacts): Promise<string[]> => {
    const configured = await configuredBy({ DATABASE_URL: url, ...env }, endpoint)
    return diagnose(facts({}, { configured, endpoint })).map(({ severity, code }) => `${severity} ${code}`)
  }

  test.each([
    ['nothing', 'the server', direct],
    ['nothing', 'a transaction pooler', pooler],
    ['nothing', 'a session pooler', lasting],
  ])('that says %s is well before %s: the pool finds out', async (_, __, endpoint) => {
    expect(await told({}, endpoint)).toEqual([])
  })

  const lost = ['warning endpoint-mismatch', 'warning prepared-through-pooler']
  test.each([
    ['session', 'a transaction pooler', pooler, lost],
    ['session', 'a pooler that does not tell its mode', silent, []],
    ['session', 'a session pooler', lasting, []],
    ['session', 'the server', direct, []],
    ['transaction', 'the server', direct, ['advice endpoint-mismatch']],
    ['transaction', 'a session pooler', lasting, ['advice endpoint-mismatch']],
    ['transaction', 'a transaction pooler', pooler, []],
  ])('that says %s, before %s', async (mode, _, endpoint, codes) => {
    expect(await told({ POOL_MODE: mode }, endpoint)).toEqual(codes)
  })

  test('whose address is that of the server while a pooler answers', async () => {
    const DATABASE_URL = 'postgres://a@db.abc.supabase.co:5432/x'
    expect(await told({ DATABASE_URL }, pooler)).toEqual(lost)
    expect(await told({ DATABASE_URL }, lasting)).toEqual(['advice endpoint-mismatch'])
  })

  test('that names a pooler which carries prepared statements loses only the rest', async () => {
    expect(await told({ POOL_MODE: 'session' }, { ...pooler, preparedStatements: true })).toEqual([
      'warning endpoint-mismatch',
    ])
  })
})

describe('what was looked at', () => {
  const areas = (given: Facts) => looked(given, diagnose(given))

  test('has the worst that was found there', () => {
    const given = facts({ idlers: [sessionOf({ state: 'idle in transaction', stateMillis: 60_000 })] })
    expect(areas(given).filter(({ worst }) => worst !== undefined)).toEqual([
      { name: 'transactions', seen: '0 idle, 0 prepared and not ended', worst: 'critical' },
    ])
  })

  test('leaves out what could not be seen', () => {
    expect(areas(facts()).map(({ name }) => name)).toContain('time limits')
    expect(areas(facts({}, { walls: undefined })).map(({ name }) => name)).not.toContain('time limits')
  })
})
