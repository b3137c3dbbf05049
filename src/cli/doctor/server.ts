/** What is wrong with the server's settings, its transactions and its tables, and who keeps sessions for nothing. */
import type { Finding } from '../../monitor/finding.ts'
import type { Draft } from '../../monitor/rank.ts'
import { IDLE_IN_TRANSACTION_MILLIS } from '../../monitor/targets.ts'
import { count, millis, several } from '../../monitor/words.ts'
import type { Facts, TableUse } from './facts.ts'

/** Sessions of one application that do nothing: more than these, or than this share of the server's, are hoarded. */
const HOARD = { sessions: 50, share: 0.25, least: 10 } as const

/** A coordinator commits what it has prepared within moments. */
const PREPARED_MILLIS = { warning: 5_000, critical: 300_000 } as const

/** Transactions; at 200,000,000 autovacuum freezes by itself, at 2,100,000,000 the server stops writing. */
const AGE = { warning: 500_000_000, critical: 1_500_000_000 } as const

/** From which size, and how many scans and rows read on, reading a table through is worth an index. */
const SCANNED = { rows: 10_000, scans: 50, read: 1_000_000, share: 0.1 } as const
/** Dead rows: so many, and so large a share of the table. */
const DEAD = { rows: 10_000, share: 0.2 } as const

/** Time limits that this role lacks at the server. */
export function wallFindings({ walls }: Facts): Finding[] {
  if (walls === undefined) return []
  const missing = [
    ...(walls.statement === 0 ? [['statement_timeout', '30s'] as const] : []),
    ...(walls.idleInTransaction === 0
      ? [['idle_in_transaction_session_timeout', `${IDLE_IN_TRANSACTION_MILLIS / 1_000}s`] as const]
      : []),
  ]
  if (missing.length === 0) return []
  const role = `"${walls.role.replaceAll('"', '""')}"`
  return [
    {
      code: 'no-timeouts',
      severity: 'advice',
      title: `The server ends nothing by itself for role ${walls.role}`,
      evidence: `${missing.map(([name]) => `${name} is 0`).join(' and ')}.`,
      reason:
        'Where a client hangs, loses its network or forgets a transaction, only the server can end what it left.',
      change: missing.map(([name, value]) => `ALTER ROLE ${role} SET ${name} = '${value}'`).join('; '),
    },
  ]
}

/** Statements that other clients prepare where the next one gets their session. */
export function strangeFindings({ strange }: Facts): readonly Draft[] {
  if (strange === 0) return []
  return [
    {
      code: 'prepared-through-pooler',
      severity: 'warning',
      title: 'Others prepare statements through a pooler that lends sessions by the transaction',
      evidence: `The session that the pooler lent to the doctor has ${several(strange, 'statement')} in it that another client has prepared.`,
      reason:
        'Their next use may come to another session: prepared statement does not exist (26000), or already exists (42P05).',
      change:
        'Let these clients run statements without a name (with pg, no name in the query), or give them a way past the pooler; PgBouncer carries them from 1.21 on with max_prepared_statements above 0.',
    },
  ]
}

/** Prepared transactions that nobody has finished. */
export function preparedFindings({ activity, prepared }: Facts): readonly Draft[] {
  const [oldest] = [...prepared].sort((a, b) => b.ageMillis - a.ageMillis)
  if (oldest === undefined || oldest.ageMillis < PREPARED_MILLIS.warning) return []
  const { name, owner, database, ageMillis } = oldest
  const many =
    prepared.length === 1
      ? 'A prepared transaction was'
      : `${count(prepared.length)} prepared transactions were`
  return [
    {
      code: 'prepared-transaction',
      severity: ageMillis >= PREPARED_MILLIS.critical ? 'critical' : 'warning',
      title: `${many} left behind`,
      evidence: `"${name}" of ${owner} in database ${database}, since ${millis(ageMillis)}.`,
      reason:
        'It keeps its locks over disconnects and restarts, and VACUUM from cleaning up, until somebody ends it.',
      change: `In that database, as ${owner}: COMMIT PREPARED '${name.replaceAll("'", "''")}' or ROLLBACK PREPARED; set max_prepared_transactions = 0 where nothing needs them.`,
      explains: activity.blocked.some(({ chain }) => chain.at(-1) === 0) ? ['blocked'] : [],
    },
  ]
}

