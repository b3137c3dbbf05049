import { describe, expect, test } from 'vitest'
import type { ProfileName } from './profiles.ts'
import { PROFILE_NAMES, PROFILES, withProfile } from './profiles.ts'

const NAMES = ['persistent', 'serverless', 'edge', 'high-performance'] as const satisfies ProfileName[]
const none = undefined

test('there are four profiles', () => {
  expect(PROFILE_NAMES).toEqual(NAMES)
})

// One row an option; a column a profile, in the order of their names above.
test.each([
  ['min', 5, 0, 0, 20],
  ['max', 20, 10, 3, 100],
  ['idleTimeoutMillis', 600_000, 5_000, 1_000, 600_000],
  ['softIdleTimeoutMillis', none, 3_000, none, none],
  ['connectionTimeoutMillis', 10_000, 5_000, 3_000, 10_000],
  ['acquireTimeoutMillis', 30_000, 10_000, 5_000, 30_000],
  ['maxLifetimeMillis', 1_800_000, none, none, none],
  ['maxUses', 7_500, none, none, none],
  ['evictionRunIntervalMillis', 60_000, 1_000, none, none],
  ['statementTimeout', 60_000, 30_000, 10_000, 60_000],
  ['queryTimeout', none, 25_000, 8_000, 60_000],
  ['idleInTransactionTimeout', 120_000, none, none, none],
  ['preparedStatementCacheSize', none, 0, 0, 100],
  ['binaryResults', true, false, false, true],
  ['pipelining', none, false, false, true],
  ['queueLimit', 1_000, 1_000, 100, 1_000],
  ['priorityLevels', 3, 3, 3, 10],
  ['parallelQueries', none, none, none, 4],
  ['prePing', 30_000, 30_000, 30_000, 30_000],
  ['allowExitOnIdle', false, true, true, false],
] as const)('%s is %s, %s, %s and %s', (option, ...columns) => {
  expect(NAMES.map((name) => PROFILES[name].options[option])).toEqual(columns)
})

test('each profile is made for the endpoints that its kind of process has', () => {
  const pooled = ['transaction']
  const own = ['session', 'direct']
  expect(NAMES.map((name) => PROFILES[name].endpoints)).toEqual([own, pooled, pooled, own])
})

describe('what is given', () => {
  test.each(NAMES)('wins over every value of %s', (name) => {
    for (const option of Object.keys(PROFILES[name].options)) {
      const value = option === 'min' ? 1 : 2
      expect(withProfile(name, { [option]: value }, true)[option]).toBe(value)
    }
  })

  test('as undefined leaves the profile as it is', () => {
    expect(withProfile('edge', { max: undefined, min: undefined }, true)).toEqual(PROFILES.edge.options)
  })

  test('under another name wins too', () => {
    const given = { maxLifetimeSeconds: 60, statement_timeout: 1, idle_in_transaction_session_timeout: 2 }
    const merged = withProfile('persistent', given, true)
    expect(merged).toMatchObject(given)
    expect(
      ['maxLifetimeMillis', 'statementTimeout', 'idleInTransactionTimeout'].filter((n) => n in merged),
    ).toEqual([])
    expect('queryTimeout' in withProfile('edge', { query_timeout: 5 }, true)).toBe(false)
  })

  test('as the size alone takes the smaller of it and the profile for what is kept open', () => {
    expect(withProfile('high-performance', { max: 8 }, true)).toMatchObject({ max: 8, min: 8 })
    expect(withProfile('high-performance', { max: 50 }, true)).toMatchObject({ max: 50, min: 20 })
    expect(withProfile('high-performance', { max: 8, min: 9 }, true)).toMatchObject({ max: 8, min: 9 })
  })

  test('as 0 for the time of an open is the time of the profile', () => {
    expect(withProfile('edge', { connectionTimeoutMillis: 0 }, true).connectionTimeoutMillis).toBe(3_000)
  })

  test('as a wish for prepared statements keeps as many as without a profile', () => {
    expect('preparedStatementCacheSize' in withProfile('serverless', { prepare: true }, true)).toBe(false)
    expect(withProfile('serverless', {}, true).preparedStatementCacheSize).toBe(0)
  })
})

test.each(NAMES)(
  '%s asks nothing of an endpoint that carries neither lanes nor prepared statements',
  (name) => {
    expect(withProfile(name, {}, false)).toMatchObject({ pipelining: false, binaryResults: false })
    expect(withProfile(name, { pipelining: true }, false).pipelining).toBe(true)
  },
)
