/** Servers that break in the handshake end every wait in time, and are used again once they are well. */
import { describe, expect, test, vi } from 'vitest'
import type { Pool } from '../../src/index.ts'
import { startDeafServer } from '../support/deaf-server.ts'
import type { Script } from '../support/fake-script.ts'
import { silence } from '../support/fake-script.ts'
import { fakeServers, poolsWith } from '../support/pools.ts'
import { use } from './support.ts'

const fake = fakeServers()
const open = poolsWith({ max: 5 })

describe('a server that', () => {
  const limits = { connectionTimeoutMillis: 200, acquireTimeoutMillis: 500 }

  /** Every caller has failed in his time, with an error that says where. */
  async function failAll(pool: Pool): Promise<void> {
    const from = performance.now()
    const asked = await Promise.allSettled(
      Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? use(pool) : pool.query('SELECT 1'))),
    )
    expect(performance.now() - from).toBeLessThan(5_000)
    for (const one of asked) {
      expect(one).toMatchObject({
        status: 'rejected',
        reason: { code: expect.stringMatching(/^SLUICE_OPEN_(FAILED|TIMEOUT)$/), phase: 'open' },
      })
    }
    expect(pool.stats().waiting).toBe(0)
  }

  /** The server is well: within the pause after the last failed open the pool finds out. */
  async function recover(pool: Pool): Promise<void> {
    await vi.waitFor(() => use(pool), { timeout: 5_000, interval: 10 })
  }

  const broken: [string, Script][] = [
    ['accepts and then is silent', silence],
    ['stalls before authentication', { at: 'startup', fault: 'stall' }],
    ['stalls after authentication', { at: 'authenticated', fault: 'stall' }],
    ['stalls before ReadyForQuery', { at: 'ready', fault: 'stall' }],
    ['drips more slowly than the open may take', { at: 'startup', fault: { drip: 20 } }],
    ['talks garbage', { at: 'startup', fault: 'garbage' }],
    ['resets connections', { at: 'startup', fault: 'reset' }],
    ['is shutting down', { at: 'startup', fault: 'shutdown' }],
    ['has too many clients', { at: 'startup', fault: { error: '53300' } }],
  ]
  test.each(broken)(
    '%s ends every wait in time, naming the open, and is used again once it is well',
    async (_, script) => {
      const server = await fake(script)
      const pool = open({ connectionString: server.url, ...limits })
      await failAll(pool)
      server.always([])
      await recover(pool)
      expect(server.logins).toBeGreaterThan(0)
    },
  )

  /** pg says of these only "Connection terminated unexpectedly": nothing of Postgres may be there. */
  const abrupt: [string, Script][] = [
    ['resets connections in the handshake', { at: 'ready', fault: 'reset' }],
    ['hangs up', { at: 'startup', fault: 'half-close' }],
  ]
  test.each(abrupt)('%s from the start says so to every caller at once', async (_, script) => {
    const server = await fake(script)
    const pool = open({ connectionString: server.url, ...limits })
    const asked = await Promise.allSettled(Array.from({ length: 10 }, () => use(pool)))
    for (const one of asked) expect(one.status).toBe('rejected')
    expect(pool.stats().waiting).toBe(0)
    server.always([])
    await recover(pool)
  })

  const afterwards: [string, Script][] = [
    ...broken,
    ...abrupt,
    ['refuses the password', { at: 'startup', fault: { error: '28P01' } }],
    ['has lost the database', { at: 'startup', fault: { error: '3D000' } }],
  ]
  test.each(afterwards)('was well and then %s ends every wait in time too', async (_, script) => {
    const server = await fake()
    const pool = open({ connectionString: server.url, ...limits })
    await use(pool)
    server.always(script)
    server.inflict('shutdown')
    await vi.waitFor(() => expect(pool.stats().total).toBe(0))
    await failAll(pool)
    server.always([])
    await recover(pool)
    expect(server.logins).toBeGreaterThan(1)
  })

  test('never accepts ends every wait in time, and its successor is used', async () => {
    const deaf = await startDeafServer()
    try {
      const pool = open({
        connectionString: undefined,
        host: deaf.host,
        port: deaf.port,
        user: 'fake',
        ...limits,
      })
      await failAll(pool)
      const server = await fake()
      Object.assign(pool.options, { port: server.port })
      await recover(pool)
      expect(server.logins).toBeGreaterThan(0)
    } finally {
      await deaf.close()
    }
  })

  test.each([
    ['the password', '28P01'],
    ['the user', '28000'],
    ['the database', '3D000'],
  ])('refuses %s from the start says so to every caller at once', async (_, code) => {
    const server = await fake({ at: 'startup', fault: { error: code } })
    const pool = open({ connectionString: server.url, acquireTimeoutMillis: 10_000 })
    const from = performance.now()
    const asked = await Promise.allSettled(Array.from({ length: 10 }, () => use(pool)))
    expect(performance.now() - from).toBeLessThan(5_000)
    expect(asked.map((one) => one.status === 'rejected' && one.reason)).toEqual(
      asked.map(() => expect.objectContaining({ code })),
    )
    expect(server.accepted).toBeLessThanOrEqual(10)
  })
})
