/** What is asked of the server besides who is connected: plain reads of the catalogue, which any role may make. */

/** What the server ends by itself: the values that a new session of this role starts with. */
export const WALLS = `
  SELECT session_user AS role,
    (SELECT reset_val::float8 FROM pg_catalog.pg_settings WHERE name = 'statement_timeout') AS statement,
    (SELECT reset_val::float8 FROM pg_catalog.pg_settings
      WHERE name = 'idle_in_transaction_session_timeout') AS "idleInTransaction"`

/** $1 is for how many milliseconds a session must have been idle to count. */
export const HOARDS = `
  SELECT coalesce(application_name, '') AS application, usename::text AS role, count(*)::int AS sessions,
    (1000 * extract(epoch FROM min(clock_timestamp() - state_change)))::float8 AS "idleMillis"
  FROM pg_catalog.pg_stat_activity
  WHERE state = 'idle' AND backend_type = 'client backend'
    AND state_change < clock_timestamp() - $1::float8 * interval '1 ms'
  GROUP BY 1, 2 ORDER BY 3 DESC`

export const PREPARED = `
  SELECT gid AS name, owner::text, database::text,
    (1000 * extract(epoch FROM clock_timestamp() - prepared))::float8 AS "ageMillis"
  FROM pg_catalog.pg_prepared_xacts ORDER BY prepared`

/**
 * What somebody else has prepared in the session that a pooler lent. PgBouncer 1.21 and later names those that it carries itself.
 */
export const STRANGE = `
  SELECT count(*)::int AS statements FROM pg_catalog.pg_prepared_statements
  WHERE name NOT LIKE 'PGBOUNCER\\_%'`

export const AGE = `
  SELECT datname::text AS database, pg_catalog.age(datfrozenxid)::float8 AS transactions
  FROM pg_catalog.pg_database ORDER BY 2 DESC LIMIT 1`

// The sizes of relations are not asked for: that takes a lock, and may wait for one.
export const TABLES = `
  SELECT schemaname::text AS schema, relname::text AS name, n_live_tup::float8 AS rows, n_dead_tup::float8 AS dead,
    seq_scan::float8 AS "sequentialScans", coalesce(seq_tup_read, 0)::float8 AS "sequentialRows",
    coalesce(idx_scan, 0)::float8 AS "indexScans",
    coalesce(last_vacuum, last_autovacuum, last_analyze, last_autoanalyze) IS NOT NULL AS tended
  FROM pg_catalog.pg_stat_user_tables ORDER BY seq_tup_read DESC NULLS LAST LIMIT 1000`

/** Where pg_stat_statements stands; no row where it is not installed. */
export const EXTENSION = `
  SELECT pg_catalog.quote_ident(n.nspname) AS schema,
    EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
      WHERE c.relname = 'pg_stat_statements' AND c.relnamespace = n.oid AND a.attname = 'total_exec_time') AS renamed
  FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname = 'pg_stat_statements'`

/**
 * The SELECTs of this database that have cost the server most.
 *
 * @param schema as the server has quoted it
 * @param renamed whether it is Postgres 13 or later
 */
export function costliest(schema: string, renamed: boolean): string {
  const total = renamed ? 'total_exec_time' : 'total_time'
  return `
    SELECT query AS text, calls::float8, ${total}::float8 AS millis FROM ${schema}.pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
      AND query ~* '^\\s*select\\M' AND calls >= $1
    ORDER BY ${total} DESC LIMIT $2`
}
