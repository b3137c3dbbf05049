import { describe, expect, test } from 'vitest'
import { endpointOf } from './endpoint.ts'

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
