/** After the comparison: a pool with gentle work on it, for as long as somebody wants to look at the dashboard. */
import { resetWorkload } from '../../demo/workload/load.ts'
import type { WorkloadPool } from '../../demo/workload/port.ts'
import type { RunOptions } from '../../demo/workload/run.ts'
import { runWorkload } from '../../demo/workload/run.ts'
import type { SideOptions } from './sides.ts'
import { openSide } from './sides.ts'
import type { StandIn } from './stand-in.ts'

/** Enough to see something of every kind, and little enough to leave a laptop cool. */
const GENTLE: NonNullable<RunOptions['agents']> = {
  persistent: 3,
  serverless: 4,
  edge: 8,
  'high-performance': 1,
}

/** After that the data is as it was loaded again: otherwise it would grow for as long as this runs. */
const ROUND_SECONDS = 60

/**
 * Runs until `signal` aborts, and then ends as something that is done.
 * @throws what the database says when it cannot be asked any more
 */
export async function serve(
  admin: WorkloadPool,
  shown: StandIn,
  options: SideOptions & { readonly seed: number },
  signal: AbortSignal,
): Promise<void> {
  const side = openSide('sluice', options)
  const hide = side.watchable && shown.show(side.watchable)
  try {
    for (let { seed } = options; !signal.aborted; seed += 1) {
      await resetWorkload(admin)
      await runWorkload({
        pool: side.pool,
        query: side.ask,
        seconds: ROUND_SECONDS,
        seed,
        agents: GENTLE,
        signal,
      })
    }
  } finally {
    await side.end()
    hide?.()
  }
}
