/** Limits on sessions that are nearly reached: the server's, the role's, the database's. */
import type { Severity } from '../finding.ts'
import type { Draft } from '../rank.ts'
import { TARGETS } from '../targets.ts'
import { count, percent } from '../words.ts'
import type { Scene } from './scene.ts'

/** Shares of a limit: below the first all is well, from the second on the next burst is refused. */
const CROWDED = { warning: TARGETS.sessions.alert, critical: 0.95 }

export function crowds({
  activity,
  limits,
  usable,
}: Pick<Scene, 'activity' | 'limits' | 'usable'>): readonly Draft[] {
  if (activity === undefined) return []
  const { byApplication, database, ofDatabase, ofRole, role, total } = activity
  const [most] = byApplication
  const who =
    most === undefined ? '' : `; most by ${most.application || 'no application name'} (${count(most.total)})`
  const raise = 'raise its CONNECTION LIMIT'
  return [
    ...crowd(
      'sessions-near-limit',
      'The server',
      total,
      usable,
      `over all databases${who}`,
      'raise max_connections',
    ),
    ...crowd('role-limit', `Role ${role}`, ofRole, limits.roleLimit, 'of the role', raise),
    ...crowd(
      'database-limit',
      `Database ${database}`,
      ofDatabase,
      limits.databaseLimit,
      'of the database',
      raise,
    ),
  ]
}

function severityOf(share: number): Severity | undefined {
  if (share >= CROWDED.critical) return 'critical'
  return share >= CROWDED.warning ? 'warning' : undefined
}

function crowd(
  code: string,
  what: string,
  taken: number,
  limit: number | undefined,
  whose: string,
  raise: string,
): readonly Draft[] {
  if (limit === undefined) return []
  const share = limit <= 0 ? 1 : taken / limit
  const severity = severityOf(share)
  if (severity === undefined) return []
  return [
    {
      code,
      severity,
      title: `${what} is nearly out of sessions`,
      evidence: `${count(taken)} of ${count(limit)} sessions are taken, ${percent(100 * share)} (below 80 % is well), ${whose}.`,
      reason:
        'At the limit new connections are refused to everybody: too many clients already, or too many connections (53300).',
      change: `Lower max where connections stand idle, put a transaction pooler in front of the server, or ${raise}.`,
    },
  ]
}
