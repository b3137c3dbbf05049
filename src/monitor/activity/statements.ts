/** What is asked of the server about its sessions. Postgres 12 and later, any role. */

/** One row. What some versions lack is asked for so that they answer null. */
export const FACTS = `
  SELECT current_setting('server_version') AS version,
    current_setting('server_version_num')::int AS "versionNumber",
    pg_is_in_recovery() AS replica, session_user AS role, current_database() AS database, pg_backend_pid() AS pid,
    current_setting('max_connections')::int AS "maxConnections",
    current_setting('superuser_reserved_connections')::int AS "superuserReserved",
    coalesce(current_setting('reserved_connections', true), '0')::int AS reserved,
    (SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user) AS "roleLimit",
    (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS "databaseLimit"`

/** A row a time limit, in milliseconds. */
export const TIMEOUTS = `
  SELECT name, setting::float8 AS millis FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout',
    'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout')`

/** What is set for the role and the database. Only limits: other settings may hold anything, secrets too. */
export const ROLE_SETTINGS = `
  SELECT DISTINCT setting FROM pg_db_role_setting, unnest(setconfig) AS setting
  WHERE setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
    AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    AND setting ~ '^(statement|lock|idle_in_transaction_session|idle_session|transaction)_timeout='
  ORDER BY setting`

/**
 * A row a session of a client. Of the sessions of other roles an ordinary role sees who they are and nothing else: neither their kind
 * nor what they do. An idle session's last statement tells nothing and is left out.
 */
export const SESSIONS = `
  SELECT pid, datname AS database, usename AS role, coalesce(application_name, '') AS application, state,
    1000 * extract(epoch FROM clock_timestamp() - state_change)::float8 AS "stateMillis",
    1000 * extract(epoch FROM clock_timestamp() - xact_start)::float8 AS "transactionMillis",
    CASE WHEN state = 'active' AND pid <> pg_backend_pid() THEN 1000 * extract(epoch FROM clock_timestamp() - query_start)::float8 END
      AS "statementMillis",
    CASE WHEN state <> 'idle' THEN query END AS statement
  FROM pg_stat_activity
  WHERE usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'`

/**
 * A row a session that waits for a lock. Only of those it is asked who blocks them, since the answer stops the lock manager for a
 * moment. Since when they wait is known from Postgres 14 on.
 */
export const WAITS = `
  SELECT pid, pg_blocking_pids(pid) AS "by",
    1000 * extract(epoch FROM clock_timestamp() - since)::float8 AS "waitingMillis"
  FROM (
    SELECT pid, min((to_jsonb(held) ->> 'waitstart')::timestamptz) AS since
    FROM pg_locks AS held WHERE NOT granted AND pid IS NOT NULL GROUP BY pid
  ) AS waiting`
