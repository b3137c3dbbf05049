/** What the suites about PgBouncer ask of pools in front of one. */
import type { EndpointFacts, Pool } from '../../src/index.ts'

/** What is known of a pool's endpoint once nothing more will become known. */
export async function known(pool: Pool): Promise<EndpointFacts> {
  await pool.query('SELECT 1')
  const until = performance.now() + 30_000
  // A direct server is asked before the second run of a text.
  while (pool.endpoint().isOpen) {
    if (performance.now() > until) throw new Error('nobody has said what the endpoint is')
    await pool.query('SELECT 1')
    // What others run at the same time makes it harder to see who is lent what.
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return pool.endpoint()
}

/** The error that a promise ends with, as far as tests look at it. */
export async function failureOf(
  promise: Promise<unknown>,
): Promise<Error & { readonly code?: string; readonly hint?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not fail')
}

/** The session that a statement runs in. */
export async function sessionOf(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  return rows[0]?.pid ?? 0
}
