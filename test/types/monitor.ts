/** Checked by the compiler: the pool fits what the monitor needs of one. */
import { createPools, Pool } from '../../src/index.ts'
import type { Activity, Finding, Health, PoolsHealth, Source } from '../../src/monitor/index.ts'
import { activity, advise, health, snapshotOf } from '../../src/monitor/index.ts'

declare const pool: Pool

export const asSource: Source = pool
export const sessions: Promise<Activity> = activity(pool, { timeoutMillis: 100 })
export const findings: readonly Finding[] = advise(snapshotOf(new Pool()), await sessions, { instances: 4 })

export const one: Promise<Health> = health(pool, { checks: { cache: () => Promise.resolve() } })
export const grouped: Promise<PoolsHealth> = health(createPools({ web: {}, jobs: {} }, { max: 10 }))
export const named: Promise<PoolsHealth> = health({ web: pool, jobs: pool })
export const mapped: Promise<PoolsHealth> = health(new Map([['web', pool]]))

// @ts-expect-error an option that does not exist
void activity(pool, { timeout: 100 })
