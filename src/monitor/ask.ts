/** How the monitor asks a pool: it waits for no longer than it says, and nothing of what it asked goes on afterwards. */
import type { Clock } from '../base/clock.ts'
import { within } from '../base/within.ts'
import type { Row, Source } from './source.ts'

/** What is left to the pool to say by itself where the call stood, before nobody listens any more. */
const POOL_SHARE = 0.95

/**
 * Runs a statement within `millis`, the wait for a connection included. At the deadline a caller in the queue leaves it and a
 * running statement is cancelled.
 * @throws what the pool throws; a DeadlineExceeded where the pool says nothing
 */
export async function ask(
  pool: Pick<Source, 'query'>,
  clock: Clock,
  millis: number,
  text: string,
  values: unknown[] = [],
): Promise<readonly Row[]> {
  const timeout = Math.max(1, millis * POOL_SHARE)
  const { rows } = await within(clock, millis, (signal) =>
    pool.query(text, values, { timeout, signal, priority: 'high', lane: false, prepare: false }),
  )
  return rows
}
