/** What callers do in the tests of faults, and what is counted. */
import type { Pool } from '../../src/index.ts'

/** Borrows a connection, uses it and gives it back. */
export async function use(pool: Pool): Promise<void> {
  const lease = await pool.lease()
  await lease.query('SELECT 1').finally(() => lease.release())
}

/** The most of these moments that lie in one second. */
export function mostInASecond(moments: readonly number[]): number {
  return Math.max(0, ...moments.map((from, n) => moments.slice(n).filter((at) => at < from + 1_000).length))
}
