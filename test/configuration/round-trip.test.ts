/** What an environment says, what a pool and pg make of it, and what the explanation says: all three are the same. */
import fc from 'fast-check'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { SluiceError } from '../../src/base/errors.ts'
import { Pool } from '../../src/postgres/pool.ts'
import type { Env } from '../../src/profiles/environments.ts'
import { explainConfig } from '../../src/profiles/explain.ts'
import { poolConfigFromEnv } from '../../src/profiles/from-env.ts'

type Options = NonNullable<Parameters<typeof explainConfig>[1]>

/** What the explanation says of an option. */
function explained(env: Env, options: Options): (option: string) => unknown {
  const rows = new Map(explainConfig(env, options).map(({ option, value }) => [option, value]))
  return (option) => rows.get(option)
}

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const size = maybe(fc.integer({ min: 1, max: 500 }).map(String))
const seconds = maybe(fc.constantFrom('1', '1.5', ' 20 ', '0.001', '2147483', '.5', '7.'))
const flag = maybe(fc.constantFrom('true', 'yes', 'TRUE', '1', 'on', 'false', 'No', '0', 'off'))

const text = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme-ascii' }).filter((s) => s.trim() !== '')
// So that what else is said does not hold it by chance.
const password = text.map((some) => `pass word ${some} drow ssap`)
// pg decodes no # and no ? in a path, and a path of dots is none.
const name = text.filter((some) => !/[#?]|^\.\.?$/.test(some) && !some.includes('/'))
const host = fc.constantFrom('db.example', '10.0.0.7', '::1', '/var/run/postgresql')
const port = fc.integer({ min: 1, max: 65_535 }).map(String)

const parameters = fc.record({
  connection_limit: size,
  pool_timeout: seconds,
  connect_timeout: seconds,
  pgbouncer: flag,
  statement_cache_size: size,
  // Nothing that looks like a password.
  application_name: maybe(fc.stringMatching(/^[a-z][a-z0-9 _-]{0,20}$/)),
})

/** A connection string of parts, as a person would encode them. */
const url = fc
  .record({
    user: maybe(text),
    password,
    host: fc.constantFrom('db.example', '10.0.0.7', '[::1]'),
    port: maybe(port),
    database: maybe(fc.stringMatching(/^[a-z][a-z0-9_ -]{0,10}[a-z0-9]$/)),
    parameters,
  })
  .map(({ user, password, host, port, database, parameters }) => {
    const encode = encodeURIComponent
    const said = Object.entries(parameters).filter(([, value]) => value !== undefined)
    const query = said.map(([name, value]) => `${name}=${encode(value as string)}`).join('&')
    const login = user === undefined ? '' : `${encode(user)}:${encode(password)}@`
    const place = `${host}${port === undefined ? '' : `:${port}`}/${encode(database ?? '')}`
    return `postgres://${login}${place}${query === '' ? '' : `?${query}`}`
  })

const environment = fc.record({
  DATABASE_URL: maybe(url),
  DATABASE_POOL_URL: maybe(url),
  DB_HOST: maybe(host),
  DB_PORT: maybe(port),
  DB_NAME: maybe(name),
  DB_USERNAME: maybe(text),
  DB_PASSWORD: maybe(password),
  DB_POOL_SIZE: size,
  DB_MAX_OVERFLOW: size,
  DB_POOL_TIMEOUT: seconds,
  DB_POOL_RECYCLE: seconds,
  DB_POOL_PRE_PING: flag,
  DB_ECHO: flag,
  POOL_SIZE: size,
  POOL_TIMEOUT: seconds,
  POOL_MODE: maybe(fc.constantFrom('transaction', 'session', 'statement')),
  POOL_TRAFFIC: maybe(fc.constantFrom('development', 'small', 'medium', 'large')),
  SLUICE_PROFILE: maybe(fc.constantFrom('persistent', 'serverless', 'edge', 'high-performance')),
})

const choices = fc.constantFrom(
  { environment: 'none' },
  { environment: 'development' },
) as fc.Arbitrary<Options>

describe('whatever an environment says', () => {
  test('the pool does what the explanation says', () => {
    fc.assert(
      fc.property(environment, choices, (env, options) => {
        const said = explained(env, options)
        const settings = new Pool(poolConfigFromEnv(env, options)).settings()
        const never = (option: string) => said(option) || undefined
        expect(settings).toMatchObject({
          max: said('max'),
          min: said('min'),
          maxOverflow: said('maxOverflow'),
          acquireTimeoutMillis: said('acquireTimeoutMillis'),
          connectionTimeoutMillis: said('connectionTimeoutMillis'),
          idleTimeoutMillis: never('idleTimeoutMillis'),
          maxLifetimeMillis: never('maxLifetimeMillis'),
          maxUses: never('maxUses'),
          prePingMillis: never('prePing'),
          statementTimeout: never('statementTimeout'),
          queryTimeout: never('queryTimeout'),
          applicationName: said('applicationName'),
          profile: said('profile'),
        })
        if (said('endpoint') !== 'auto') expect(settings.endpoint).toBe(said('endpoint'))
      }),
      { numRuns: 300 },
    )
  })

  test('pg goes where the explanation says, as who it says', () => {
    fc.assert(
      fc.property(environment, choices, (env, options) => {
        const said = explained(env, options)
        const client = new pg.Client(poolConfigFromEnv(env, options) as pg.ClientConfig)
        const parts = (['host', 'port', 'user', 'database'] as const).filter(
          (part) => said(part) !== undefined,
        )
        expect(parts.map((part) => [part, client[part]])).toEqual(parts.map((part) => [part, said(part)]))
        if (said('password') === '***') expect(client.password).toBeTruthy()
      }),
      { numRuns: 300 },
    )
  })
})

const SECRET = 's3cr3tPa55'
const LOGIN = `postgres://ann:${SECRET}@`

/** What is said of an environment, by the one and by the other, which must be the same sentence. */
function refusals(env: Env): readonly string[] {
  return [poolConfigFromEnv, explainConfig].map((read) => {
    try {
      read(env, { environment: 'none' })
      return 'it was taken'
    } catch (error) {
      return SluiceError.is(error, 'SLUICE_BAD_OPTION') ? error.message : `BUG: ${String(error)}`
    }
  })
}

describe('what makes no sense is one error', () => {
  const COUNTS = ['DB_PORT', 'DB_POOL_SIZE', 'DB_MAX_OVERFLOW', 'POOL_SIZE']
  const TIMES = ['DB_POOL_TIMEOUT', 'DB_POOL_RECYCLE', 'POOL_TIMEOUT']
  const NO_NUMBERS = ['١٢', '１０', '10s', '-1', 'Infinity', 'NaN', '9'.repeat(80), ' ', 'true']
  const PROGRAMMERS = ['1e3', '0x10', '0b11', '0o17', '1_000', '1,000', '+5', '10\u200b', '--5', '.', '1.2.3']

  test.each(
    [...COUNTS, ...TIMES].flatMap((name) => [...NO_NUMBERS, ...PROGRAMMERS].map((value) => [name, value])),
  )('%s=%j is refused with its name and its range', (name, value) => {
    const [first = '', second] = refusals({ [name as string]: value })
    expect(second).toBe(first)
    expect(first).toMatch(
      new RegExp(`^${name} must be a (whole )?number from [\\d.]+ to [\\d,]+( \\(seconds\\))?; it is ".*"$`),
    )
    expect(first.length).toBeLessThan(160)
  })

  test.each(COUNTS)('%s has no fractions', (name) => {
    expect(refusals({ [name]: '1.5' })[0]).toContain(`${name} must be a whole number from`)
  })

  test('a lifetime of less than a millisecond is not taken for one without end', () => {
    expect(refusals({ DB_POOL_RECYCLE: '0.0004' })[0]).toBe(
      'DB_POOL_RECYCLE must be a number from 0.001 to 2,147,483 (seconds); it is "0.0004"',
    )
    expect(poolConfigFromEnv({ DB_POOL_RECYCLE: '0' }).maxLifetimeMillis).toBe(0)
  })

  test.each(['y', 'T', '2', ' ', 'enabled', 'tru', 'null'])('DB_ECHO=%j is neither yes nor no', (value) => {
    expect(refusals({ DB_ECHO: value })).toEqual([
      `DB_ECHO must be true or false; it is ${JSON.stringify(value)}`,
      `DB_ECHO must be true or false; it is ${JSON.stringify(value)}`,
    ])
  })

  test.each([
    [`${LOGIN}h1,h2/d`, 'DATABASE_URL must name one host; it names several'],
    [`${LOGIN}h1:5432,h2:5433/d`, 'DATABASE_URL must name one host; it names several'],
    [`${LOGIN}h/d?host=h1,h2`, 'DATABASE_URL must name one host; it names several'],
    [`${LOGIN}h/d?connection_limit=5&connection_limit=6`, 'DATABASE_URL must say connection_limit once'],
    [`${LOGIN}h/d?pool_timeout=1&a=b&pool_timeout=x`, 'DATABASE_URL must say pool_timeout once'],
    [`${LOGIN}h/d?password=${SECRET}&password=${SECRET}`, 'DATABASE_URL must say password once'],
    [`${LOGIN}h/d?port=0x10`, 'DATABASE_URL must have a port from 1 to 65,535'],
    [`${LOGIN}h:0/d`, 'DATABASE_URL must have a port from 1 to 65,535'],
    [`${LOGIN}[::1/d`, 'DATABASE_URL is not a connection string like'],
    [`${LOGIN}h/d%00`, 'DATABASE_URL has a zero byte (%00) in it'],
    [`"${LOGIN}h/d"`, 'DATABASE_URL stands in quotes; leave them out'],
    [`host=h password=${SECRET}`, 'DATABASE_URL is not a connection string like'],
    [`socket:/tmp?password=${SECRET}`, 'DATABASE_URL is not a connection string like'],
  ])('%s', (text, sentence) => {
    const [first, second] = refusals({ DATABASE_URL: text })
    expect(second).toBe(first)
    expect(first?.startsWith(sentence)).toBe(true)
    expect(first).not.toContain(SECRET)
  })

  test.each(['what?', 'no#1', '.', '..', 'a/../b'])(
    'a database named %s is not sent where pg would not find it',
    (name) => {
      const env = { DATABASE_URL: 'postgres://h', DB_NAME: name }
      expect(refusals(env)[0]).toBe(
        'database cannot stand in DATABASE_URL so that pg reads it as it is; give host, port, user, password and database without a connection string',
      )
      expect(poolConfigFromEnv({ DB_HOST: 'h', DB_NAME: name }).database).toBe(name)
    },
  )

  test.each(['h1,h2', ' h', 'h1:5432, h2', ' '])('DB_HOST=%j is no host', (value) => {
    expect(refusals({ DB_HOST: value })[0]).toBe(
      `DB_HOST must be one host: a name, an address, or the folder of a socket; it is ${JSON.stringify(value)}`,
    )
  })

  test.each([
    'DB_PORT',
    'DB_POOL_SIZE',
    'DB_POOL_TIMEOUT',
    'DB_ECHO',
    'POOL_MODE',
    'POOL_TRAFFIC',
    'SLUICE_PROFILE',
  ])('a connection string that stands in %s by mistake shows no password', (name) => {
    const [first] = refusals({ [name]: `${LOGIN}h/d` })
    expect(first).toContain(`${name} must be`)
    expect(first).toContain('postgres://ann:***@h/d')
    expect(first).not.toContain(SECRET)
  })
})
