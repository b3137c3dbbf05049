/** Checked by the compiler: Sluice's pools are what `adapt()` takes. */
import { adapt, serverRoom } from '../../src/control/index.ts'
import type { Pool as CorePool } from '../../src/core/index.ts'
import type { Pool } from '../../src/index.ts'

declare const postgres: Pool
declare const core: CorePool<object>

export const followed: Disposable = adapt(postgres, { absoluteMax: 50, every: 30_000 })
export const coreFollowed: Disposable = adapt(core, { absoluteMax: 50 })
export const room: Promise<number> = serverRoom(postgres)
