import { describe, expect, test } from 'vitest'
import { SluiceError } from '../base/errors.ts'
import type { Env } from './environments.ts'
import { poolConfigFromEnv } from './from-env.ts'

/** An environment of which the table is left out, so that only what is under test is said. */
const alone = (env: Env, options: object = {}) => poolConfigFromEnv(env, { environment: 'none', ...options })

const SECRET = 's3cr3t-pa55'
const HERE = { DB_HOST: 'db.example', DB_NAME: 'app', DB_USERNAME: 'ann', DB_PASSWORD: SECRET }

/** What is said when an environment is refused. */
function refusal(env: Env, options: object = {}): string {
  try {
    poolConfigFromEnv(env, options)
  } catch (error) {
    if (SluiceError.is(error, 'SLUICE_BAD_OPTION')) return error.message
    throw error
  }
  return 'it was taken'
}

describe('the environment table', () => {
  const common = {
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: 2_000,
    acquireTimeoutMillis: 10_000,
    maxUses: 7_500,
    maxLifetimeMillis: 1_800_000,
    statementTimeout: 30_000,
    queryTimeout: 30_000,
  }

  test.each([
    ['production', 50, 10],
    ['staging', 20, 5],
    ['development', 10, 2],
  ])('%s has %d connections at most and %d at least, and the times of all', (name, max, min) => {
    expect(poolConfigFromEnv({ ...HERE, NODE_ENV: name })).toMatchObject({ max, min, ...common })
    expect(poolConfigFromEnv(HERE, { environment: name as 'staging' })).toMatchObject({ max, min })
    expect(poolConfigFromEnv(HERE, { environment: name as 'staging' }).port).toBe(5_432)
  })

  test.each([undefined, '', 'test', 'Prod'])('NODE_ENV %j is development', (name) => {
    expect(poolConfigFromEnv({ ...HERE, NODE_ENV: name })).toMatchObject({ max: 10, min: 2 })
  })

  test('words of variables are the same in upper and lower case', () => {
    expect(poolConfigFromEnv({ ...HERE, NODE_ENV: 'Production' })).toMatchObject({ max: 50 })
    const env = {
      SLUICE_ENVIRONMENT: 'NONE',
      SLUICE_PROFILE: 'Edge',
      POOL_MODE: 'SESSION',
      POOL_TRAFFIC: ' Small',
    }
    expect(poolConfigFromEnv(env)).toMatchObject({ profile: 'edge', endpoint: 'session', maxOverflow: 10 })
    expect(refusal({ DATABASE_URL: 'postgres://h/d?sslmode=Require' })).toContain(
      'sslmode of DATABASE_URL must be',
    )
  })

  test('SLUICE_ENVIRONMENT wins over NODE_ENV, and an option in code over both', () => {
    const env = { ...HERE, NODE_ENV: 'production', SLUICE_ENVIRONMENT: 'staging' }
    expect(poolConfigFromEnv(env)).toMatchObject({ max: 20 })
    expect(poolConfigFromEnv(env, { environment: 'development' })).toMatchObject({ max: 10 })
    const edge = { NODE_ENV: 'production', SLUICE_ENVIRONMENT: 'none', SLUICE_PROFILE: 'edge', DB_HOST: 'h' }
    expect(poolConfigFromEnv(edge)).toEqual({ host: 'h', profile: 'edge' })
  })

  test('development finds its database on the own machine, under the name of the project', () => {
    const local = { host: 'localhost', port: 5_432, user: 'postgres', password: '' }
    expect(poolConfigFromEnv({ npm_package_name: '@acme/shop' })).toMatchObject({
      ...local,
      database: 'shop',
    })
    expect(poolConfigFromEnv({})).toMatchObject({ database: process.cwd().split('/').at(-1) })
  })

  test.each(['production', 'staging'])('%s names everything that is missing in one error', (name) => {
    const none = 'and have no default in'
    expect(refusal({ NODE_ENV: name })).toBe(
      `DB_HOST, DB_NAME, DB_USERNAME, DB_PASSWORD are not set, ${none} ${name}; set them, or DATABASE_URL with all of host, database, user and password`,
    )
    expect(refusal({ ...HERE, DB_HOST: undefined, NODE_ENV: name })).toContain(
      `DB_HOST is not set, and has no default in ${name}; set it, or DATABASE_URL`,
    )
    expect(refusal({ DATABASE_URL: 'postgres://ann@db/app', NODE_ENV: name })).toContain(
      'DB_PASSWORD is not set',
    )
  })

  test('an empty password is one that was said; anything else that is empty is not', () => {
    const env = { ...HERE, NODE_ENV: 'production' }
    expect(poolConfigFromEnv({ ...env, DB_PASSWORD: '' })).toMatchObject({ password: '' })
    expect(refusal({ ...env, DB_HOST: '' })).toContain('DB_HOST is not set')
    expect(poolConfigFromEnv({ ...env, DB_POOL_SIZE: '' })).toMatchObject({ max: 50 })
  })

  test('may be left out', () => {
    expect(alone({ DB_HOST: 'db.example' })).toEqual({ host: 'db.example' })
    expect(alone({}, { profile: 'edge' })).toEqual({ profile: 'edge' })
  })
})

