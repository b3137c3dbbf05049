import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SluiceError } from '../base/errors.ts'
import { PRESETS } from '../sizing/presets.ts'
import { ENVIRONMENTS } from './environments.ts'
import { explainConfig } from './explain.ts'
import { poolConfigFromEnv } from './from-env.ts'
import { PROFILES } from './profiles.ts'

/** The row of an option. */
function row(option: string, ...given: Parameters<typeof explainConfig>) {
  return explainConfig(...given).find((one) => one.option === option)
}

test('an option is explained by its value, its unit, who said it, and who else said something', () => {
  const env = { DATABASE_URL: 'postgres://h/d?connection_limit=5', DB_POOL_SIZE: '7', SLUICE_PROFILE: 'edge' }
  expect(row('max', env)).toEqual({
    option: 'max',
    value: 5,
    unit: 'connections',
    source: 'connection_limit of DATABASE_URL',
    losers: [
      { value: 7, source: 'DB_POOL_SIZE' },
      { value: 10, source: 'environment development' },
      { value: 3, source: 'profile edge' },
      { value: 10, source: 'default' },
    ],
  })
})

test('seconds are shown as the milliseconds that they become', () => {
  expect(row('acquireTimeoutMillis', { DB_POOL_TIMEOUT: '7' })).toMatchObject({ value: 7_000, unit: 'ms' })
})

test('where nobody says anything, the defaults of a bare pool are shown', () => {
  const shown = explainConfig({}, { environment: 'none' }).slice(1)
  expect(shown.map(({ option, value }) => [option, value])).toEqual([
    ['max', 10],
    ['min', 0],
    ['maxOverflow', 0],
    ['acquireTimeoutMillis', 30_000],
    ['connectionTimeoutMillis', 10_000],
    ['idleTimeoutMillis', 10_000],
    ['prePing', 30_000],
    ['endpoint', 'auto'],
  ])
  expect(new Set(shown.map(({ source }) => source))).toEqual(new Set(['default']))
})

test.each([
  ['postgres://h/d?pgbouncer=true', 5, 5_000],
  ['postgres://ep-one-pooler.eu.aws.neon.tech/d', 5, 5_000],
  ['postgres://h:6543/d', 5, 5_000],
  ['postgres://h/d', 10, 10_000],
])('the defaults are those of the endpoint: %s has a max of %d', (DATABASE_URL, max, idle) => {
  const value = (option: string) => row(option, { DATABASE_URL }, { environment: 'none' })?.value
  expect([value('max'), value('idleTimeoutMillis')]).toEqual([max, idle])
})

test('the time of an open alone is that of the wait too', () => {
  const env = { DATABASE_URL: 'postgres://h/d?connect_timeout=3' }
  expect(row('acquireTimeoutMillis', env, { environment: 'none' })).toMatchObject({
    value: 3_000,
    source: 'default: connectionTimeoutMillis',
  })
})

test('a minimum that had to give way says so', () => {
  expect(row('min', { DB_POOL_SIZE: '1' })).toMatchObject({
    value: 1,
    source: 'environment development, but not above max',
  })
})

test('what is chosen is explained like what is set', () => {
  const env = { NODE_ENV: 'staging', SLUICE_PROFILE: 'edge' }
  expect(row('environment', env)).toMatchObject({ value: 'staging', source: 'NODE_ENV' })
  expect(row('profile', env)).toMatchObject({ value: 'edge', source: 'SLUICE_PROFILE' })
  expect(row('profile', env, { profile: 'serverless' })).toMatchObject({
    value: 'serverless',
    source: 'code',
  })
  expect(row('environment', {})).toMatchObject({ value: 'development', source: 'default' })
})

test('a profile that the environment table overrules says so, and how it would decide', () => {
  const env = { NODE_ENV: 'production', SLUICE_PROFILE: 'edge' }
  const note = row('profile', env)?.note
  expect(note).toMatch(
    /^max is 50 by the environment table of production and 3 by profile edge, and so it goes for /,
  )
  expect(note).toMatch(/; SLUICE_ENVIRONMENT=none lets the profile decide$/)
  expect(row('profile', { ...env, SLUICE_ENVIRONMENT: 'none' })?.note).toBeUndefined()
  expect(row('environment', { ...env, SLUICE_ENVIRONMENT: 'none' })).toMatchObject({
    value: 'none',
    source: 'SLUICE_ENVIRONMENT',
  })
  expect(row('profile', env, { environment: 'staging' })?.note).toMatch(
    /^max is 20 .*; environment: 'none' lets the profile decide$/,
  )
  expect(row('profile', { ...env, DB_POOL_SIZE: '4' })?.note).not.toContain('max is')
})