/** Sessions that an application keeps without using them. */
export function hoardFindings({ activity: { limits }, hoards }: Facts): readonly Draft[] {
  const usable = limits.maxConnections - limits.superuserReserved - limits.reserved
  return hoards
    .filter(
      ({ sessions }) =>
        sessions > HOARD.sessions || (sessions >= HOARD.least && sessions > HOARD.share * usable),
    )
    .map(({ application, role, sessions, idleMillis }) => ({
      code: 'hoarded-sessions',
      severity: 'warning',
      title: `${application === '' ? 'An application without a name' : `Application "${application}"`} keeps ${count(sessions)} sessions that it does not use`,
      evidence: `All have been idle for ${millis(idleMillis)} or more, as role ${role}; the server has ${count(usable)} for everybody.`,
      reason: 'Each is a process of the server with its memory, and a place that others cannot have.',
      change:
        'Make its pools smaller (max, and min where it is set), let idleTimeoutMillis close what is idle, and look for pools that are made more than once and never ended.',
      explains: ['sessions-near-limit', 'role-limit', 'database-limit'],
    }))
}

/** Databases that come near the end of the transaction numbers. */
export function ageFindings({ age }: Facts): Finding[] {
  if (age === undefined || age.transactions < AGE.warning) return []
  return [
    {
      code: 'transaction-age',
      severity: age.transactions >= AGE.critical ? 'critical' : 'warning',
      title: `Database ${age.database} comes near the end of its transaction numbers`,
      evidence: `Its oldest rows are ${count(age.transactions)} transactions old; at 2,100,000,000 the server takes no more writes.`,
      reason: 'VACUUM does not get to freeze old rows: something holds it up, or it is too slow.',
      change:
        'End old transactions, prepared ones and unused replication slots, then run VACUUM (FREEZE) on the oldest tables.',
    },
  ]
}

/** Tables that are read through again and again; `explain()` may have named the index already. */
export function tableFindings({ tables, explained }: Facts): Finding[] {
  const scanned = tables.filter(isScanned)
  const unnamed = scanned.filter(({ schema, name }) => {
    const full = `${schema}.${name}`
    return !explained.some(({ code, title }) => code === 'missing-index' && title.includes(` ${full} `))
  })
  return [...explained, ...unnamed.map(scanFinding), ...tables.flatMap(deadFindings)]
}

function isScanned({ rows, sequentialScans, sequentialRows, indexScans }: TableUse): boolean {
  return (
    rows >= SCANNED.rows &&
    sequentialScans >= SCANNED.scans &&
    sequentialRows >= SCANNED.read &&
    // A LIMIT or an EXISTS stops early: that is no reading through.
    sequentialRows / sequentialScans >= rows / 2 &&
    sequentialScans >= SCANNED.share * (sequentialScans + indexScans)
  )
}

function scanFinding({ schema, name, rows, sequentialScans, sequentialRows, indexScans }: TableUse): Finding {
  return {
    code: 'missing-index',
    severity: 'warning',
    title: `Table ${schema}.${name} is read from end to end again and again`,
    evidence: `${count(sequentialScans)} sequential scans have read ${count(sequentialRows)} rows of a table of ${count(rows)}; ${count(indexScans)} scans used an index.`,
    reason: 'Each of them takes the longer the more the table grows, and a connection all that time.',
    change:
      'Find the statements that filter it (pg_stat_statements, or the statements() of the pool) and run explain() on them: it names the index.',
  }
}

function deadFindings({ schema, name, rows, dead, tended }: TableUse): Finding[] {
  if (dead < DEAD.rows || dead < DEAD.share * (rows + dead)) return []
  return [
    {
      code: 'dead-rows',
      severity: 'advice',
      title: `Table ${schema}.${name} is full of dead rows`,
      evidence: `${count(dead)} dead beside ${count(rows)} live ones${tended ? '' : '; it was never vacuumed or analysed'}.`,
      reason: 'Every scan reads them too, and the numbers of the planner are old.',
      change: `VACUUM (ANALYZE) "${schema.replaceAll('"', '""')}"."${name.replaceAll('"', '""')}"; if they come back, look for what keeps old transactions open.`,
    },
  ]
}
