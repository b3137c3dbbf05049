/** TLS: sessions and their cancel requests. */
import { chmodSync, chownSync, copyFileSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeRunDirectory, serverAccount } from '../../src/demo/account.ts'
import type { EmbeddedPostgres } from '../../src/demo/embedded.ts'
import { startPostgres } from '../../src/demo/embedded.ts'
import type { PoolConfig } from '../../src/index.ts'
import { Pool } from '../../src/index.ts'
import { startProxy } from '../support/proxy.ts'

const fixtures = new URL('../support/tls/', import.meta.url)
const ca = readFileSync(new URL('server.crt', fixtures), 'utf8')
const SSL_REQUEST = 80_877_103
let server: EmbeddedPostgres
let folder: string

beforeAll(async () => {
  const account = serverAccount()
  folder = makeRunDirectory(account)
  for (const name of ['server.crt', 'server.key']) {
    const path = join(folder, name)
    copyFileSync(new URL(name, fixtures), path)
    chmodSync(path, 0o600)
    if (account !== undefined) chownSync(path, account.uid, account.gid)
  }
  server = await startPostgres({
    settings: {
      ssl: 'on',
      ssl_cert_file: join(folder, 'server.crt'),
      ssl_key_file: join(folder, 'server.key'),
    },
  })
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('a cancel request travels over TLS, as its session does', async () => {
  const firstWords: number[] = []
  const proxy = createServer((inbound) => {
    const outbound = connect(server.port, server.host)
    inbound.once('data', (bytes) => firstWords.push(bytes.readInt32BE(4)))
    inbound.pipe(outbound).pipe(inbound)
    inbound.on('error', () => outbound.destroy()).on('close', () => outbound.destroy())
    outbound.on('error', () => inbound.destroy()).on('close', () => inbound.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const url = new URL(server.url)
  const pool = new Pool({
    host: 'localhost',
    port: (proxy.address() as AddressInfo).port,
    user: url.username,
    password: decodeURIComponent(url.password),
    database: url.pathname.slice(1),
    ssl: { ca },
    max: 1,
  })
  const { rows } = await pool.query(
    'SELECT ssl, pg_backend_pid() AS pid FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
  )
  expect(rows[0]).toMatchObject({ ssl: true })
  await expect(pool.query('SELECT pg_sleep(30)', [], { timeout: 50 })).rejects.toMatchObject({
    code: 'SLUICE_QUERY_TIMEOUT',
  })
  expect((await pool.query('SELECT pg_backend_pid() AS pid')).rows[0]?.pid).toBe(rows[0]?.pid)
  await pool.end()
  expect(firstWords.length).toBeGreaterThanOrEqual(2)
  expect(new Set(firstWords)).toEqual(new Set([SSL_REQUEST]))
  await new Promise((resolve) => proxy.close(resolve))
})

test.each(['postgres', 'direct'])(
  'over TLS (%s) a slow statement is waited for, and a silent path is noticed',
  async (how) => {
    const url = new URL(server.url)
    const proxy = await startProxy({ host: server.host, port: server.port })
    const pool = new Pool({
      host: 'localhost',
      port: proxy.port,
      user: url.username,
      password: decodeURIComponent(url.password),
      database: url.pathname.slice(1),
      ssl: { ca },
      sslnegotiation: how,
      silenceTimeoutMillis: 500,
      max: 1,
    } as PoolConfig)
    try {
      const client = await pool.connect()
      expect((await client.query('SELECT pg_sleep(2.5)')).rowCount).toBe(1)
      expect(proxy.accepted).toBeGreaterThan(1)
      proxy.blackhole()
      await expect(client.query('SELECT 1')).rejects.toMatchObject({
        code: 'SLUICE_CONNECTION_LOST',
        outcome: 'unknown',
      })
      client.release()
      proxy.heal()
      await pool.query('SELECT 1')
      expect(pool.stats()).toMatchObject({ lost: 1, opened: 2 })
    } finally {
      await pool.end()
      await proxy.close()
    }
  },
)

test('a certificate that nobody vouches for reaches every waiter at once', async () => {
  const pool = new Pool({ connectionString: server.url, ssl: true })
  const from = performance.now()
  const codes = await Promise.all(
    Array.from({ length: 20 }, () =>
      pool.query('SELECT 1').catch((error: Error & { code?: string }) => error.code),
    ),
  )
  expect(new Set(codes)).toEqual(new Set(['DEPTH_ZERO_SELF_SIGNED_CERT']))
  expect(performance.now() - from).toBeLessThan(2_000)
  await pool.end()
})

test('the caller’s ssl object is left as it was', async () => {
  const ssl = { ca, key: 'a key', cert: 'a certificate' }
  const pool = new Pool({ ssl })
  expect(Object.getOwnPropertyDescriptor(ssl, 'key')).toMatchObject({ enumerable: true, value: 'a key' })
  expect(JSON.stringify(pool.options)).not.toContain('a key')
  await pool.end()
})
