import { expect, test } from 'vitest'
import { readTarget } from './target.ts'
import { explain } from './trouble.ts'

const target = readTarget('postgres://app:s3cr3t@db.example:6543/shop', 'The URL')
const error = (message: string, code?: string): Error => Object.assign(new Error(message), { code })

// What only a network or a server that is not at hand can provoke; the rest is tested through the command.
test.each([
  ['timeout', error('timeout expired')],
  ['timeout', error('connect ETIMEDOUT 192.0.2.1:6543', 'ETIMEDOUT')],
  ['timeout', error('Query read timeout')],
  ['unreachable', error('connect ENETUNREACH 2001:db8::1:6543', 'ENETUNREACH')],
  ['name-server', error('getaddrinfo EAI_AGAIN db.example', 'EAI_AGAIN')],
  ['refused', new AggregateError([error('connect ECONNREFUSED ::1:6543', 'ECONNREFUSED')])],
  ['missing-role', error('role "app" does not exist', '28000')],
  ['not-admitted', error('no pg_hba.conf entry for host "192.0.2.1", no encryption', '28000')],
  ['missing-database', error('no such database: shop', '08P01')],
  ['too-many-clients', error('remaining connection slots are reserved', '53300')],
  ['tls-certificate', error('certificate has expired', 'CERT_HAS_EXPIRED')],
  ['closed', error('Connection terminated unexpectedly')],
  ['other', error('something new', 'XX000')],
  ['other', 'not even an error'],
])('%s is what is said of: %s', (kind, thrown) => {
  const trouble = explain(thrown, target)
  expect(trouble.kind).toBe(kind)
  expect([trouble.what, trouble.advice]).toEqual([expect.stringMatching(/\.$/), expect.stringMatching(/\.$/)])
})

test('what a driver says is repeated without the password and without its second line', () => {
  const { what } = explain(error('bad startup for app:s3cr3t@db, %73%33cr3t\nstack'), target)
  expect(what).toBe('bad startup for app:***@db, ***.')
})

test('an IPv6 host and a socket are named so that they can be recognised', () => {
  const refused = error('connect ECONNREFUSED', 'ECONNREFUSED')
  const at = (url: string) => explain(refused, readTarget(url, 'The URL')).what
  expect(at('postgres://app@[2001:db8::1]/shop')).toContain('[2001:db8::1]:5432')
  expect(at('postgres://app@/shop?host=/var/run/postgresql')).toContain('the socket in /var/run/postgresql')
})
