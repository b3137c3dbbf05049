/** Mistakes that were made once: each test is named after what must not happen again. */
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { poolsWith } from '../support/pools.ts'
import { databaseUrl, sessions } from '../support/postgres.ts'

const open = poolsWith({ max: 1 })
const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

describe('a lease', () => {
  test('released right after an abort does not let the cancel hit the next owner', async () => {
    const pool = open()
    for (let turn = 0; turn < 150; turn++) {
      const controller = new AbortController()
      const lease = await pool.lease()
      const asked = lease
        .query('SELECT pg_sleep(1)', [], { signal: controller.signal })
        .catch(() => undefined)
      await pause(Math.random() * 3)
      controller.abort()
      await asked
      lease.release()
      expect((await pool.query('SELECT pg_sleep(0.001), $1::int AS n', [turn])).rows[0]?.n).toBe(turn)
    }
  })

  test('runs the statements of one turn one after another, and an abort ends only its own', async () => {
    const warnings: string[] = []
    const warned = (warning: Error) => warnings.push(warning.message)
    process.on('warning', warned)
    await using lease = await open().lease()
    const controller = new AbortController()
    const slow = lease.query('SELECT pg_sleep(30)', [], { signal: controller.signal })
    const others = [2, 3, 4].map((n) => lease.query('SELECT $1::int AS n', [n]))
    setTimeout(() => controller.abort(), 20)
    await expect(slow).rejects.toMatchObject({ code: 'SLUICE_ABORTED', outcome: 'unknown' })
    expect((await Promise.all(others)).map(({ rows }) => rows[0]?.n)).toEqual([2, 3, 4])
    await pause(0)
    process.off('warning', warned)
    expect(warnings).toEqual([])
  })

  test('tells an abort to a statement that waits for its turn at once, and does not send it', async () => {
    await using lease = await open().lease()
    const slow = lease.query('SELECT pg_sleep(0.3)')
    const controller = new AbortController()
    const waiting = lease.query('SELECT 1', [], { signal: controller.signal })
    setTimeout(() => controller.abort(), 20)
    const from = performance.now()
    await expect(waiting).rejects.toMatchObject({ code: 'SLUICE_ABORTED', outcome: 'not-sent' })
    expect(performance.now() - from).toBeLessThan(150)
    await slow
  })

  test('released with statements not awaited still runs them', async () => {
    const pool = open()
    await pool.query('CREATE TEMP TABLE unawaited (n int)')
    const lease = await pool.lease()
    const all = ['BEGIN', 'INSERT INTO unawaited VALUES (1)', 'COMMIT'].map((text) => lease.query(text))
    lease.release()
    expect(() => lease.release()).toThrow('already been released')
    await Promise.all(all)
    expect((await pool.query('SELECT count(*)::int AS n FROM unawaited')).rows).toEqual([{ n: 1 }])
    expect(pool.stats().closed).toEqual({})
  })
})

describe('an open', () => {
  test('whose init hook is slow never leaves more sessions than max at the server', async () => {
    const name = 'sluice-slow-hook'
    const pool = open({
      max: 2,
      applicationName: name,
      connectionTimeoutMillis: 150,
      acquireTimeoutMillis: 900,
      onConnect: (client) => client.query('SELECT pg_sleep(20)'),
    })
    const asked = Promise.allSettled([pool.query('SELECT 1'), pool.query('SELECT 1')])
    for (let look = 0; look < 8; look++) {
      await pause(100)
      expect(await sessions(name)).toBeLessThanOrEqual(2)
    }
    await asked
    await pool.end()
    expect([await sessions(name), pool.stats().lost]).toEqual([0, 0])
  })

  test('whose connection dies in its init hook is not lent', async () => {
    const pool = open({
      onConnect: async (client) => {
        await client.query('SELECT pg_terminate_backend(pg_backend_pid())').catch(() => undefined)
        await pause(20)
      },
    })
    await expect(pool.query('SELECT 1')).rejects.toThrow(/terminat/i)
  })
})

