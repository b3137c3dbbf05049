/** What `sluice check` says to a person. */
import type { Paint } from '../paint.ts'
import { left, millis, wrap } from '../paint.ts'
import type { Target } from '../target.ts'
import { placeOf } from '../target.ts'
import type { Trouble } from '../trouble.ts'
import type { Findings } from './probe.ts'

const labelWidth = 11

/** A target that answered. */
export function describeFindings(found: Findings, target: Target, paint: Paint, width: number): string[] {
  const title = `${paint.good(paint.glyphs.yes)} Connected to database ${found.database} as ${found.user} at ${placeOf(target)}`
  const rows: [label: string, text: string][] = [
    ['server', `PostgreSQL ${found.server.version}${found.server.replica ? ', a replica: read only' : ''}`],
    ['endpoint', endpointInWords(found)],
    ['sessions', sessionsInWords(found)],
    ['TLS', tlsInWords(found)],
    ['latency', latencyInWords(found)],
    ['timeouts', timeoutsInWords(found)],
  ]
  const indent = ' '.repeat(2 + labelWidth)
  return [
    ...wrap(title, width, '  '),
    '',
    ...rows.flatMap(([label, text]) => wrap(`  ${paint.dim(left(label, labelWidth))}${text}`, width, indent)),
  ]
}

/** A target that did not. */
export function describeTrouble({ what, advice, code }: Trouble, paint: Paint, width: number): string[] {
  return [
    ...wrap(`${paint.bad(paint.glyphs.no)} ${what}`, width, '  '),
    ...wrap(`  ${advice}`, width, '  '),
    ...(code === undefined ? [] : [paint.dim(`  (${code})`)]),
  ]
}

function endpointInWords({ endpoint }: Findings): string {
  switch (endpoint) {
    case 'direct':
      return 'direct: the server process that greeted us also runs the statements'
    case 'pooler':
      return 'a pooler (PgBouncer or one like it): statements run in another server process than the one that greeted us; in which mode it pools was not tested'
  }
}

function sessionsInWords({ limits }: Findings): string {
  const { maxConnections, reserved, superuserReserved, roleLimit, databaseLimit } = limits
  const usable = maxConnections - reserved - superuserReserved
  const parts = [
    `max_connections ${maxConnections}`,
    `${superuserReserved} reserved for superusers`,
    reserved > 0 ? `${reserved} for roles with pg_use_reserved_connections` : '',
    roleLimit === undefined ? '' : `this role ${roleLimit} at most`,
    databaseLimit === undefined ? '' : `this database ${databaseLimit} at most`,
  ]
  return `${limits.sessions} in use of ${usable} (${parts.filter((part) => part !== '').join(', ')})`
}

function tlsInWords({ tls, endpoint }: Findings): string {
  const words = tls === undefined ? 'none' : `${tls.version}, ${tls.cipher}`
  return endpoint === 'pooler' ? `${words}, between pooler and server` : words
}

function latencyInWords({ latency }: Findings): string {
  const { statement, samples, slowest, connect } = latency
  return `${millis(statement)} a statement (median of ${samples}, slowest ${millis(slowest)}), ${millis(connect)} for a new connection`
}

function timeoutsInWords({ timeouts }: Findings): string {
  const words = (value: number): string => (value === 0 ? 'none' : millis(value))
  return `statement_timeout ${words(timeouts.statement)}, idle_in_transaction_session_timeout ${words(timeouts.idleInTransaction)}`
}
