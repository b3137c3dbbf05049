/** Checked by the compiler: whom `explain()` asks may be Sluice's pool or pg's. */
import type { Pool as PgPool } from 'pg'
import type { Pool } from '../../src/index.ts'
import type { ExplainSource } from '../../src/monitor/index.ts'

declare const pool: Pool
declare const pgPool: PgPool

export const sluice: ExplainSource = pool
export const plain: ExplainSource = pgPool
