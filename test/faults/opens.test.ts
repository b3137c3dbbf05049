/** Opens that hang, hooks that fail, and what an open asks anew: nobody waits for somebody else's open. */
import dns from 'node:dns'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { randomOf } from '../../src/demo/workload/random.ts'
import { fakePool } from '../support/fake-driver.ts'
import { silence } from '../support/fake-script.ts'
import { fakeServers, poolsWith } from '../support/pools.ts'
import { databaseUrl, sessions, withClient } from '../support/postgres.ts'
import { mostInASecond, use } from './support.ts'

const fake = fakeServers()
const open = poolsWith({ max: 5, acquireTimeoutMillis: 15_000 })

afterEach(() => {
  vi.restoreAllMocks()
})

describe('an open that hangs', () => {
  test.each([1, 4])('%i of them delay nobody else', async (hanging) => {
    const server = await fake()
    server.next(...Array.from({ length: hanging }, () => silence))
    const pool = open({ connectionString: server.url, max: 10, connectionTimeoutMillis: 15_000 })
    const from = performance.now()
    await Promise.all(Array.from({ length: 20 }, () => use(pool)))
    expect(performance.now() - from).toBeLessThan(6_000)
  })

  test('holds its slot no longer than the open may take, even when all of them hang', async () => {
    const server = await fake(silence)
    const pool = open({
      connectionString: server.url,
      max: 3,
      connectionTimeoutMillis: 300,
      acquireTimeoutMillis: 10_000,
    })
    const asked = Promise.all(Array.from({ length: 6 }, () => use(pool)))
    await vi.waitFor(() => expect(pool.stats().openFailures).toBeGreaterThan(2), 5_000)
    server.always([])
    await asked
    expect(server.mostAtOnce).toBeLessThanOrEqual(6)
  })
})

describe('an init hook', () => {
  const gone = (name: string) => vi.waitFor(async () => expect(await sessions(name)).toBe(0), 10_000)

  test('that throws gives every caller its error and leaves no session', async () => {
    const applicationName = 'sluice-hook-throws'
    const onConnect = () => Promise.reject(new Error('no such setting'))
    const pool = open({ applicationName, onConnect, acquireTimeoutMillis: 2_000 })
    const asked = await Promise.allSettled(Array.from({ length: 10 }, () => use(pool)))
    const texts = asked.map((one) => (one.status === 'rejected' ? String(one.reason) : 'served'))
    expect(texts.filter((text) => !text.includes('no such setting'))).toEqual([])
    await gone(applicationName)
    expect(pool.stats()).toMatchObject({ waiting: 0, total: 0 })
  })

  test('that throws once is tried again for whoever has the time', async () => {
    let runs = 0
    const onConnect = () => {
      runs += 1
      if (runs === 2) throw new Error('once')
    }
    const pool = open({ onConnect, max: 1 })
    const lease = await pool.lease()
    lease.release(true)
    await use(pool)
    expect(runs).toBe(3)
  })

  test('that hangs ends with the deadline of the open, and its session with it', async () => {
    const applicationName = 'sluice-hook-hangs'
    let hanging = true
    const onConnect = () => (hanging ? new Promise(() => undefined) : undefined)
    const pool = open({ applicationName, onConnect, connectionTimeoutMillis: 300, acquireTimeoutMillis: 900 })
    const asked = await Promise.allSettled(Array.from({ length: 8 }, () => use(pool)))
    expect(asked.map((one) => one.status === 'rejected' && one.reason)).toEqual(
      asked.map(() => expect.objectContaining({ code: 'SLUICE_OPEN_TIMEOUT', phase: 'open' })),
    )
    await gone(applicationName)
    hanging = false
    await use(pool)
  })

  test('whose caller aborts leaves him at once, and serves the next one', async () => {
    const applicationName = 'sluice-hook-aborted'
    let finish = (): void => undefined
    const onConnect = () =>
      new Promise<void>((resolve) => {
        finish = resolve
      })
    const pool = open({ applicationName, onConnect, max: 1 })
    const controller = new AbortController()
    const asked = pool.lease({ signal: controller.signal })
    asked.catch(() => undefined)
    await vi.waitFor(async () => expect(await sessions(applicationName)).toBe(1), 10_000)
    controller.abort()
    await expect(asked).rejects.toMatchObject({ code: 'SLUICE_ABORTED' })
    const next = use(pool)
    finish()
    await next
    expect(pool.stats()).toMatchObject({ opened: 1, waiting: 0 })
  })

  test('that hangs does not keep end() from finishing, nor its session', async () => {
    const applicationName = 'sluice-hook-ended'
    const onConnect = () => new Promise(() => undefined)
    const pool = open({ applicationName, onConnect, endTimeoutMillis: 500 })
    const asked = use(pool)
    asked.catch(() => undefined)
    await vi.waitFor(async () => expect(await sessions(applicationName)).toBe(1), 10_000)
    await pool.end()
    await expect(asked).rejects.toMatchObject({ code: 'SLUICE_POOL_ENDED' })
    await gone(applicationName)
  })
})

