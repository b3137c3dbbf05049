/** The doctor's rules at their thresholds and just below. */
import { describe, expect, test } from 'vitest'
import type { Activity, Blocked, Session } from '../../monitor/activity.ts'
import { diagnose } from './diagnose.ts'
import { environmentFindings } from './environment.ts'
import type { Facts, TableUse } from './facts.ts'

const session = (fields: Partial<Session> = {}): Session => ({
  pid: 1,
  database: 'db',
  role: 'app',
  application: 'web',
  state: 'idle in transaction',
  stateMillis: 1_000,
  transactionMillis: undefined,
  statementMillis: undefined,
  statement: 'select ?',
  own: false,
  ...fields,
})

const calm: Activity = {
  server: { version: '18.4', versionNumber: 180_004, replica: false },
  role: 'app',
  database: 'db',
  limits: {
    maxConnections: 103,
    superuserReserved: 3,
    reserved: 0,
    databaseLimit: undefined,
    roleLimit: undefined,
  },
  timeouts: {
    statement: 30_000,
    lock: undefined,
    idleInTransaction: 60_000,
    idleSession: undefined,
    transaction: undefined,
  },
  roleSettings: [],
  ...{ total: 1, active: 0, idle: 1, idleInTransaction: 0, own: 1, hidden: 0 },
  ...{ byApplication: [], longest: undefined, overFiveMinutes: [], idlers: [], blocked: [], unseen: [] },
}

const facts = (activity: Partial<Activity> = {}, rest: Partial<Facts> = {}): Facts => ({
  activity: { ...calm, ...activity },
  walls: { role: 'app', statement: 30_000, idleInTransaction: 60_000 },
  crowds: { role: 1, database: 1 },
  ...{ hoards: [], prepared: [], age: undefined, tables: [], explained: [], configured: [], unseen: [] },
  ...rest,
})

/** What is found, as `severity code`. */
const told = (...given: Parameters<typeof facts>): string[] =>
  diagnose(facts(...given)).map(({ severity, code }) => `${severity} ${code}`)

test('a calm server has nothing', () => {
  expect(told()).toEqual([])
})

describe('idle in transaction', () => {
  const idlers = (count: number, stateMillis: number): string[] =>
    told({
      idlers: Array.from({ length: count }, (_, pid) => session({ pid, stateMillis, statement: `${pid}` })),
    })

  test('counts from a second on, and is critical from 60,000 ms on or above 5 sessions', () => {
    expect(idlers(1, 999)).toEqual([])
    expect(idlers(1, 1_000)).toEqual(['warning idle-in-transaction'])
    expect(idlers(1, 59_999)).toEqual(['warning idle-in-transaction'])
    expect(idlers(1, 60_000)).toEqual(['critical idle-in-transaction'])
    expect(idlers(5, 1_000)).toEqual(['warning idle-in-transaction'])
    expect(idlers(6, 1_000)).toEqual(['critical idle-in-transaction'])
  })

  test('three sessions of one application after the same statement are a leak', () => {
    const same = (count: number): Session[] => Array.from({ length: count }, (_, pid) => session({ pid }))
    expect(told({ idlers: same(2) })).toEqual(['warning idle-in-transaction'])
    expect(told({ idlers: same(3) })).toEqual(['critical leak'])
    expect(told({ idlers: [...same(3), session({ pid: 9, application: 'other' })] })).toEqual([
      'critical leak',
      'warning idle-in-transaction',
    ])
  })
})

describe('a lock queue', () => {
  const root = session({ pid: 7 })
  const waits = (waitingMillis: number, head: Session | undefined = root): Blocked => ({
    session: session({ pid: 8, state: 'active', statementMillis: waitingMillis }),
    waitingMillis,
    by: [head?.pid ?? 0],
    chain: [8, head?.pid ?? 0],
    root: head,
  })

  test('counts from a second on, and its head is not told twice', () => {
    expect(told({ blocked: [waits(999)] })).toEqual([])
    expect(told({ blocked: [waits(1_000)], idlers: [root] })).toEqual(['critical blocked'])
  })

  test('a statement that only waits is no long statement', () => {
    const blocked = [waits(40_000)]
    expect(told({ blocked, longest: blocked[0]?.session })).toEqual(['critical blocked'])
  })

  test('behind a prepared transaction names that', () => {
    const prepared = [{ name: "it's", owner: 'app', database: 'db', ageMillis: 6_000 }]
    const blocked = [{ ...waits(2_000), by: [0], chain: [8, 0], root: undefined }]
    const [first] = diagnose(facts({ blocked }, { prepared }))
    expect(first).toMatchObject({
      code: 'blocked',
      change: expect.stringContaining("COMMIT PREPARED 'it''s'"),
    })
  })
})

test('a statement is long above 5,000, 30,000 and 300,000 ms', () => {
  const long = (statementMillis: number): string[] =>
    told({ longest: session({ state: 'active', statementMillis }) })
  expect([5_000, 5_001, 30_001, 300_001].map(long)).toEqual([
    [],
    ['advice long-statement'],
    ['warning long-statement'],
    ['critical long-statement'],
  ])
})

test('sessions are many above 80 % of what ordinary roles may have, and too many above 95 %', () => {
  const crowd = (total: number): string[] => told({ total })
  expect([80, 81, 95, 96].map(crowd)).toEqual([
    [],
    ['warning sessions-near-limit'],
    ['warning sessions-near-limit'],
    ['critical sessions-near-limit'],
  ])
})

test('the limits of role and database count in the same way', () => {
  const limits = { ...calm.limits, roleLimit: 10, databaseLimit: 20 }
  const crowds = (role: number, database: number): string[] =>
    told({ limits }, { crowds: { role, database } })
  expect(crowds(8, 16)).toEqual([])
  expect(crowds(9, 17)).toEqual(['warning role-limit', 'warning database-limit'])
})

test('idle sessions of one application are hoarded above 50, or above a quarter of the server', () => {
  const hoard = (sessions: number, maxConnections: number, total = 1): string[] =>
    told(
      { total, limits: { ...calm.limits, maxConnections } },
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
  const { limits } = calm
  const codes = async (env: Record<string, string>, endpoint: 'direct' | 'pooler'): Promise<string[]> =>
    (await environmentFindings(env, { endpoint, limits, instances: 1 })).map(
      ({ severity, code }) => `${severity} ${code}`,
    )

  test('that says nothing is well', async () => {
    expect(await codes({ DATABASE_URL: 'postgres://a@127.0.0.1:1/x' }, 'direct')).toEqual([])
    expect(await codes({ DATABASE_URL: 'postgres://a@127.0.0.1:1/x' }, 'pooler')).toEqual([])
  })

  test('that takes the server for a pooler gives away what the server could do', async () => {
    const env = { DATABASE_URL: 'postgres://a@127.0.0.1:1/x', POOL_MODE: 'transaction' }
    expect(await codes(env, 'direct')).toEqual(['advice endpoint-mismatch'])
    expect(await codes(env, 'pooler')).toEqual([])
  })
})
