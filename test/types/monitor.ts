/** Checked by the compiler: the pool fits what the monitor needs of one. */
import { Pool } from '../../src/index.ts'
import type { Activity, Finding, Source } from '../../src/monitor/index.ts'
import { activity, advise, snapshotOf } from '../../src/monitor/index.ts'

declare const pool: Pool

export const asSource: Source = pool
export const sessions: Promise<Activity> = activity(pool, { timeoutMillis: 100 })
export const findings: readonly Finding[] = advise(snapshotOf(new Pool()), await sessions, { instances: 4 })

// @ts-expect-error an option that does not exist
void activity(pool, { timeout: 100 })