describe('single variables', () => {
  test.each([
    ['DB_HOST', 'db.example', { host: 'db.example' }],
    ['DB_PORT', '6000', { port: 6_000 }],
    ['DB_NAME', 'app', { database: 'app' }],
    ['DB_USERNAME', 'ann', { user: 'ann' }],
    ['DB_PASSWORD', SECRET, { password: SECRET }],
    ['DB_POOL_SIZE', '7', { max: 7 }],
    ['DB_MAX_OVERFLOW', '3', { maxOverflow: 3 }],
    ['DB_POOL_TIMEOUT', '1.5', { acquireTimeoutMillis: 1_500 }],
    ['DB_POOL_RECYCLE', '1800', { maxLifetimeMillis: 1_800_000 }],
    ['DB_POOL_PRE_PING', 'off', { prePing: false }],
    ['DB_ECHO', 'True', { echo: true }],
    ['POOL_SIZE', '8', { max: 8 }],
    ['POOL_TIMEOUT', '20', { acquireTimeoutMillis: 20_000 }],
    ['POOL_MODE', 'session', { endpoint: 'session' }],
    ['POOL_MODE', 'statement', { endpoint: 'transaction', transactions: false }],
  ])('%s=%s', (name, text, config) => {
    expect(alone({ [name]: text })).toMatchObject(config)
  })

  test('DB_POOL_SIZE (10), DB_MAX_OVERFLOW (20), DB_POOL_TIMEOUT (30 s), DB_POOL_RECYCLE (3,600 s), DB_POOL_PRE_PING (true), DB_ECHO (false)', () => {
    const family = {
      max: 10,
      maxOverflow: 20,
      acquireTimeoutMillis: 30_000,
      maxLifetimeMillis: 3_600_000,
      prePing: 30_000,
      echo: false,
    }
    expect(alone({ DB_POOL_PRE_PING: 'true' })).toEqual(family)
    expect(alone({ DB_MAX_OVERFLOW: '20' })).toEqual(family)
  })

  test('POOL_SIZE (10), POOL_TIMEOUT (60 s), and POOL_MODE, without which the endpoint is asked what it is', () => {
    const family = { max: 10, acquireTimeoutMillis: 60_000 }
    expect(alone({ POOL_SIZE: '10' })).toEqual(family)
    expect(alone({ POOL_TIMEOUT: '60' })).toEqual(family)
    expect(alone({ POOL_MODE: 'transaction' })).toEqual({ ...family, endpoint: 'transaction' })
  })

  test('what a variable of a family defaults to gives way to every table', () => {
    expect(poolConfigFromEnv({ DB_POOL_SIZE: '30' })).toMatchObject({
      max: 30,
      acquireTimeoutMillis: 10_000,
      maxLifetimeMillis: 1_800_000,
      maxOverflow: 20,
    })
  })

  test('what a table keeps open is never more than what a variable allows', () => {
    expect(poolConfigFromEnv({ ...HERE, NODE_ENV: 'production', DB_POOL_SIZE: '4' })).toMatchObject({
      max: 4,
      min: 4,
    })
  })
})

describe('the variables of pg', () => {
  const STANDARD = {
    PGHOST: 'pg.example',
    PGPORT: '6000',
    PGUSER: 'pat',
    PGPASSWORD: SECRET,
    PGDATABASE: 'shop',
  }
  const place = { host: 'pg.example', port: 6_000, user: 'pat', password: SECRET, database: 'shop' }

  test('say where the database is, before development guesses and where production needs it', () => {
    expect(poolConfigFromEnv(STANDARD)).toMatchObject(place)
    expect(poolConfigFromEnv({ ...STANDARD, NODE_ENV: 'production' })).toMatchObject({ ...place, max: 50 })
  })

  test('give way to DB_…, and fill in what a connection string leaves open', () => {
    expect(poolConfigFromEnv({ ...STANDARD, DB_HOST: 'db.example' })).toMatchObject({
      ...place,
      host: 'db.example',
    })
    expect(alone({ ...STANDARD, DATABASE_URL: 'postgres://ann@other/app' })).toEqual({
      connectionString: `postgres://ann:${SECRET}@other:6000/app`,
    })
  })

  test('are read with care', () => {
    expect(refusal({ PGPORT: 'x' })).toBe('PGPORT must be a whole number from 1 to 65,535; it is "x"')
  })
})

