/** Checked by the compiler: the pools fit what `monitor()` takes, and what it gives is plain. */
import { createPools, Pool } from '../../src/index.ts'
import type { CollectedPool, Monitor, PoolMetrics, ScalingReport } from '../../src/monitor/index.ts'
import { monitor, sampleOf, scalingAdvice } from '../../src/monitor/index.ts'

declare const pool: Pool

export const asCollected: CollectedPool = pool
export const one: Monitor = monitor(pool, { every: 10_000, onMetrics: (metrics) => metrics.length })
export const several: Monitor = monitor(createPools({ web: {}, jobs: {} }, { max: 10 }), { activity: true })
export const metrics: readonly PoolMetrics[] = await several.collect()

export const report: ScalingReport = scalingAdvice(
  metrics.map((each) => sampleOf(each, { cpu: 40 })),
  { absoluteMax: 100, tier: 'small' },
)

/** A further collector gets the pool that was handed in, with all it can do. */
export const extended: Monitor = monitor(new Map([['web', new Pool()]]), {
  extra: { size: async ({ pool: own }) => ({ bytes: (await own.query('SELECT 1 AS n')).rows.length }) },
})

// @ts-expect-error figures are plain
monitor(pool, { extra: { nested: () => ({ deep: { figure: 1 } }) } })

// @ts-expect-error an option that does not exist
monitor(pool, { everyMillis: 1 })