describe('a transaction', () => {
  test('aborted inside fn rejects once and nothing is left unhandled', async () => {
    const controller = new AbortController()
    await expect(
      open().transaction(
        async (tx) => {
          controller.abort(new Error('user left'))
          await tx.query('SELECT 1')
        },
        { signal: controller.signal },
      ),
    ).rejects.toThrow('user left')
  })

  test('whose COMMIT is never answered says that it may have taken effect', async () => {
    const url = new URL(databaseUrl())
    const port = Number(url.port)
    let silent = false
    const proxy = createServer((inbound) => {
      const outbound = connect(port, url.hostname)
      inbound.pipe(outbound)
      outbound.on('data', (bytes) => silent || inbound.write(bytes))
      inbound.on('error', () => undefined).on('close', () => outbound.destroy())
      outbound.on('error', () => undefined).on('close', () => inbound.destroy())
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    url.port = String((proxy.address() as AddressInfo).port)
    const pool = open({ connectionString: url.href, cancelTimeoutMillis: 200, closeTimeoutMillis: 200 })
    const work = pool.transaction(
      async (tx) => {
        await tx.query('SELECT 1')
        silent = true
      },
      { timeout: 200 },
    )
    await expect(work).rejects.toMatchObject({
      code: 'SLUICE_TRANSACTION_TIMEOUT',
      outcome: 'unknown',
      message: expect.stringContaining('may have taken effect'),
    })
    await pool.end()
    proxy.close()
  })

  test('sends nothing behind its COMMIT', async () => {
    const pool = open()
    const strays: Promise<unknown>[] = []
    await pool.transaction(async (tx) => {
      await tx.query('SELECT 1')
      queueMicrotask(() =>
        queueMicrotask(() =>
          queueMicrotask(() => strays.push(tx.query('SELECT 1').catch((error: Error) => error.message))),
        ),
      )
    })
    const ends = await Promise.all(strays)
    for (const end of ends)
      expect(
        end === 'This transaction is over: its connection may belong to somebody else by now.' ||
          typeof end === 'object',
      ).toBe(true)
  })
})

test('a batch runs on a connection that a listener has just queried', async () => {
  const pool = open()
  pool.on('acquire', (client) => {
    void client.query(`SET application_name TO 'listener'`)
  })
  expect((await pool.batch(['SELECT 1 AS n']))[0]?.rows).toEqual([{ n: 1 }])
})

test('verify that ends after the pool was ended by force settles its caller', async () => {
  let verified: (() => void) | undefined
  const pool = open({
    endTimeoutMillis: 50,
    verify: (_, done) => {
      verified = done
    },
  })
  const told = pool.query('SELECT 1').catch((error: unknown) => error)
  await vi.waitFor(() => expect(verified).toBeDefined(), 10_000)
  await pool.end()
  verified?.()
  expect(await told).toMatchObject({ message: 'Cannot use a pool after calling end on the pool' })
})

test('verify counts in the timeout of the call', async () => {
  const pool = open({ verify: () => undefined })
  const from = performance.now()
  await expect(pool.query('SELECT 1', [], { timeout: 1_500 })).rejects.toMatchObject({
    code: 'SLUICE_OPEN_TIMEOUT',
    phase: 'check',
    message: expect.stringContaining('verify gave no answer within 1500 ms'),
  })
  expect(performance.now() - from).toBeLessThan(5_000)
})

test('a pool ended by force leaves the holder’s own error to be seen', async () => {
  const pool = open({ endTimeoutMillis: 50 })
  const told = pool.transaction((tx) => tx.query('SELECT pg_sleep(30)')).catch((error: unknown) => error)
  await pause(50)
  await pool.end()
  expect(await told).toMatchObject({ message: 'Connection terminated' })
})

test('a signal with many statements behind it raises no warning and holds nothing', async () => {
  const pool = open()
  const warnings: string[] = []
  const warned = (warning: Error) => warnings.push(warning.message)
  process.on('warning', warned)
  const { signal } = new AbortController()
  for (let n = 0; n < 30; n++)
    await pool.transaction((tx) => tx.query('SELECT 1', [], { signal }), { signal })
  await Promise.all(Array.from({ length: 30 }, () => pool.query('SELECT 1', [], { signal })))
  process.off('warning', warned)
  expect(warnings).toEqual([])
})

describe('listen', () => {
  test('that fails gives its connection back', async () => {
    const pool = open()
    await expect(pool.listen('', () => undefined)).rejects.toThrow('zero-length delimited identifier')
    expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  })

  test('stopped twice and begun many times at once keeps one connection and gives it back', async () => {
    const pool = open({ max: 2 })
    const stops = await Promise.all(
      ['a', 'b', 'a', 'c'].map((channel) => pool.listen(channel, () => undefined)),
    )
    expect(pool.stats().leased).toBe(1)
    await Promise.all([...stops, ...stops].map((stop) => stop()))
    expect(pool.stats().leased).toBe(0)
  })

  test('stopped while its connection is lost takes no other', async () => {
    const pool = open({ max: 2 })
    const stop = await pool.listen('lost', () => undefined)
    const { processId } = pool.connections()[0] ?? {}
    const removed = new Promise((resolve) => pool.once('remove', resolve))
    await pool.query('SELECT pg_terminate_backend($1)', [processId])
    await removed
    await stop()
    await pause(150)
    expect(pool.stats().leased).toBe(0)
  })

  test('after end() is refused, also on a connection string of its own', async () => {
    const pool = open({ directConnectionString: databaseUrl() })
    await pool.end()
    await expect(pool.listen('late', () => undefined)).rejects.toThrow('after calling end')
  })

  test('and a lease of the direct way after end() is refused like any other', async () => {
    const pool = open({ directConnectionString: databaseUrl(), application_name: 'late-lease' })
    const ended = pool.end()
    await expect(pool.lease({ endpoint: 'direct' })).rejects.toMatchObject({ code: 'SLUICE_POOL_ENDED' })
    await ended
    await expect(pool.lease({ endpoint: 'direct' })).rejects.toMatchObject({ code: 'SLUICE_POOL_ENDED' })
  })
})

test('a frozen error of a hook reaches its caller as it is', async () => {
  const frozen = Object.freeze(new Error('frozen'))
  const pool = open({
    onConnect: () => Promise.reject(frozen),
  })
  await expect(pool.query('SELECT 1')).rejects.toBe(frozen)
})

test('options of a lease are checked before it waits', async () => {
  const pool = open()
  for (const options of [{ timeoutMillis: Number.NaN }, { signal: {} }, { agent: 5 }]) {
    await expect(pool.lease(options as never)).rejects.toMatchObject({ code: 'SLUICE_BAD_OPTION' })
  }
  expect(pool.stats()).toMatchObject({ waiting: 0, total: 0 })
})