describe('what an open asks anew', () => {
  test('is the password: one that was rotated is used without a restart', async () => {
    const server = await fake()
    server.password = 'first'
    let given = 'first'
    const password = vi.fn<() => Promise<string>>(async () => given)
    const pool = open({
      host: server.host,
      port: server.port,
      connectionString: undefined,
      user: 'fake',
      password,
      max: 2,
    })
    await use(pool)
    server.password = 'second'
    server.inflict('shutdown')
    await vi.waitFor(() => expect(pool.stats().total).toBe(0))
    const meanwhile = Promise.all(Array.from({ length: 5 }, () => use(pool)))
    await vi.waitFor(() => expect(server.passwords.length).toBeGreaterThan(1), 5_000)
    given = 'second'
    await meanwhile
    expect(server.passwords.at(-1)).toBe('second')
    expect(password.mock.calls.length).toBe(server.passwords.length)
  })

  test('is the password, as the server wants it', async ({ skip }) => {
    const role = 'sluice_rotated'
    await withClient(async (admin) => {
      await admin.query(`DROP ROLE IF EXISTS ${role}`)
      await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'first'`)
    })
    const { hostname: host, port, pathname } = new URL(databaseUrl())
    let given = 'wrong'
    const options = { host, port: Number(port || 5432), database: pathname.slice(1), user: role, max: 2 }
    const pool = open({ ...options, connectionString: undefined, password: async () => given })
    const refused = await use(pool).then(
      () => undefined,
      (error: unknown) => error,
    )
    skip(refused === undefined, 'this server asks for no password')
    expect(refused).toMatchObject({ code: '28P01' })
    given = 'first'
    await use(pool)
    await withClient(async (admin) => {
      await admin.query(`ALTER ROLE ${role} PASSWORD 'second'`)
      await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [role])
    })
    await vi.waitFor(() => expect(pool.stats().total).toBe(0), 5_000)
    const meanwhile = use(pool)
    await vi.waitFor(() => expect(pool.stats().openFailures).toBeGreaterThan(1), 5_000)
    given = 'second'
    await meanwhile
    await pool.end()
    await withClient((admin) => admin.query(`DROP ROLE ${role}`))
  })

  test('is the address: a name that leads elsewhere after a failure is followed', async () => {
    const server = await fake()
    let address = server.host
    const asked: string[] = []
    vi.spyOn(dns, 'lookup').mockImplementation(((
      name: string,
      options: dns.LookupOptions,
      done: (...answer: unknown[]) => void,
    ) => {
      asked.push(`${name} ${address}`)
      const family = address === '::1' ? 6 : 4
      process.nextTick(() => (options.all ? done(null, [{ address, family }]) : done(null, address, family)))
    }) as never)
    const pool = open({
      host: 'database.test',
      port: server.port,
      connectionString: undefined,
      user: 'fake',
      max: 1,
    })
    await use(pool)
    address = '::1'
    server.inflict('shutdown')
    await vi.waitFor(() => expect(pool.stats().total).toBe(0))
    const meanwhile = use(pool)
    await vi.waitFor(() => expect(pool.stats().openFailures).toBeGreaterThan(0), 5_000)
    address = server.host
    await meanwhile
    expect(asked[0]).toBe(`database.test ${server.host}`)
    expect(asked).toContain('database.test ::1')
    expect(asked.at(-1)).toBe(`database.test ${server.host}`)
  })
})

test('connections that were opened together do not all expire together', async () => {
  const { clock, driver, pool } = fakePool(
    { max: 40, min: 40, maxLifetimeMillis: 60_000, idleTimeoutMillis: 0 },
    randomOf('expiry').next,
  )
  const openedAt: number[] = []
  pool.attach({ opened: () => openedAt.push(clock.now()) })
  await clock.advance(50_000)
  expect([openedAt.length, pool.numbers().idle]).toEqual([40, 40])
  await clock.advance(11_000)
  const renewed = openedAt.slice(40)
  expect(renewed.length).toBeGreaterThanOrEqual(40)
  expect(mostInASecond(renewed)).toBeLessThan(20)
  expect(driver.peak).toBeLessThanOrEqual(40)
})
