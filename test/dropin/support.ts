// What the tests of both pools share: pools that are ended after each test, a record of events, and a look at the server.
import { execFile } from 'node:child_process'
import type { EventEmitter } from 'node:events'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { afterEach, vi } from 'vitest'
import { databaseUrl, withClient } from '../support/postgres.ts'
import type { Peer } from './peers.ts'

/** pg's options plus whatever else a test wants to pass: its types leave out what the code accepts. */
export type Options = Record<string, unknown>

/** A Pool with the members that pg has and its types leave out. */
export interface OpenPool extends pg.Pool {
  readonly Client: unknown
  readonly Promise: unknown
  readonly log: (...messages: unknown[]) => void
  readonly _clients: unknown[]
}

let opened = 0

/** A name nobody else uses, for a table, a schema or an application_name. */
export function unique(prefix: string): string {
  opened += 1
  return `${prefix}_${process.pid}_${opened}`
}

/** The outcome of the promise, or an error when it is still open after so many milliseconds. */
export async function within<T>(millis: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing within ${millis} ms`)), millis)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A function that opens pools of this peer on the test database and ends, after each test, those that are still open. */
export function opener(peer: Peer): (options?: Options) => OpenPool {
  const pools: OpenPool[] = []
  afterEach(async () => {
    const open = pools.splice(0).filter((pool) => !pool.ending)
    await within(5_000, Promise.all(open.map((pool) => pool.end())))
  })
  return (options = {}) => {
    const pool = new peer.Pool({ connectionString: databaseUrl(), ...options } as pg.PoolConfig) as OpenPool
    pools.push(pool)
    return pool
  }
}

/** The arguments of the next event; unlike node's `once` it does not mind an 'error' that comes first. */
export function emitted(of: EventEmitter, event: string): Promise<unknown[]> {
  return new Promise((resolve) => of.once(event, (...args: unknown[]) => resolve(args)))
}

/** The words of every event of the pool, in order, with room for a test's own words. */
export function recordEvents(pool: pg.Pool): string[] {
  const words: string[] = []
  for (const event of ['connect', 'acquire', 'release', 'remove', 'error'] as const) {
    pool.on(event, () => words.push(event))
  }
  return words
}

/** What a promise was rejected with; fails when it was not. */
export async function rejection(
  promise: Promise<unknown>,
): Promise<Error & { code?: string; cause?: unknown }> {
  try {
    await promise
  } catch (error) {
    return error as Error & { code?: string }
  }
  throw new Error('expected a rejection')
}

/** The arguments a callback was called with, and whether that happened before `call` returned. */
export async function calledBack(
  call: (callback: (...args: unknown[]) => void) => unknown,
): Promise<{ args: unknown[]; returned: unknown; synchronously: boolean }> {
  let returnedYet = false
  let synchronously = false
  let returned: unknown
  const args = await new Promise<unknown[]>((resolve) => {
    returned = call((...given) => {
      synchronously = !returnedYet
      resolve(given)
    })
    returnedYet = true
  })
  return { args, returned, synchronously }
}

/** Open so many connections and give them back. */
export async function warm(pool: pg.Pool, count: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: count }, () => pool.connect()))
  for (const client of clients) client.release()
}

export async function backendPid(client: pg.Pool | pg.PoolClient): Promise<number> {
  const { rows } = await client.query('select pg_backend_pid() as pid')
  return rows[0].pid as number
}

/** Kill a session as an administrator would. */
export async function terminate(pid: number): Promise<void> {
  await withClient((client) => client.query('select pg_terminate_backend($1)', [pid]))
}

export async function until(check: () => void | Promise<void>): Promise<void> {
  await vi.waitFor(check, { timeout: 10_000, interval: 5 })
}

/** A port of this machine that refuses connections. */
export async function refusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

export interface ChildEnd {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Run a module in a Node process of its own, with `Pool` (of the built package for Sluice) and `url` at hand. */
export function inAChild(peer: Peer, body: string): Promise<ChildEnd> {
  const source = `import { Pool } from '${peer.module}'\nconst url = process.env.TEST_URL\n${body}`
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--input-type=module', '--eval', source],
      {
        cwd: fileURLToPath(new URL('../../', import.meta.url)),
        env: { ...process.env, TEST_URL: databaseUrl(), NODE_OPTIONS: '' },
        timeout: 15_000,
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null
        resolve({ code, stdout, stderr })
      },
    )
  })
}
