import { describe, expect, test } from 'vitest'
import { isConsoleRefusal, poolerSays, refusedOption } from './pooler.ts'

const says = (message: string, code = '08P01', more: object = {}) =>
  Object.assign(new Error(message), { code, severity: 'FATAL', ...more })

describe('what a pooler means is told by its words', () => {
  test.each([
    ['query_wait_timeout', '08P01', 'saturated'],
    ['no more connections allowed (max_client_conn)', '08P01', 'saturated'],
    ['client connections exceeded (max_db_client_connections)', '08P01', 'saturated'],
    [
      'MaxClientsInSessionMode: max clients reached - in Session mode max clients are limited to pool_size',
      'XX000',
      'saturated',
    ],
    ['Max client connections reached', 'XX000', 'saturated'],
    ['Unable to check out process from the pool due to timeout', 'XX000', 'saturated'],
    ['Timed-out waiting to acquire database connection', '08006', 'saturated'],
    ['server login has been failing, try again later (server_login_retry)', '08P01', 'down'],
    ['server login has been failing, cached error: connect failed (server_login_retry)', '08P01', 'down'],
    ['pgbouncer cannot connect to server', '08P01', 'down'],
    ['client_login_timeout (server down)', '08P01', 'down'],
    ['server conn crashed?', '08P01', 'down'],
    ["Couldn't connect to compute node", 'XX000', 'down'],
    ['server shutting down', '08P01', 'leaving'],
    ['query timeout', '08P01', 'cancelled'],
    ['query_timeout', '08P01', 'cancelled'],
    ['idle transaction timeout', '08P01', 'cancelled'],
    ['admin forced disconnect', '08P01', 'cancelled'],
    ['no such database: nix', '08P01', 'refused'],
    ['database "off" is disabled', '08P01', 'refused'],
    ['SASL authentication failed', '08P01', 'refused'],
    ['password authentication failed for user "other"', '08P01', 'refused'],
    ['not allowed', '08P01', 'refused'],
    ['unsupported startup parameter: options', '08P01', 'refused'],
    ['bouncer config error', '08P01', 'refused'],
    ['Tenant or user not found', 'XX000', 'refused'],
    ['The endpoint has been disabled. Enable it using Neon API and retry.', 'XX000', 'refused'],
    ["Feature not supported: RDS Proxy currently doesn't support command-line options.", '0A000', 'refused'],
    ['This RDS proxy has no credentials for the role app', '28000', 'refused'],
  ])('%s', (message, code, means) => {
    const said = poolerSays(says(message, code))
    expect(said?.means).toBe(means)
    expect(said?.hint).not.toBe('')
  })
})

test('the same words from Postgres are Postgres’s own', () => {
  const own = says('password authentication failed for user "other"', '28P01', { routine: 'auth_failed' })
  expect(poolerSays(own)).toBeUndefined()
  expect(
    poolerSays(says('bind message supplies 1 parameters', '08P01', { routine: 'exec_bind' })),
  ).toBeUndefined()
})

test('words that nobody knows, and errors without a code, mean nothing', () => {
  expect(poolerSays(says('something new'))).toBeUndefined()
  expect(poolerSays(new Error('query_wait_timeout'))).toBeUndefined()
  expect(poolerSays(undefined)).toBeUndefined()
})

test('the option that is refused is named, also where it stands inside options', () => {
  expect(refusedOption(says('unsupported startup parameter: statement_timeout'))).toBe('statement_timeout')
  expect(refusedOption(says('unsupported startup parameter in options: lock_timeout'))).toBe('lock_timeout')
  expect(refusedOption(says('query_wait_timeout'))).toBeUndefined()
  expect(refusedOption(new Error('unsupported startup parameter: options'))).toBeUndefined()
})

test('only PgBouncer refuses its console in these words', () => {
  expect(isConsoleRefusal(says('not allowed'))).toBe(true)
  expect(isConsoleRefusal(says('database "pgbouncer" does not exist', '3D000'))).toBe(false)
})