describe('traffic', () => {
  test.each([
    [
      'development',
      { max: 3, maxOverflow: 5, acquireTimeoutMillis: 30_000, maxLifetimeMillis: 3_600_000, echo: true },
    ],
    ['small', { max: 5, maxOverflow: 10, acquireTimeoutMillis: 30_000, maxLifetimeMillis: 3_600_000 }],
    ['medium', { max: 15, maxOverflow: 30, acquireTimeoutMillis: 30_000, maxLifetimeMillis: 3_600_000 }],
    ['large', { max: 30, maxOverflow: 60, acquireTimeoutMillis: 20_000, maxLifetimeMillis: 3_600_000 }],
  ] as const)('%s', (traffic, config) => {
    expect(alone({}, { traffic })).toEqual(config)
    expect(alone({ POOL_TRAFFIC: traffic })).toEqual(config)
    expect(poolConfigFromEnv({ POOL_TRAFFIC: traffic })).toMatchObject(config)
  })
})

describe('connection strings', () => {
  const URL_ = `postgres://ann:${SECRET}@db.example:5433/app`

  test.each([
    ['connection_limit=5', { max: 5 }],
    ['pool_timeout=7', { acquireTimeoutMillis: 7_000 }],
    ['connect_timeout=3', { connectionTimeoutMillis: 3_000 }],
    ['pgbouncer=true', { endpoint: 'transaction' }],
    ['statement_cache_size=50', { preparedStatementCacheSize: 50 }],
    ['application_name=shop', { applicationName: 'shop' }],
    ['sslmode=require', {}],
    ['pgbouncer=false', {}],
  ])('%s', (parameter, config) => {
    const connectionString = `${URL_}?${parameter}`
    expect(alone({ DATABASE_URL: connectionString })).toEqual({ connectionString, ...config })
  })

  test('in code mean the same, and the environment has no say in where the database is', () => {
    const connectionString = `${URL_}?connection_limit=5`
    const env = { DATABASE_URL: 'postgres://elsewhere/x', DATABASE_POOL_URL: 'postgres://pooler/x' }
    expect(alone(env, { connectionString })).toEqual({ connectionString, max: 5 })
  })

  test('win over single variables, which fill in what they leave open', () => {
    const { connectionString } = alone({ ...HERE, DATABASE_URL: 'postgres://ben@other/x' })
    expect(connectionString).toBe(`postgres://ben:${SECRET}@other/x`)
  })

  test('give way to options in code, of which pg would not hear otherwise', () => {
    const env = { DATABASE_URL: `${URL_}?sslmode=require&application_name=x&options=-c%20a%3Db` }
    const options = { host: '::1', port: 7_000, user: 'b@n', password: 'a/b%c', database: 'two words' }
    const config = alone(env, { ...options, ssl: false, applicationName: 'y' })
    expect(config).toEqual({
      connectionString: 'postgres://b%40n:a%2Fb%25c@[::1]:7000/two%20words?options=-c+a%3Db',
      ssl: false,
      applicationName: 'y',
    })
    expect(alone(env, { host: '/tmp' }).connectionString).toContain('host=%2Ftmp')
  })

  test('cannot be combined with a password that is a function', () => {
    const text =
      'password as a function goes with host, user and database; pg would take the one in DATABASE_URL instead, or none'
    expect(refusal({ DATABASE_URL: URL_ }, { password: () => 'x' })).toBe(text)
    const config = alone({ DB_HOST: 'h' }, { password: () => 'x' })
    expect(config.password).toBeTypeOf('function')
  })

  test('to a socket are their parts', () => {
    expect(alone({ DATABASE_URL: '/var/run/postgresql app' })).toEqual({
      host: '/var/run/postgresql',
      database: 'app',
    })
    expect(alone({ DATABASE_URL: 'postgres://ann@/app?host=/tmp' })).toMatchObject({
      connectionString: 'postgres://ann@localhost/app?host=/tmp',
    })
  })

  test('come in two where there is a pooler: the pool takes the one, and the direct one is for what a pooler does not carry', () => {
    const direct = `postgres://ann:${SECRET}@db.abc.supabase.co:5432/postgres`
    const pooled = `postgres://ann.abc:${SECRET}@aws-0-eu.pooler.supabase.com:6543/postgres`
    expect(alone({ DATABASE_URL: direct, DATABASE_POOL_URL: pooled })).toEqual({
      connectionString: pooled,
      directConnectionString: direct,
      endpoint: 'transaction',
    })
    expect(alone({ DATABASE_POOL_URL: pooled })).toEqual({
      connectionString: pooled,
      endpoint: 'transaction',
    })
  })

  test.each([
    ['aws-0-eu.pooler.supabase.com:6543', 'transaction'],
    ['aws-0-eu.pooler.supabase.com:5432', 'session'],
    ['aws-0-eu.pooler.supabase.com', 'session'],
    ['db.abc.supabase.co:5432', 'direct'],
    ['db.abc.supabase.co:6543', 'transaction'],
    ['db.abc.supabase.co:7000', 'direct'],
    ['supabase.example:5432', undefined],
  ])('of Supabase: %s is %s', (place, endpoint) => {
    expect(alone({ DATABASE_URL: `postgres://u:p@${place}/postgres` }).endpoint).toBe(endpoint)
  })
})

