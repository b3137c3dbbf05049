/** `sluice check`, as the shell runs it. */
import { chmodSync, chownSync, copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeRunDirectory, serverAccount } from '../../src/demo/account.ts'
import type { EmbeddedPostgres } from '../../src/demo/embedded.ts'
import { startPostgres } from '../../src/demo/embedded.ts'
import { withClient } from '../support/postgres.ts'
import type { Ended } from './cli-support.ts'
import { answering, errorResponse, run } from './cli-support.ts'

const secret = 's3cr3t'
let server: EmbeddedPostgres
let folder: string

beforeAll(async () => {
  const account = serverAccount()
  folder = makeRunDirectory(account)
  const file = (name: string): string => {
    const path = join(folder, name)
    copyFileSync(fileURLToPath(new URL(`../support/tls/${name}`, import.meta.url)), path)
    chmodSync(path, 0o600)
    if (account) chownSync(path, account.uid, account.gid)
    return path
  }
  const settings = { ssl: 'on', ssl_cert_file: file('server.crt'), ssl_key_file: file('server.key') }
  server = await startPostgres({ settings })
  await withClient(async (client) => {
    for (const text of [
      `CREATE ROLE app LOGIN PASSWORD '${secret}' CONNECTION LIMIT 1`,
      `CREATE ROLE outsider LOGIN PASSWORD '${secret}'`,
      'CREATE DATABASE guarded',
      'REVOKE CONNECT ON DATABASE guarded FROM public',
    ])
      await client.query(text)
  }, server.url)
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** The URL of a role of the test's server, with the secret for password. */
const as = (user: string, database = 'sluice', password = secret): string =>
  `postgres://${user}:${password}@127.0.0.1:${server.port}/${database}`

/** Runs check with a URL in the environment; whatever comes, the secret must not. */
async function check(url: string, ...args: string[]): Promise<Ended> {
  const ended = await run(['check', ...args], { DATABASE_URL: url })
  expect(ended.stdout + ended.stderr).not.toContain(secret)
  return ended
}

describe('a database that answers', () => {
  test('is described in words', async () => {
    const { code, stdout, stderr } = await check(as('app'))
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/Connected to database sluice as app at 127\.0\.0\.1:\d+/)
    expect(stdout).toMatch(/server +PostgreSQL \d+/)
    expect(stdout).toMatch(/endpoint +direct/)
    expect(stdout.replace(/\s+/g, ' ')).toMatch(/sessions \d+ in use of \d+ .*this role 1 at most/)
    expect(stdout).toMatch(/TLS +none/)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('is described in JSON', async () => {
    const { code, stdout, stderr } = await check(`${as('app')}?sslmode=no-verify`, '--json')
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      host: '127.0.0.1',
      port: server.port,
      user: 'app',
      database: 'sluice',
      endpoint: 'direct',
      server: { version: expect.stringMatching(/^\d+/), replica: false },
      limits: { maxConnections: 200, superuserReserved: 3, roleLimit: 1, sessions: expect.any(Number) },
      tls: { version: 'TLSv1.3', cipher: expect.any(String) },
      latency: { samples: 20, statement: expect.any(Number), connect: expect.any(Number) },
      timeouts: { statement: 0, idleInTransaction: 0 },
    })
  })

  test('may be given as an argument, which wins over the environment', async () => {
    const { code } = await run(['check', server.url], { DATABASE_URL: 'nonsense' })
    expect(code).toBe(0)
  })
})

describe('a database that cannot be reached', () => {
  interface Told {
    ok: boolean
    kind: string
    what: string
    advice: string
  }
  const tell = async (url: string): Promise<Told> => {
    const { code, stdout } = await check(url, '--json', '--timeout', '1')
    expect(code).toBe(1)
    const told = JSON.parse(stdout) as Told
    expect(told.ok).toBe(false)
    expect([told.what, told.advice]).toEqual([expect.stringMatching(/\.$/), expect.stringMatching(/\.$/)])
    return told
  }
  /** What is said about a server that gives one answer to everything. */
  const answered = async (bytes: Parameters<typeof answering>[0], query = ''): Promise<Told> => {
    const { port, server: scripted } = await answering(bytes)
    try {
      return await tell(`postgres://app:${secret}@127.0.0.1:${port}/sluice${query}`)
    } finally {
      scripted.close()
    }
  }

  test('says what is wrong and what to do, and exits with 1', async () => {
    const { code, stdout } = await check(as('app', 'nowhere'))
    expect(code).toBe(1)
    expect(stdout).toContain('The server has no database "nowhere".')
    expect(stdout).toContain('CREATE DATABASE')
  })

  test('names a refused port', async () => {
    const { port, server: gone } = await answering(undefined)
    await new Promise((resolve) => gone.close(resolve))
    const { kind, what } = await tell(`postgres://app:${secret}@127.0.0.1:${port}/sluice`)
    expect([kind, what]).toEqual(['refused', `Nothing accepts connections at 127.0.0.1:${port}.`])
  })

  test('names a host that nobody knows', async () => {
    const { kind } = await tell(`postgres://app:${secret}@nowhere.invalid/sluice`)
    // A machine without a network cannot even ask.
    expect(['unknown-host', 'name-server', 'timeout']).toContain(kind)
  })

  test('names what is wrong with the login', async () => {
    const kinds = [
      (await tell(as('app', 'sluice', `not-${secret}`))).kind,
      (await tell(as('nobody-of-that-name'))).kind,
      (await tell(`postgres://app@127.0.0.1:${server.port}/sluice`)).kind,
      (await tell(as('app', 'nowhere'))).kind,
      (await tell(as('outsider', 'guarded'))).kind,
    ]
    expect(kinds).toEqual(['login', 'login', 'no-password', 'missing-database', 'no-permission'])
  })

  test('names a role that has all its connections', async () => {
    await withClient(async () => {
      const { kind, what } = await tell(as('app'))
      expect(kind).toBe('too-many-clients')
      expect(what).toContain('too many connections for role "app"')
    }, as('app'))
  })

  test('names what is wrong with TLS', async () => {
    expect((await tell(`${as('app')}?sslmode=verify-full`)).kind).toBe('tls-certificate')
    expect((await answered(Buffer.from('N'), '?sslmode=verify-full')).kind).toBe('tls-refused')
    expect((await tell(`${as('app')}?sslrootcert=/no/such/file`)).kind).toBe('missing-file')
  })

  test('names a server that starts, is full, hangs up, or is no Postgres', async () => {
    const starting = errorResponse('57P03', 'the database system is starting up')
    const full = errorResponse('53300', 'sorry, too many clients already')
    expect((await answered(starting)).kind).toBe('starting')
    expect((await answered(full)).what).toContain('sorry, too many clients already')
    expect((await answered('hang up')).kind).toBe('closed')
    expect((await answered(undefined)).kind).toBe('not-postgres')
  })
})

describe('bad input', () => {
  test.each([
    ['nothing at all', ''],
    ['no URL', secret],
    ['a libpq string', `host=db password=${secret}`],
    ['another database', `mysql://app:${secret}@db/app`],
    ['no host', `postgres://app:${secret}@/app`],
    ['no @', `postgres://app:${secret}`],
    ['a port above the highest', `postgres://app:${secret}@db:65536/app`],
    ['a port of 0', `postgres://app:${secret}@db:0/app`],
    ['a port of letters', `postgres://app:${secret}@db:x/app`],
    ['a # in the password', `postgres://app:12#${secret}@db/app`],
    ['a / in the password', `postgres://app:12/${secret}@db/app`],
    ['a ? in the password', `postgres://app:12?${secret}@db/app`],
    ['a loose % in the password', `postgres://app:%${secret}@db/app`],
    ['bytes that are no text', `postgres://app:%FF${secret}@db/app`],
  ])('%s is one sentence and exit code 2, for check and demo', async (_, url) => {
    for (const command of url === '' ? ['check'] : ['check', 'demo']) {
      const { code, stdout, stderr } = await run([command], { DATABASE_URL: url })
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(/^sluice: .*\.?\n$/)
      expect(stderr).toContain('DATABASE_URL')
      expect(stderr).not.toContain(secret)
    }
  })

  test('what commander repeats of a command line holds no password', async () => {
    const url = `postgres://app:${secret}@db/app`
    for (const args of [[url], [`--url=${url}`], ['check', `--url=${url}`], ['check', url, url]]) {
      const { code, stdout, stderr } = await run(args)
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(/^error: /)
      expect(stderr).not.toContain(secret)
    }
  })

  test.each([
    ['check', '--timeout', '0', '1 to 60'],
    ['check', '--timeout', 'soon', '1 to 60'],
    ['demo', '--seconds', '0.5', '1 to 3,600'],
    ['demo', '--max', '2.5', '1 to 500'],
    ['demo', '--seed', '-1', '1 to 1,000,000'],
    ['demo', '--scale', '', '0.01 to 10'],
  ])('%s %s %s names option, value and range', async (command, option, value, range) => {
    const { code, stdout, stderr } = await run([command, option, value])
    expect([code, stdout, stderr.trim().split('\n').length]).toEqual([2, '', 1])
    for (const part of [option, JSON.stringify(value), range]) expect(stderr).toContain(part)
  })

  test('an unknown command and an unknown option are refused with a suggestion', async () => {
    const [command, option] = await Promise.all([run(['dmeo']), run(['demo', '--secnods', '1'])])
    expect([command.code, option.code]).toEqual([2, 2])
    expect(command.stderr).toContain('Did you mean demo?')
    expect(option.stderr).toContain('Did you mean --seconds?')
  })
})
