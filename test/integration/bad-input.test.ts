/** Bad input gets one clear sentence, at once, and no secret is in it. */

import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { PoolConfig } from '../../src/index.ts'
import { Pool } from '../../src/index.ts'
import { databaseUrl } from '../support/postgres.ts'

const SECRET = 's3cr3t-p4ss'

async function answers(
  config: PoolConfig,
  callers = 20,
): Promise<{ texts: string[]; codes: unknown[]; millis: number }> {
  const pool = new Pool({ max: 3, ...config })
  const from = performance.now()
  const errors = await Promise.all(
    Array.from({ length: callers }, () =>
      pool.query('SELECT 1').then(
        () => undefined,
        (error: Error & { code?: string }) => error,
      ),
    ),
  )
  const millis = performance.now() - from
  for (const error of errors) expect(inspect(error)).not.toContain(SECRET)
  expect(inspect(pool.stats()) + inspect(pool.connections()) + inspect(pool.options)).not.toContain(SECRET)
  await pool.end()
  return {
    texts: [...new Set(errors.map((error) => String(error?.message)))],
    codes: [...new Set(errors.map((error) => error?.code))],
    millis,
  }
}

function parts(
  change: { user?: string; password?: string; database?: string; port?: number } = {},
): PoolConfig {
  const url = new URL(databaseUrl())
  return {
    host: url.hostname,
    port: Number(url.port),
    user: url.username,
    password: decodeURIComponent(url.password),
    database: url.pathname.slice(1),
    ...change,
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('before the first connection every waiter gets the real cause at once', () => {
  test('of a refused port', async () => {
    const { texts, codes, millis } = await answers(parts({ port: await freePort(), password: SECRET }))
    expect(texts).toHaveLength(1)
    expect(texts[0]).toContain('ECONNREFUSED')
    expect(codes).toEqual(['ECONNREFUSED'])
    expect(millis).toBeLessThan(1_000)
  })

  test('of a wrong password', async () => {
    const { texts, codes, millis } = await answers(parts({ password: SECRET }))
    expect(texts).toEqual([`password authentication failed for user "${new URL(databaseUrl()).username}"`])
    expect(codes).toEqual(['28P01'])
    expect(millis).toBeLessThan(2_000)
  })

  test('of a missing database', async () => {
    const { texts, codes } = await answers(parts({ database: 'no_such_database' }))
    expect(texts).toEqual(['database "no_such_database" does not exist'])
    expect(codes).toEqual(['3D000'])
  })

  test('of TLS where the server has none', async () => {
    const { texts, millis } = await answers({ ...parts(), ssl: { rejectUnauthorized: false } })
    expect(texts).toEqual(['The server does not support SSL connections'])
    expect(millis).toBeLessThan(1_000)
  })

  test('of an unknown host', async () => {
    const { codes } = await answers({ ...parts({ password: SECRET }), host: 'no-such-host.invalid' })
    expect(codes.length).toBe(1)
    expect(codes[0]).toMatch(/^(ENOTFOUND|EAI_AGAIN|SLUICE_OPEN_FAILED)$/)
  }, 40_000)

  test('of an onConnect hook that throws', async () => {
    const onConnect = () => {
      throw new Error('no such role')
    }
    expect((await answers({ ...parts(), onConnect })).texts).toEqual(['no such role'])
  })
})

describe('a server that does not answer', () => {
  test('ends the wait after connectionTimeoutMillis, with a code that tells it from a full pool', async () => {
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    const { texts, codes, millis } = await answers({
      ...parts({ port, password: SECRET }),
      connectionTimeoutMillis: 200,
    })
    expect(codes).toEqual(['SLUICE_OPEN_TIMEOUT'])
    for (const text of texts) expect(text).toMatch(/^Connection terminated due to connection timeout: /)
    expect(millis).toBeLessThan(1_000)
    silent.close()
  })
})

describe('an option is refused at construction', () => {
  const cases: [PoolConfig | Record<string, unknown>, string][] = [
    [{ max: 0 }, 'max must be a whole number from 1 to 10,000; it is 0'],
    [{ max: 'many' }, 'max must be a whole number from 1 to 10,000; it is "many"'],
    [{ max: 2, min: 3 }, 'min must not exceed max; min is 3 and max is 2'],
    [
      { connectionTimeoutMillis: -1 },
      'connectionTimeoutMillis must be a number from 0 to 2,147,483,647 (milliseconds); it is -1',
    ],
    [
      { acquireTimeoutMillis: 0 },
      'acquireTimeoutMillis must be a number from 1 to 2,147,483,647 (milliseconds); it is 0',
    ],
    [{ prePing: 'yes' }, 'prePing must be a number from 0 to 2,147,483,647 (milliseconds); it is "yes"'],
    [{ fifo: 1 }, 'fifo must be true or false; it is 1'],
    [
      { classTimeouts: { tiny: 5 } },
      'classTimeouts has no class "tiny"; the classes are simple, moderate, complex, analytical',
    ],
    [
      { acquireTimoutMillis: 5 },
      'acquireTimoutMillis is not an option of Sluice; did you mean acquireTimeoutMillis?',
    ],
    [
      { maxLifetime: 5 },
      'maxLifetime is not an option of Sluice; did you mean maxLifetimeMillis? It is in milliseconds',
    ],
    [{ username: SECRET }, 'username is not an option of Sluice; did you mean user?'],
    [
      { profile: 'lambda' },
      "profile must be one of 'persistent', 'serverless', 'edge', 'high-performance'; it is \"lambda\"",
    ],
    [
      { directConnectionString: { password: SECRET } },
      'directConnectionString must be a string; it is of type object',
    ],
    [
      { statementTimeout: 5, statement_timeout: 5 },
      'statementTimeout and statement_timeout say the same thing; give one of them',
    ],
  ]
  for (const [config, sentence] of cases) {
    test(`${Object.keys(config).join(' and ')}: ${sentence}`, () => {
      expect(() => new Pool(config as PoolConfig)).toThrow(
        expect.objectContaining({ code: 'SLUICE_BAD_OPTION', message: sentence }),
      )
    })
  }

  test('but numeric strings, undefined and what the client knows are taken', async () => {
    const config = {
      max: '7',
      min: undefined,
      idleTimeoutMillis: null,
      keepAlive: true,
      application_name: 'x',
      ssl: false,
    }
    const pool = new Pool(config as never)
    expect(pool.options.max).toBe(7)
    await pool.end()
  })
})

describe('an option of a call is refused in its promise', () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ priority: 4 }, 'priority must be a whole number from 1 to 3; it is 4'],
    [{ timeout: 0 }, 'timeout must be a number from 1 to 2,147,483,647 (milliseconds); it is 0'],
    [{ class: 'tiny' }, "class must be one of 'simple', 'moderate', 'complex', 'analytical'; it is \"tiny\""],
    [{ agent: 5 }, 'agent must be a string; it is of type number'],
    [{ signal: 'stop' }, 'signal must be an AbortSignal'],
  ]
  for (const [options, sentence] of cases) {
    test(`${Object.keys(options).join()}: ${sentence}`, async () => {
      await using pool = new Pool({ connectionString: databaseUrl() })
      await expect(pool.query('SELECT 1', [], options)).rejects.toMatchObject({
        code: 'SLUICE_BAD_OPTION',
        message: sentence,
      })
    })
  }
})
