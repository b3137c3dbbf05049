/** How many connections a Postgres has room for, from the point of view of one pool. */
import type { Asked } from './watched.ts'

// Sessions are counted over all databases and users, as the limit is. Of the sessions of others a role without
// pg_read_all_stats sees who they are but not their kind.
const limits = `
  SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - coalesce(current_setting('reserved_connections', true), '0')::int AS server,
    (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS role,
    (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database,
    count(*) FILTER (WHERE NOT ours)::int AS others,
    count(*) FILTER (WHERE NOT ours AND usename = current_user)::int AS "othersOfRole",
    count(*) FILTER (WHERE NOT ours AND datname = current_database())::int AS "othersOfDatabase"
  FROM (SELECT usename, datname, pid = ANY($1::int[]) AS ours FROM pg_stat_activity
    WHERE usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend') AS sessions`

const askMillis = 5_000

/**
 * How many connections the server lets this pool have: its limit without what is reserved and without the sessions of
 * everybody else, and the same for the limits of the role and the database. Through a pooler, whose sessions are not known to
 * be this pool's, they count as somebody else's; so do connections of the pool that open while it asks. Asked through the pool, ahead of other callers.
 * @throws what `query()` throws, after 5,000 ms at the latest
 */
export async function serverRoom(pool: Asked): Promise<number> {
  const ours = pool.connections().flatMap(({ processId }) => processId ?? [])
  const { rows } = await pool.query(limits, [ours], { priority: 'high', timeout: askMillis })
  const [row = {}] = rows
  const figure = (name: string): number => Number(row[name])
  const within = (limit: string, others: string): number =>
    // Minus one is without a limit.
    figure(limit) < 0 ? Number.POSITIVE_INFINITY : figure(limit) - figure(others)
  return Math.min(
    figure('server') - figure('others'),
    within('role', 'othersOfRole'),
    within('database', 'othersOfDatabase'),
  )
}
