/** What a pooler says in its own name, told apart by its words: PgBouncer says nearly everything under one SQLSTATE, others under none that fits. */
import { codeOf, messageOf } from '../base/errors.ts'

/** What a pooler means. */
export type PoolerWord =
  /** it has no place, or had no session in time: nothing reached the server */
  | 'saturated'
  /** the server behind it cannot be reached, or was lost */
  | 'down'
  /** it goes away itself, and so do all connections to it */
  | 'leaving'
  /** it will never do what was asked: a wrong password, database, role or option */
  | 'refused'
  /** it has ended what ran too long, or an operator has: neither the server nor the pool is in trouble */
  | 'cancelled'

/** An answer by its words, and what to do. */
interface Saying {
  readonly words: RegExp
  readonly means: PoolerWord
  readonly hint: string
}

const MORE_PLACES = 'give connections back sooner, or let the pooler take more'

/**
 * PgBouncer's after its sources (client.c, janitor.c, objects.c, server.c of 1.18 and 1.24), Supavisor's, Neon's and those of RDS Proxy
 * after what their documentation says. The first that fits counts.
 */
const SAYINGS: readonly Saying[] = [
  {
    words: /^query_wait_timeout$/,
    means: 'saturated',
    hint: 'PgBouncer had no session for it within query_wait_timeout; shorten transactions, raise default_pool_size, or look whether the database is paused',
  },
  {
    words: /^no more connections allowed|^client connections exceeded|^bouncer resources exhaustion$/,
    means: 'saturated',
    hint: 'PgBouncer takes no more clients; lower max of the pools in front of it, or raise max_client_conn',
  },
  {
    words: /MaxClientsInSessionMode|max clients reached in session mode/i,
    means: 'saturated',
    hint: 'Supavisor lends a session to each client in session mode; lower max, or use its transaction mode (port 6543)',
  },
  {
    words: /Max client connections reached|Unable to check ?out|ECHECKOUTTIMEOUT|EMAXCONN/i,
    means: 'saturated',
    hint: `Supavisor has no place left; ${MORE_PLACES}`,
  },
  {
    words: /Timed-out waiting to acquire database connection/i,
    means: 'saturated',
    hint: 'RDS Proxy had no session in time; shorten transactions, avoid what pins sessions, or raise MaxConnectionsPercent',
  },
  {
    words: /Failed to acquire permit to connect|too many database connection attempts/i,
    means: 'saturated',
    hint: 'Neon lets only so many connections open at once; open fewer, later',
  },
  {
    words:
      /^server login has been failing|^pgbouncer cannot connect to server|^client_login_timeout|connect timeout$/,
    means: 'down',
    hint: 'PgBouncer cannot log in at the server; its log says why, and it tries again after server_login_retry',
  },
  {
    words: /^server conn crashed\?|^server connection closed|^server lifetime|^server DNS lookup failed$/,
    means: 'down',
    hint: 'PgBouncer lost its connection to the server; whether the statement took effect is not known',
  },
  {
    words: /Couldn't connect to compute node|Control plane request failed/i,
    means: 'down',
    hint: 'Neon could not start or reach the compute of this branch; a cold start takes a moment, try again',
  },
  {
    words: /target group doesn't have any available targets|Proxy authentication .* timed out/i,
    means: 'down',
    hint: 'RDS Proxy cannot reach its database; see the health of its targets',
  },
  {
    words: /^DbHandler exited|db_termination|connection to database closed/i,
    means: 'down',
    hint: 'Supavisor lost its connection to the server; whether the statement took effect is not known',
  },
  {
    words: /^server shutting down$|^suspend_timeout$/,
    means: 'leaving',
    hint: 'PgBouncer is being stopped or taken over',
  },
  {
    words:
      /^(query[ _]timeout|idle transaction timeout|transaction timeout|client_idle_timeout|admin forced disconnect)$/,
    means: 'cancelled',
    hint: 'a time limit of PgBouncer or its operator has ended it; give the statement less to do, or raise that limit',
  },
  {
    words: /^no such database: |^database ".*" is disabled$|^database configuration changed$/,
    means: 'refused',
    hint: 'PgBouncer lends no connections to that name; see [databases] in its file, or ENABLE it on its console',
  },
  {
    words:
      /authentication failed|^no such user|^login rejected$|^not allowed$|^SSL required$|^bouncer config error$/,
    means: 'refused',
    hint: 'PgBouncer knows users by its auth_file or auth_query: see whether this one is there, with this password',
  },
  {
    words: /^unsupported (options )?startup parameter/,
    means: 'refused',
    hint: 'name it in ignore_startup_parameters, or set it by ALTER ROLE … SET',
  },
  {
    words: /Tenant or user not found|no tenant identifier/i,
    means: 'refused',
    hint: 'Supavisor tells projects by the user: it has to be called postgres.<project>, on the host of the right region',
  },
  {
    words: /The endpoint has been disabled|Endpoint ID is not specified|exceeded the .*quota/i,
    means: 'refused',
    hint: 'Neon refuses this endpoint: enable it in its console, see the quota, or name it by options=endpoint=…',
  },
  {
    words: /RDS proxy has no credentials for the role|RDS Proxy .*doesn't support/i,
    means: 'refused',
    hint: 'RDS Proxy needs a secret for each role, and takes no command-line options at startup',
  },
]

/** The codes under which poolers speak: PgBouncer's for everything, and those of services that have none that fits. */
const CODES = /^(08P01|08006|08000|XX000|0A000|28000|28P01|3D000|58000)$/

/** What a pooler means by an error, and what to do; undefined for errors that are not a pooler's own. */
export function poolerSays(
  error: unknown,
): { readonly means: PoolerWord; readonly hint: string } | undefined {
  const code = codeOf(error)
  // An error of Postgres names the routine that raised it.
  if (code === undefined || !CODES.test(code) || isOfPostgres(error)) return undefined
  const message = messageOf(error)
  return SAYINGS.find(({ words }) => words.test(message))
}

function isOfPostgres(error: unknown): boolean {
  return typeof (error as { routine?: unknown }).routine === 'string'
}

/** The startup option that a pooler refuses; undefined for any other error. */
export function refusedOption(error: unknown): string | undefined {
  if (codeOf(error) !== '08P01' || isOfPostgres(error)) return undefined
  return /^unsupported startup parameter(?: in options)?: (\w+)/.exec(messageOf(error))?.[1]
}

/** Whether PgBouncer says of its console that this user may not see it: only PgBouncer does. */
export function isConsoleRefusal(error: unknown): boolean {
  return codeOf(error) === '08P01' && messageOf(error) === 'not allowed'
}
