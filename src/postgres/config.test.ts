// The options of lanes, of the statement cache and of what is done about faults; the others are held by test/integration and test/dropin.
import { describe, expect, test } from 'vitest'
import { SluiceError } from '../base/errors.ts'
import type { PoolConfig } from './config.ts'
import { readConfig } from './config.ts'

const POOLER = 'postgres://db.example:6543/app'

function lanes(config: object) {
  return readConfig(config as PoolConfig).lanes
}

/** What is said when a config is refused. */
function refusal(config: object): string {
  try {
    readConfig(config as PoolConfig)
  } catch (error) {
    if (SluiceError.is(error) && error.code === 'SLUICE_BAD_OPTION') return error.message
    throw error
  }
  return 'it was taken'
}

describe('where nothing is said', () => {
  test('lanes are as deep and as patient as documented, and statements are prepared', () => {
    expect(lanes({})).toMatchObject({
      pipelining: undefined,
      depth: 1_000,
      stallMillis: 5_000,
      prepared: 100,
    })
  })

  test('results come as text', () => {
    expect([lanes({}).binary, lanes({ binaryResults: true }).binary]).toEqual([false, true])
  })

  test('slow work may hold nine tenths of the pool', () => {
    const shares = [{}, { slowShare: 0.5 }].map((config) => readConfig(config).settings.limitedShare)
    expect(shares).toEqual([0.9, 0.5])
  })

  test('a transaction pooler carries neither lanes nor prepared statements', () => {
    expect(lanes({ connectionString: POOLER })).toMatchObject({ pipelining: false, prepared: 0 })
    expect(lanes({ endpoint: 'transaction' })).toMatchObject({ pipelining: false, prepared: 0 })
  })

  test('a session pooler carries both', () => {
    const session = { endpoint: 'session', connectionString: POOLER }
    expect(lanes(session)).toMatchObject({ pipelining: undefined, prepared: 100 })
  })
})

describe('what is said', () => {
  test('is taken', () => {
    const given = { pipelining: true, laneDepth: 7, laneStallMillis: 250, preparedStatementCacheSize: 9 }
    expect(lanes(given)).toMatchObject({ pipelining: true, depth: 7, stallMillis: 250, prepared: 9 })
    expect(lanes({ pipelining: false }).pipelining).toBe(false)
  })

  test('may be spelt as text, as from an environment', () => {
    const given = { laneDepth: '7', laneStallMillis: '250', preparedStatementCacheSize: '0' }
    expect(lanes(given)).toMatchObject({ depth: 7, stallMillis: 250, prepared: 0 })
    expect(readConfig({ slowShare: '0.25' as never }).settings.limitedShare).toBe(0.25)
  })

  test('about agents goes to the engine', () => {
    const { agents } = readConfig({ agents: { max: { noisy: 2 }, weight: { quiet: 3 } } }).settings
    expect([agents?.max.get('noisy'), agents?.weight.get('quiet')]).toEqual([2, 3])
    expect(refusal({ agents: { max: 0 } })).toBe(
      'agents.max must be a whole number from 1 to 10,000; it is 0',
    )
  })

  test('may be undefined', () => {
    const names = ['endpoint', 'pipelining', 'laneDepth', 'laneStallMillis', 'slowShare', 'prepare']
    const given = Object.fromEntries(
      [...names, 'preparedStatementCacheSize'].map((name) => [name, undefined]),
    )
    expect(lanes(given)).toEqual(lanes({}))
  })

  test('nothing is prepared where preparing is off, however many statements might be kept', () => {
    expect(lanes({ prepare: false, preparedStatementCacheSize: 50 }).prepared).toBe(0)
  })

  test('statements are prepared on a transaction pooler that is said to carry them', () => {
    expect(lanes({ connectionString: POOLER, prepare: true }).prepared).toBe(100)
  })

  test('lanes may be turned off where they could not be', () => {
    expect(lanes({ connectionString: POOLER, pipelining: false }).pipelining).toBe(false)
  })

  test('pg goes its own way with every statement where it has a timeout of its own, or binary results', () => {
    const plain = [{}, { query_timeout: 100 }, { binary: true }, { query_timeout: 0 }].map(
      (config) => lanes(config).plain,
    )
    expect(plain).toEqual([false, true, true, false])
  })
})

