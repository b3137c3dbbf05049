/** Checked by the compiler: where code expects pg's pool, Sluice's fits. */
import type { ClientBase, Client as PgClient, Pool as PgPool, PoolClient, QueryResult } from 'pg'
import { Pool, poolConfigFromEnv } from '../../src/index.ts'

declare const pool: Pool

export const asPgPool: PgPool = pool
export const asPgPoolClass: new (config?: { max?: number; connectionString?: string }) => PgPool = Pool
export const connected: Promise<PoolClient> = pool.connect()
export const base: Promise<ClientBase | PgClient> = pool.connect()
export const plain: Promise<QueryResult> = pool.query('SELECT 1')
export const typed: Promise<QueryResult<{ id: number }>> = pool.query<{ id: number }>('SELECT 1', [1])
export const rows: Promise<{ rows: unknown[][] }> = pool.query({ text: 'SELECT 1', rowMode: 'array' })
export const withOptions: Promise<QueryResult<{ id: number }>> = pool.query<{ id: number }>(
  'SELECT $1',
  [1],
  {
    agent: 'a',
    priority: 'high',
    class: 'simple',
    timeout: 100,
    signal: new AbortController().signal,
  },
)
export const inConfig: Promise<QueryResult> = pool.query({ text: 'SELECT 1', agent: 'a' })
pool.query('SELECT 1', (error: Error, result: QueryResult) => [error, result])
export const ended: Promise<void> = pool.end()

/** What is read from an environment is a config, and so is what is put on top of it. */
export const fromEnv: Pool = new Pool(poolConfigFromEnv())
export const andMore: Pool = new Pool(
  poolConfigFromEnv(process.env, { traffic: 'medium', max: 5, ssl: { rejectUnauthorized: false } }),
)
// @ts-expect-error a kind of traffic that does not exist
poolConfigFromEnv(process.env, { traffic: 'huge' })

/** A function of somebody else's library. */
export declare function expectsPgPool(pool: PgPool): void
expectsPgPool(pool)
expectsPgPool(new Pool({ max: 10, connectionString: 'postgres://localhost/x', idleTimeoutMillis: null }))

// @ts-expect-error a class that does not exist
void pool.query('SELECT 1', [], { class: 'tiny' })
// @ts-expect-error an isolation level that does not exist
void pool.transaction(async () => 1, { isolationLevel: 'Chaos' })
