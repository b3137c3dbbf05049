import { describe, expect, test } from 'vitest'
import { redact, secretsOf } from './redact.ts'

const password = 's3cr3t'

describe('redact', () => {
  test.each([
    ['postgres://app:s3cr3t@db.example:5432/app', 'postgres://app:***@db.example:5432/app'],
    ['cannot reach postgres://app:s3cr3t@db, sorry', 'cannot reach postgres://app:***@db, sorry'],
    ["unknown command 'postgres://app:s3cr3t@db/app'", "unknown command 'postgres://app:***@db/app'"],
    ['postgres://app:s3/cr?3t#@x@db/app', 'postgres://app:***@db/app'],
    ['postgres://app:s3cr3t', 'postgres://app:***'],
    ['postgre//app:s3cr3t@db', 'postgre//app:***@db'],
    ['app:s3cr3t@db', 'app:***@db'],
    ['postgres://db/app?user=app&password=s3cr3t&x=1', 'postgres://db/app?user=app&password=***&x=1'],
    ["host=db password='s3 cr3t' user=app", 'host=db password=*** user=app'],
    ['host=db password=s3cr3t', 'host=db password=***'],
    ['http://127.0.0.1:5480/?token=s3cr3t&x=1', 'http://127.0.0.1:5480/?token=***&x=1'],
    ["unknown option '--token=s3cr3t'", "unknown option '--token=***'"],
  ])('hides what looks like a password in %s', (text, hidden) => {
    expect(redact(text)).toBe(hidden)
  })

  test.each([
    'connect ECONNREFUSED 127.0.0.1:5432',
    'postgres://localhost:5432/app',
    'postgres://localhost:5432',
    'postgres://app@db:5432/app',
    'password authentication failed for user "app"',
    'at Pool.query (file:///srv/node_modules/@x/y.js:3:14)',
  ])('leaves alone what holds no password: %s', (text) => {
    expect(redact(text)).toBe(text)
  })

  test('hides a known password in every spelling, wherever it stands', () => {
    const secrets = secretsOf('postgres://app:p%40ss%2Fw0rd@db/app')
    for (const spelling of ['p@ss/w0rd', 'p%40ss%2Fw0rd', 'p%40ss%2fw0rd', 'p@ss%2Fw0rd']) {
      expect(redact(`<${spelling}>`, secrets), spelling).not.toMatch(/w0rd/)
    }
  })

  test('hides a short password only as a word of its own', () => {
    const secrets = secretsOf('postgres://app:e@db/app')
    expect(redact('refused: e', secrets)).toBe('refused: ***')
  })
})

describe('secretsOf', () => {
  test.each([
    `postgres://app:${password}@db/app`,
    `postgres://app:${password}@db:99999/app`,
    `postgres://app:${password}@/app`,
    `mysql//app:${password}@db`,
    `postgres://db/app?password=${password}`,
    'postgres://app:%733cr3t@db/app',
    `postgres://app:${password}@db/app?options=a@b`,
  ])('finds the password in %s', (connectionString) => {
    expect(secretsOf(connectionString)).toContain(password)
  })

  test('finds none where there is none', () => {
    expect(secretsOf('postgres://app@db/app')).toEqual([])
    expect(secretsOf('not a URL')).toEqual([])
    expect(secretsOf('')).toEqual([])
  })
})
