import { describe, expect, test } from 'vitest'
import { endpointOf, readEndpoint } from './endpoint.ts'

describe('an endpoint that is not named is told by its address', () => {
  test.each([
    ['nothing at all', {}, 'direct'],
    ['a server of one’s own', { connectionString: 'postgres://u:p@db.example:5432/app' }, 'direct'],
    ['Supabase’s port', { connectionString: 'postgres://u:p@db.example:6543/app' }, 'transaction'],
    ['Supabase’s port beside a host', { host: 'db.example', port: 6_543 }, 'transaction'],
    ['the same as text', { host: 'db.example', port: '6543' }, 'transaction'],
    [
      'Supabase’s other pooler',
      { connectionString: 'postgres://u:p@aws.pooler.supabase.com:5432/app' },
      'session',
    ],
    [
      'the port in front of the one beside it',
      { connectionString: 'postgres://db:5432/app', port: 6_543 },
      'direct',
    ],
    [
      'the port beside a string without one',
      { connectionString: 'postgres://db/app', port: 6_543 },
      'transaction',
    ],
    ['Prisma’s word', { connectionString: 'postgres://db/app?pgbouncer=true' }, 'transaction'],
    ['Prisma’s word taken back', { connectionString: 'postgres://db/app?pgbouncer=false' }, 'direct'],
    ['Neon’s pooler', { connectionString: 'postgres://ep-a-1-pooler.eu.aws.neon.tech/app' }, 'transaction'],
    ['Neon’s pooler as a host', { host: 'ep-a-1-pooler.eu.aws.neon.tech' }, 'transaction'],
    ['Neon without its pooler', { host: 'ep-a-1.eu.aws.neon.tech' }, 'direct'],
    ['a domain that is called so', { host: 'db.my-pooler.example' }, 'direct'],
    ['a socket', { connectionString: '/var/run/postgresql app' }, 'direct'],
    ['what is no address', { connectionString: 5, host: {} }, 'direct'],
  ])('%s', (_what, given, endpoint) => {
    expect(endpointOf(given)).toBe(endpoint)
    expect(endpointOf({ ...given, endpoint: 'auto' })).toBe(endpoint)
  })
})

test('an endpoint that is named is believed, whatever its address', () => {
  const connectionString = 'postgres://db.example:6543/app?pgbouncer=true'
  expect(endpointOf({ endpoint: 'direct', connectionString })).toBe('direct')
  expect(endpointOf({ endpoint: 'session', connectionString })).toBe('session')
  expect(endpointOf({ endpoint: 'transaction', host: 'db.example' })).toBe('transaction')
})

test('any other word is refused, with the words there are', () => {
  expect(() => endpointOf({ endpoint: 'statement' })).toThrow(
    "endpoint must be one of 'direct', 'session', 'transaction', 'auto'; it is \"statement\"",
  )
})

test.each([
  ['aws-0-eu.pooler.supabase.com', 6_543, 'transaction', 'supavisor', 'address'],
  ['aws-0-eu.pooler.supabase.com', 5_432, 'session', 'supavisor', 'address'],
  ['db.abcdef.supabase.co', 5_432, 'direct', undefined, 'address'],
  ['db.abcdef.supabase.co', 6_543, 'transaction', 'pgbouncer', 'address'],
  ['ep-a-1-pooler.eu-central-1.aws.neon.tech', 5_432, 'transaction', 'neon', 'address'],
  ['ep-a-1.eu-central-1.aws.neon.tech', 5_432, 'direct', undefined, 'address'],
  ['my-pooler.example.com', 5_432, 'transaction', 'unknown', 'address'],
  ['app.proxy-abc123.eu-west-1.rds.amazonaws.com', 5_432, 'transaction', 'rds-proxy', 'address'],
  ['app.abc123.eu-west-1.rds.amazonaws.com', 5_432, 'direct', undefined, 'address'],
  ['db.example', 5_432, 'direct', undefined, 'assumed'],
  ['db.example', 6_432, 'direct', undefined, 'assumed'],
])('%s:%i is %s', (host, port, endpoint, pooler, known) => {
  const told = readEndpoint({ connectionString: `postgres://u:p@${host}:${port}/app` })
  expect(told).toMatchObject({ endpoint, pooler, known, isSuspect: port === 6_432 })
  expect(readEndpoint({ host: host.toUpperCase(), port })).toEqual(told)
})