describe('what cannot be', () => {
  test('is refused in numbers: the option, its range, its value', () => {
    expect(refusal({ laneDepth: 0 })).toBe('laneDepth must be a whole number from 1 to 10,000; it is 0')
    expect(refusal({ laneDepth: 1.5 })).toContain('laneDepth must be a whole number')
    expect(refusal({ laneStallMillis: 0 })).toBe(
      'laneStallMillis must be a number from 1 to 2,147,483,647 (milliseconds); it is 0',
    )
    expect(refusal({ slowShare: 0 })).toBe('slowShare must be a number from 0.01 to 1; it is 0')
    expect(refusal({ preparedStatementCacheSize: -1 })).toBe(
      'preparedStatementCacheSize must be a whole number from 0 to 10,000; it is -1',
    )
    expect(refusal({ pipelining: 'on' })).toBe('pipelining must be true or false; it is "on"')
    expect(refusal({ prepare: 1 })).toBe('prepare must be true or false; it is 1')
    expect(refusal({ binaryResults: 1 })).toBe('binaryResults must be true or false; it is 1')
  })

  test.each([
    ['laneDepth', 1, 10_000],
    ['laneStallMillis', 1, 2_147_483_647],
    ['preparedStatementCacheSize', 0, 10_000],
    ['slowShare', 0.01, 1],
  ])('%s may be %d and %d, and nothing beyond', (name, least, most) => {
    const tried = [least - 0.001, least, most, most + 1].map((value) => refusal({ [name]: value }))
    expect(tried.map((said) => said === 'it was taken')).toEqual([false, true, true, false])
  })

  test('lanes cannot be asked of a transaction pooler', () => {
    expect(refusal({ connectionString: POOLER, pipelining: true })).toBe(
      'pipelining is on and the endpoint is a transaction pooler, which cannot carry it; leave one of them out',
    )
    expect(refusal({ endpoint: 'direct', connectionString: POOLER, pipelining: true })).toBe('it was taken')
  })

  test('a misspelt name is answered with the one that was meant', () => {
    const meant = ['pipelineing', 'laneDeph', 'laneStallMilis', 'slowShares', 'endPoints', 'prepaire'].map(
      (name) => /did you mean (\w+)\?$/.exec(refusal({ [name]: 1 }))?.[1],
    )
    expect(meant).toEqual(['pipelining', 'laneDepth', 'laneStallMillis', 'slowShare', 'endpoint', 'prepare'])
  })
})