test('the variables of pg are named as the source, and their password is not shown', () => {
  const env = { PGHOST: 'pg.example', PGPASSWORD: 's3cr3t' }
  expect(row('host', env)).toMatchObject({ value: 'pg.example', source: 'PGHOST' })
  expect(row('password', env)).toMatchObject({ value: '***', source: 'PGPASSWORD' })
  expect(JSON.stringify(explainConfig(env))).not.toContain('s3cr3t')
})

test('a password that is also the name of something does not hide that', () => {
  const env = { DB_USERNAME: 'postgres', DB_PASSWORD: 'postgres' }
  expect([row('user', env)?.value, row('password', env)?.value]).toEqual(['postgres', '***'])
})

test('options in code that are no words or numbers are named by what they are', () => {
  const options = { onConnect: () => undefined, ssl: { key: 'k3y' }, types: [1], maxLifetimeSeconds: 5 }
  const shown = ['onConnect', 'ssl', 'types', 'maxLifetimeMillis'].map(
    (name) => row(name, {}, options)?.value,
  )
  expect(shown).toEqual(['a function', 'an object', 'a list', 5_000])
})

describe('whatever is said', () => {
  /** Numbers that differ by who says them, so that it shows who was heard. */
  const SIZES = { code: 11, parameter: 12, DB_POOL_SIZE: 13, POOL_SIZE: 14 }
  const SECONDS = { code: 21_000, parameter: 22, DB_POOL_TIMEOUT: 23, POOL_TIMEOUT: 24 }

  const sources = fc.record({
    code: fc.boolean(),
    url: fc.boolean(),
    parameter: fc.boolean(),
    first: fc.boolean(),
    second: fc.boolean(),
    traffic: fc.constantFrom(undefined, 'small', 'medium', 'large'),
    environment: fc.constantFrom('production', 'staging', 'development', 'none'),
    profile: fc.constantFrom(undefined, 'persistent', 'serverless', 'edge', 'high-performance'),
  })

  type Sources = typeof sources extends fc.Arbitrary<infer S> ? S : never

  function worldOf({ code, url, parameter, first, second, traffic, environment, profile }: Sources) {
    const env = {
      DB_HOST: 'single',
      DB_NAME: 'single',
      DB_USERNAME: 'single',
      DB_PASSWORD: 'single',
      ...(url && {
        DATABASE_URL: `postgres://u:p@url/d${parameter ? `?connection_limit=${SIZES.parameter}&pool_timeout=${SECONDS.parameter}` : ''}`,
      }),
      ...(first && { DB_POOL_SIZE: `${SIZES.DB_POOL_SIZE}`, DB_POOL_TIMEOUT: `${SECONDS.DB_POOL_TIMEOUT}` }),
      ...(second && { POOL_SIZE: `${SIZES.POOL_SIZE}`, POOL_TIMEOUT: `${SECONDS.POOL_TIMEOUT}` }),
      ...(traffic !== undefined && { POOL_TRAFFIC: traffic }),
      ...(profile !== undefined && { SLUICE_PROFILE: profile }),
    }
    const inCode = code ? { max: SIZES.code, acquireTimeoutMillis: SECONDS.code, host: 'code' } : {}
    return { env, options: { ...inCode, environment } as { environment: 'none' } }
  }

  /** What each of them says, the one who is listened to first. */
  function expected({ code, url, parameter, first, second, traffic, environment, profile }: Sources) {
    const table = environment === 'none' ? undefined : ENVIRONMENTS[environment as 'staging']
    const preset = traffic && PRESETS[traffic as 'small']
    const said = profile && PROFILES[profile as 'edge'].options
    const heard = <V>(...values: (V | undefined | false)[]) =>
      values.find((v) => v !== undefined && v !== false)
    return {
      max: heard(
        code && SIZES.code,
        url && parameter && SIZES.parameter,
        first && SIZES.DB_POOL_SIZE,
        second && SIZES.POOL_SIZE,
        preset?.max,
        table?.max,
        said?.max,
        10,
      ),
      acquireTimeoutMillis: heard(
        code && SECONDS.code,
        url && parameter && SECONDS.parameter * 1_000,
        first && SECONDS.DB_POOL_TIMEOUT * 1_000,
        second && SECONDS.POOL_TIMEOUT * 1_000,
        preset?.acquireTimeoutMillis,
        table?.acquireTimeoutMillis,
        said?.acquireTimeoutMillis,
        30_000,
      ),
      maxLifetimeMillis: heard(
        preset?.maxLifetimeMillis,
        table?.maxLifetimeMillis,
        said?.maxLifetimeMillis,
        first && 3_600_000,
      ),
      host: heard(code && 'code', url && 'url', 'single'),
    }
  }

  test('option in code > URL parameter > URL > variable > traffic > environment > profile > default', () => {
    fc.assert(
      fc.property(sources, (chosen) => {
        const { env, options } = worldOf(chosen)
        const rows = explainConfig(env, options)
        for (const [option, value] of Object.entries(expected(chosen)))
          expect([option, rows.find((one) => one.option === option)?.value]).toEqual([option, value])
      }),
      { numRuns: 500 },
    )
  })

  test('the explanation says what the pool is given', () => {
    fc.assert(
      fc.property(sources, (chosen) => {
        const { env, options } = worldOf(chosen)
        const config = poolConfigFromEnv(env, options) as Record<string, unknown>
        const explained = new Map(explainConfig(env, options).map((one) => [one.option, one]))
        for (const [option, value] of Object.entries(config)) {
          if (option === 'connectionString')
            expect(value).toMatch(new RegExp(`@${explained.get('host')?.value}[:/]`))
          else expect(explained.get(option)?.value).toBe(option === 'password' ? '***' : value)
        }
        for (const { option, source } of explained.values())
          if (!(option in config) && !/^(default$|profile )/.test(source) && option !== 'environment')
            expect(['host', 'port', 'user', 'password', 'database']).toContain(option)
      }),
      { numRuns: 300 },
    )
  })

  test('round trips: numbers that an environment spells come back as they were meant', () => {
    const seconds = fc.integer({ min: 1, max: 2_000_000 })
    const env = fc.record({
      DB_PORT: fc.integer({ min: 1, max: 65_535 }),
      DB_POOL_SIZE: fc.integer({ min: 1, max: 10_000 }),
      DB_MAX_OVERFLOW: fc.integer({ min: 0, max: 10_000 }),
      DB_POOL_TIMEOUT: seconds,
      DB_POOL_RECYCLE: seconds,
      DB_ECHO: fc.boolean(),
    })
    fc.assert(
      fc.property(env, (given) => {
        const texts = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]))
        const config = {
          port: given.DB_PORT,
          max: given.DB_POOL_SIZE,
          maxOverflow: given.DB_MAX_OVERFLOW,
          acquireTimeoutMillis: given.DB_POOL_TIMEOUT * 1_000,
          maxLifetimeMillis: given.DB_POOL_RECYCLE * 1_000,
          echo: given.DB_ECHO,
        }
        expect(poolConfigFromEnv(texts)).toMatchObject(config)
        const rows = explainConfig(texts)
        for (const [option, value] of Object.entries(config))
          expect(rows.find((one) => one.option === option)?.value).toBe(value)
      }),
    )
  })

  test('a malformed number is exactly one error, which names the variable, the value and the range', () => {
    const name = fc.constantFrom(
      ...([
        'DB_PORT',
        'DB_POOL_SIZE',
        'DB_MAX_OVERFLOW',
        'DB_POOL_TIMEOUT',
        'DB_POOL_RECYCLE',
        'POOL_SIZE',
        'POOL_TIMEOUT',
      ] as const),
    )
    const text = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.constantFrom('-1', '1e99', 'NaN', '0x', '1,000', '10s'),
    )
    fc.assert(
      fc.property(name, text, (variable, value) => {
        fc.pre(!(value.trim() !== '' && Number(value) >= 0 && Number(value) <= 2_147_483))
        for (const read of [poolConfigFromEnv, explainConfig]) {
          const refused = () => read({ [variable]: value })
          expect(refused).toThrow(SluiceError)
          expect(refused).toThrow(
            new RegExp(
              `^${variable} must be a (whole )?number from [\\d.,]+ to [\\d,]+( \\(seconds\\))?; it is `,
            ),
          )
        }
      }),
    )
  })

  test('the password is nowhere in the explanation, however it is spelt', () => {
    const password = fc
      .string({ minLength: 6, maxLength: 30, unit: 'grapheme' })
      .map((text) => `s€cret ${text}`)
    fc.assert(
      fc.property(password, fc.boolean(), fc.boolean(), (secret, isUrl, isPooled) => {
        const url = `postgres://ann:${encodeURIComponent(secret)}@h/d`
        const env = {
          ...(isUrl ? { DATABASE_URL: url } : { DB_PASSWORD: secret, DB_HOST: 'h' }),
          ...(isPooled && { DATABASE_POOL_URL: url }),
        }
        const shown = JSON.stringify(explainConfig(env, { applicationName: `app of ${secret}` }))
        for (const spelling of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
          expect(shown).not.toContain(spelling)
        expect(shown).not.toContain('s€cret')
      }),
    )
  })
})