describe('a profile', () => {
  test('is named by SLUICE_PROFILE or in code, and gives way to the environment', () => {
    expect(poolConfigFromEnv({ SLUICE_PROFILE: 'serverless' })).toMatchObject({
      profile: 'serverless',
      max: 10,
      min: 2,
    })
    expect(poolConfigFromEnv({ SLUICE_PROFILE: 'serverless' }, { profile: 'edge' }).profile).toBe('edge')
  })
})

describe('an option in code', () => {
  test('goes to the pool as it is, whatever it is', () => {
    const onConnect = () => undefined
    expect(alone({ DB_POOL_SIZE: '5' }, { max: 7, onConnect, retry: true })).toMatchObject({
      max: 7,
      onConnect,
      retry: true,
    })
  })

  test('wins under pg-pool’s names too', () => {
    const config = poolConfigFromEnv({}, { maxLifetimeSeconds: 5, statement_timeout: 6 })
    expect(config).toMatchObject({ maxLifetimeSeconds: 5, statement_timeout: 6 })
    expect('maxLifetimeMillis' in config || 'statementTimeout' in config).toBe(false)
  })

  test('that is undefined says nothing', () => {
    expect(alone({ DB_POOL_SIZE: '5' }, { max: undefined })).toMatchObject({ max: 5 })
  })
})

const SCHEME = 'must begin with postgres:// or postgresql://, since Postgres is what Sluice speaks here'
const ENCODE =
  'has characters in its password that a URL gives another meaning; write # as %23, / as %2F, ? as %3F and @ as %40'
const PERCENT = 'has a % that is not followed by two hexadecimal digits; write a plain % as %25'
const SHAPE = 'is not a connection string like postgres://user@host:5432/database'

