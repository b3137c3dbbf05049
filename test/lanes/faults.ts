/** What the tests of faults on lanes share. */
import { Socket } from 'node:net'
import { expect, vi } from 'vitest'
import type { Pool, PoolConfig, QueryOptions, SluiceError } from '../../src/index.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'
import { lanesOf } from './support.ts'

/** Known to be short, with 0; with more it is a surprise. */
export const SLEEP = 'SELECT pg_sleep($1)'
export const LOOKUP = 'SELECT $1::int AS n'

let names = 0

/** A name for a pool's sessions that no other pool has. */
export function freshName(): string {
  names += 1
  return `faults-${process.pid}-${names}`
}

/**
 * Lets a pool learn that SLEEP and LOOKUP are short, and goes on until they share a lane: on a busy machine one run may have
 * taken long.
 */
export async function learn(pool: Pool): Promise<void> {
  for (let n = 0; n < 24; n++) {
    await pool.query(SLEEP, [0])
    await pool.query(LOOKUP, [n])
  }
  const shares = async () => (await sharesLane(pool, SLEEP, [0])) && sharesLane(pool, LOOKUP, [0])
  for (let n = 0; n < 400 && !(await shares()); n++);
}

/** A run that takes longer may count as slow, and the next one then has a connection to itself. */
const QUICK_MILLIS = 8

/**
 * Whether a statement goes over a lane, and will again: seen in the turn in which it is asked for, on a pool at rest, and not
 * where this very run was so slow, on a busy machine, that the next one may not.
 */
export async function sharesLane(
  pool: Pool,
  text: string,
  values: unknown[],
  options?: QueryOptions,
): Promise<boolean> {
  const atRest = async () => {
    // Its last connection may have come to the end of its life.
    if (pool.stats().total === 0) await opened(pool, 1)
    expect(pool.stats()).toMatchObject({ shared: 0, leased: 0, checking: 0, cancelling: 0, waiting: 0 })
    expect(pool.stats().idle).toBeGreaterThan(0)
  }
  await vi.waitFor(atRest, WAITING)
  const from = performance.now()
  const asked = pool.query(text, values, options)
  const shares = lanesOf(pool) > 0
  await asked
  return shares && performance.now() - from < QUICK_MILLIS
}

/** Has a pool open as many connections. */
export async function opened(pool: Pool, count: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: count }, () => pool.connect()))
  for (const client of clients) client.release()
}

/** Lookups, asked in one turn; each sees that the row is its own. */
export function lookups(pool: Pool, count: number, from = 0, options?: QueryOptions): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => lookup(pool, from + n, options)))
}

export async function lookup(pool: Pool, n: number, options?: QueryOptions): Promise<number> {
  const { rows } = await pool.query(LOOKUP, [n], options)
  expect(rows).toEqual([{ n }])
  return n
}

/** An error, as far as callers go by it. */
export interface Failed {
  readonly code: string | undefined
  readonly outcome: string | undefined
  readonly message: string
  readonly error: unknown
}

/** How a promise ended; what it brought where it brought something. */
export async function ending<R>(promise: Promise<R>): Promise<R | Failed> {
  try {
    return await promise
  } catch (error) {
    const { code, message } = error as SluiceError
    return { code, outcome: (error as SluiceError).outcome, message, error }
  }
}

/** What SLUICE_ABORTED, or another code, looks like. */
export function failed(code: string, outcome?: string): object {
  return expect.objectContaining(outcome === undefined ? { code } : { code, outcome })
}

/** The statements that sessions of this name run now. */
export function running(name: string): Promise<{ pid: number; query: string }[]> {
  return withClient(async (client) => {
    const { rows } = await client.query(
      `SELECT pid, query FROM pg_stat_activity WHERE application_name = $1 AND state = 'active'`,
      [name],
    )
    return rows
  })
}

/** Waits until sessions of this name run as many statements. Returns their processes. */
export async function untilRunning(name: string, count: number): Promise<number[]> {
  const pids = async () => (await running(name)).map(({ pid }) => pid)
  return vi.waitFor(async () => {
    const seen = await pids()
    expect(seen).toHaveLength(count)
    return seen
  }, WAITING)
}

export const WAITING = { timeout: 10_000, interval: 5 }

/** Ends the sessions of a name as an administrator does. */
export function kill(name: string): Promise<void> {
  return withClient(async (client) => {
    const text = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1'
    await client.query(text, [name])
  })
}

/** Options that count the sockets a pool makes: its connections, and one for each cancel request. */
export function countingSockets(): { readonly config: PoolConfig; cancels(pool: Pool): number } {
  let made = 0
  const stream = () => {
    made += 1
    return new Socket()
  }
  return {
    config: { stream } as PoolConfig,
    cancels: (pool) => made - pool.stats().opened - pool.stats().openFailures,
  }
}

/** Options that lead to the run's server whatever host and port say. */
export function leadingHere(address: string): PoolConfig {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl())
  class Redirected extends Socket {
    override connect(): this {
      return super.connect(Number(port || 5432), hostname)
    }
  }
  const url = new URL(address)
  Object.assign(url, { username, password, pathname })
  return { connectionString: url.href, stream: () => new Redirected() } as PoolConfig
}

/** A load that never ends by itself: there is always a statement on its way. Returns the way to stop, which tells how many were answered. */
export function constantLoad(pool: Pool, callers: number, pauseMillis = 0): () => Promise<number> {
  let stopping = false
  let answered = 0
  const call = async (caller: number): Promise<void> => {
    // Each begins at another time, so that their answers do not all come at once.
    await new Promise((resolve) => setTimeout(resolve, pauseMillis * caller))
    while (!stopping) {
      await lookup(pool, caller, { class: 'simple', priority: 'medium' })
      answered += 1
    }
  }
  const all = Promise.all(Array.from({ length: callers }, (_, n) => call(n)))
  all.catch(() => undefined)
  return async () => {
    stopping = true
    await all
    return answered
  }
}

/** Resolves when what was held in this turn has been sent. */
export async function turn(): Promise<void> {
  for (let n = 0; n < 2; n++) await new Promise((resolve) => setImmediate(resolve))
}

/** How many statements a session of the pool has prepared by Sluice's names. */
export async function preparedOn(pool: Pool): Promise<number> {
  const client = await pool.connect()
  try {
    const { rows } = await client.query(
      "SELECT count(*)::int AS n FROM pg_prepared_statements WHERE name LIKE 'sluice\\_%'",
    )
    return rows[0].n
  } finally {
    client.release()
  }
}