describe('what is done about faults', () => {
  test('is nothing where nothing is said, but for silence', () => {
    expect(readConfig({})).toMatchObject({
      retry: undefined,
      breaker: undefined,
      silenceMillis: 10_000,
      targetSessionAttrs: undefined,
      classify: undefined,
    })
    expect(readConfig({ retry: false, circuitBreaker: false, silenceTimeoutMillis: 0 })).toMatchObject({
      retry: undefined,
      breaker: undefined,
      silenceMillis: Number.POSITIVE_INFINITY,
    })
  })

  test('is as documented where it is asked for', () => {
    const { breaker, retry } = readConfig({ retry: true, circuitBreaker: true })
    expect(retry).toEqual({ attempts: 3, backoff: 50, maxBackoff: 1_000, jitter: 'full', on: undefined })
    expect(breaker).toEqual({
      failureRate: 0.5,
      minimumCalls: 20,
      windowMillis: 10_000,
      openFailures: 5,
      cooldownMillis: 1_000,
      maxCooldownMillis: 30_000,
    })
  })

  test.each([
    [
      { retry: 3 },
      'retry must be true, false or an object of attempts, backoff, maxBackoff, jitter, on; it is 3',
    ],
    [{ retry: { attempts: 0 } }, 'retry.attempts must be a whole number from 1 to 100; it is 0'],
    [{ retry: { backof: 5 } }, 'retry.backof is not an option of Sluice; did you mean retry.backoff?'],
    [
      { retry: { backoff: 500, maxBackoff: 100 } },
      'retry.maxBackoff must be a number from 500 to 2,147,483,647 (milliseconds); it is 100',
    ],
    [{ retry: { jitter: 'some' } }, `retry.jitter must be one of 'full', 'none'; it is "some"`],
    [
      { retry: { on: '40001' } },
      'retry.on must be a list of one or more error codes, or a function that tells whether an error is one to try again after',
    ],
    [
      { circuitBreaker: 'on' },
      'circuitBreaker must be true, false or an object of failureRate, minimumCalls, windowMillis, openFailures, cooldownMillis, maxCooldownMillis; it is "on"',
    ],
    [
      { circuitBreaker: { failureRate: 50 } },
      'circuitBreaker.failureRate must be a number from 0.01 to 1; it is 50',
    ],
    [
      { circuitBreaker: { cooldownMillis: 5_000, maxCooldownMillis: 1_000 } },
      'circuitBreaker.maxCooldownMillis must be a number from 5,000 to 2,147,483,647 (milliseconds); it is 1000',
    ],
    [
      { circuitBreaker: { treshold: 5 } },
      'circuitBreaker.treshold is not an option of Sluice; it has failureRate, minimumCalls, windowMillis, openFailures, cooldownMillis, maxCooldownMillis',
    ],
    [
      { silenceTimeoutMillis: -1 },
      'silenceTimeoutMillis must be a number from 0 to 2,147,483,647 (milliseconds); it is -1',
    ],
    [
      { targetSessionAttrs: 'primary' },
      `targetSessionAttrs must be one of 'any', 'read-write'; it is "primary"`,
    ],
    [{ classify: 'keep' }, 'classify must be a function; it is "keep"'],
  ])('is refused in one sentence when it cannot be: %j', (config, sentence) => {
    expect(refusal(config)).toBe(sentence)
  })
})

describe('a profile', () => {
  const NAMES = ['persistent', 'serverless', 'edge', 'high-performance'] as const

  test('is none where nothing is said', () => {
    expect(readConfig({}).profile).toBeUndefined()
  })

  test('sets what the engine, the statements and the client go by', () => {
    const { settings, queryTimeout, client, lanes } = readConfig({ profile: 'serverless' })
    expect(settings).toMatchObject({ min: 0, max: 10, idleTimeoutMillis: 5_000, allowExitOnIdle: true })
    expect(settings).toMatchObject({ softIdleTimeoutMillis: 3_000, acquireTimeoutMillis: 10_000 })
    expect([queryTimeout, client]).toEqual([25_000, { statement_timeout: 30_000 }])
    expect(lanes).toMatchObject({ pipelining: false, prepared: 0, binary: false })
  })

  test('has lanes, prepared statements and binary results where the endpoint carries them', () => {
    expect(lanes({ profile: 'persistent' })).toMatchObject({
      pipelining: undefined,
      prepared: 100,
      binary: true,
    })
    expect(lanes({ profile: 'high-performance' })).toMatchObject({
      pipelining: true,
      prepared: 100,
      binary: true,
    })
    const pooled = { pipelining: false, prepared: 0, binary: false }
    for (const profile of ['persistent', 'high-performance'])
      expect(lanes({ profile, connectionString: POOLER })).toMatchObject(pooled)
  })

  test.each(NAMES)('%s is recorded, and gives way to every option', (profile) => {
    const read = readConfig({
      profile,
      max: 7,
      idleTimeoutMillis: null,
      maxLifetimeSeconds: 9,
      queryTimeout: 11,
    })
    expect(read).toMatchObject({ profile, queryTimeout: 11 })
    expect(read.settings).toMatchObject({
      max: 7,
      idleTimeoutMillis: Number.POSITIVE_INFINITY,
      maxLifetimeMillis: 9_000,
    })
  })

  test('that does not exist is refused with those that do', () => {
    expect(refusal({ profile: 'lambda' })).toBe(
      `profile must be one of 'persistent', 'serverless', 'edge', 'high-performance'; it is "lambda"`,
    )
  })
})
