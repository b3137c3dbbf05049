/** Checked by the compiler: Sluice's pools are what the dashboard shows. */
import type { Pool as CorePool } from '../../src/core/index.ts'
import type { Dashboard, DashboardPool } from '../../src/dashboard/index.ts'
import { dashboard } from '../../src/dashboard/index.ts'
import { createPools, Pool } from '../../src/index.ts'

declare const core: CorePool<object>

export const asShown: DashboardPool = new Pool()
export const one: Promise<Dashboard> = dashboard({ pools: new Pool(), port: 0 })
export const engine: Promise<Dashboard> = dashboard({ pools: core })
export const grouped: Promise<Dashboard> = dashboard({
  pools: createPools({ web: {}, jobs: {} }, { max: 10 }),
})
export const named: Promise<Dashboard> = dashboard({ pools: { web: new Pool(), engine: core } })
export const mapped: Promise<Dashboard> = dashboard({ pools: new Map([['web', new Pool()]]) })

// @ts-expect-error an option that does not exist
void dashboard({ pools: new Pool(), interval: 100 })
