/** Pools on the run's server that end with their test. */
import { afterEach } from 'vitest'
import type { PoolConfig } from '../../src/index.ts'
import { Pool } from '../../src/index.ts'
import { databaseUrl } from './postgres.ts'

/** Returns a function that opens pools with `defaults`; all of them end after the test that opened them. */
export function poolsWith(defaults: PoolConfig): (config?: PoolConfig) => Pool {
  const open: Pool[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((pool) => pool[Symbol.asyncDispose]()))
  })
  return (config = {}) => {
    const pool = new Pool({ connectionString: databaseUrl(), ...defaults, ...config })
    open.push(pool)
    return pool
  }
}