test.each([
  [{ DB_PORT: '70000' }, 'DB_PORT must be a whole number from 1 to 65,535; it is "70000"'],
  [{ DB_POOL_SIZE: 'many' }, 'DB_POOL_SIZE must be a whole number from 1 to 10,000; it is "many"'],
  [{ DB_MAX_OVERFLOW: '-1' }, 'DB_MAX_OVERFLOW must be a whole number from 0 to 10,000; it is "-1"'],
  [{ DB_POOL_TIMEOUT: '0' }, 'DB_POOL_TIMEOUT must be a number from 0.001 to 2,147,483 (seconds); it is "0"'],
  [{ DB_POOL_RECYCLE: '1h' }, 'DB_POOL_RECYCLE must be a number from 0 to 2,147,483 (seconds); it is "1h"'],
  [{ DB_POOL_PRE_PING: 'maybe' }, 'DB_POOL_PRE_PING must be true or false; it is "maybe"'],
  [{ DB_ECHO: '2' }, 'DB_ECHO must be true or false; it is "2"'],
  [{ POOL_SIZE: '1.5' }, 'POOL_SIZE must be a whole number from 1 to 10,000; it is "1.5"'],
  [{ POOL_TIMEOUT: '-3' }, 'POOL_TIMEOUT must be a number from 0.001 to 2,147,483 (seconds); it is "-3"'],
  [{ POOL_MODE: 'tx' }, `POOL_MODE must be one of 'transaction', 'session', 'statement'; it is "tx"`],
  [
    { POOL_TRAFFIC: 'huge' },
    `POOL_TRAFFIC must be one of 'development', 'small', 'medium', 'large'; it is "huge"`,
  ],
  [
    { SLUICE_PROFILE: 'lambda' },
    `SLUICE_PROFILE must be one of 'persistent', 'serverless', 'edge', 'high-performance'; it is "lambda"`,
  ],
  [
    { DATABASE_URL: 'postgres://h/d?connection_limit=0' },
    'connection_limit of DATABASE_URL must be a whole number from 1 to 10,000; it is "0"',
  ],
  [
    { DATABASE_POOL_URL: 'postgres://h/d?pool_timeout=x' },
    'pool_timeout of DATABASE_POOL_URL must be a number from 0.001 to 2,147,483 (seconds); it is "x"',
  ],
  [
    { DATABASE_URL: 'postgres://h/d?pgbouncer=perhaps' },
    'pgbouncer of DATABASE_URL must be true or false; it is "perhaps"',
  ],
  [{ DATABASE_URL: 'postgres://h/d?port=x' }, 'DATABASE_URL must have a port from 1 to 65,535'],
  [{ DATABASE_URL: `mysql://u:${SECRET}@h/d` }, `DATABASE_URL ${SCHEME}`],
  [{ DATABASE_URL: `postgres://u:${SECRET}/%@h/d` }, `DATABASE_URL ${ENCODE}`],
  [{ DATABASE_URL: `postgres://u:12/${SECRET}@h/d` }, `DATABASE_URL ${ENCODE}`],
  [{ DATABASE_URL: `postgres://u:12#${SECRET}@h/d` }, `DATABASE_URL ${ENCODE}`],
  [{ DATABASE_URL: `postgres://u:${SECRET}%zz@h/d` }, `DATABASE_URL ${PERCENT}`],
  [
    { DATABASE_URL: `postgres://u:${SECRET}%ff@h/d` },
    'DATABASE_URL has percent-encoded bytes that are no UTF-8 text',
  ],
  [{ DATABASE_URL: `postgres://u:${SECRET}@h:70000/d` }, 'DATABASE_URL has a port above 65,535'],
  [{ DATABASE_URL: `postgres://u:${SECRET}@h:five/d` }, 'DATABASE_URL has a port that is not a number'],
  [{ DATABASE_URL: `"postgres://u:${SECRET}@h/d"` }, 'DATABASE_URL stands in quotes; leave them out'],
  [{ DATABASE_URL: `postgres://u:${SECRET}@h/d\n` }, 'DATABASE_URL has a line break in it; leave it out'],
  [{ DATABASE_URL: `\npostgres://u:${SECRET}@h/d` }, 'DATABASE_URL has a line break in it; leave it out'],
  [{ DB_POOLSIZE: '5' }, 'DB_POOLSIZE is not a variable of Sluice; did you mean DB_POOL_SIZE?'],
  [{ POOL_MOD: 'session' }, 'POOL_MOD is not a variable of Sluice; did you mean POOL_MODE?'],
  [
    { SLUICE_PROFIL: 'edge', POOL_SIZ: '5' },
    'SLUICE_PROFIL is not a variable of Sluice; did you mean SLUICE_PROFILE? POOL_SIZ is not a variable of Sluice; did you mean POOL_SIZE?',
  ],
  [
    { DATABASE_URL: 'postgres://h/d?connection_limt=5' },
    'connection_limt of DATABASE_URL is not a parameter that Sluice knows; did you mean connection_limit?',
  ],

  [{ DATABASE_URL: `nonsense ${SECRET}`, DATABASE_POOL_URL: 'postgres://h/d' }, `DATABASE_URL ${SHAPE}`],
])('%j is refused in one sentence', (env, sentence) => {
  expect(refusal(env)).toBe(sentence)
  expect(sentence).not.toContain(SECRET)
})

test('what others call theirs is left alone, in the environment and in connection strings', () => {
  const env = {
    POOL_PORT: 'tcp://10.0.0.1:80',
    DB_POOL: 'x',
    SLUICE_HOME: '/opt',
    POOLSIZE: '5',
    DB_POOLSIZE: '',
  }
  expect(alone(env)).toEqual({})
  const parameters =
    'ssl=true&options=-c%20a%3Db&target_session_attrs=any&fallback_application_name=x&schema=s'
  const connectionString = `postgres://h/d?${parameters}&client_encoding=utf8&statement_timeout=5`
  expect(alone({ DATABASE_URL: connectionString })).toEqual({ connectionString })
})

test('what is chosen in code is refused under its own name', () => {
  expect(refusal({}, { traffic: 'huge' })).toBe(
    `traffic must be one of 'development', 'small', 'medium', 'large'; it is "huge"`,
  )
  expect(refusal({}, { environment: 'prod' })).toBe(
    `environment must be one of 'production', 'staging', 'development', 'none'; it is "prod"`,
  )
})
