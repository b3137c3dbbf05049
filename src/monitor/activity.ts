/** Who is at the server and what they do there, as an ordinary role sees it. */
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { readMillis, readOptions, requireMethods } from '../base/options.ts'
import type { Activity, ServerTimeouts, Session } from './activity/seen.ts'
import { byApplication, isIdler, isRunning, readBlocked, readSession } from './activity/sessions.ts'
import { FACTS, ROLE_SETTINGS, SESSIONS, TIMEOUTS, WAITS } from './activity/statements.ts'
import { ask } from './ask.ts'
import type { Row, Source } from './source.ts'
import { LONG_STATEMENT_MILLIS } from './targets.ts'

export type {
  Activity,
  ApplicationSessions,
  Blocked,
  Limits,
  ServerTimeouts,
  Session,
} from './activity/seen.ts'

/** Options of {@link activity}. */
export interface ActivityOptions {
  /** How long it may take, in milliseconds. 1 or more; default 5,000. */
  readonly timeoutMillis?: number | undefined
}

/** What {@link activity} takes from outside besides options; tests hand in their own. */
export interface ActivitySurroundings {
  readonly clock?: Clock
}

const NEEDED = ['query', 'settings', 'connections'] as const

/** Whether a pool has what {@link activity} needs: those of other rooms have no sessions to ask for. */
export function canBeAsked(pool: object): pool is Source {
  return NEEDED.every((method) => typeof (pool as Readonly<Record<string, unknown>>)[method] === 'function')
}

/**
 * Asks the server who is connected, what they do, who waits for whom, and how many there may be, with plain reads that any role
 * may make.
 * @throws SLUICE_BAD_OPTION, and what `query()` of the pool throws
 */
export async function activity(
  pool: Source,
  options: ActivityOptions = {},
  { clock = systemClock }: ActivitySurroundings = {},
): Promise<Activity> {
  requireMethods(pool, 'activity()', NEEDED)
  const given = readOptions(options, 'activity()', ['timeoutMillis'])
  const millis = readMillis(given, 'timeoutMillis', 1) ?? 5_000
  const due = clock.now() + millis
  const rows = (text: string) => ask(pool, clock, Math.max(1, due - clock.now()), text)
  const [facts = {}] = await rows(FACTS)
  const timeouts = readTimeouts(await rows(TIMEOUTS))
  const roleSettings = (await rows(ROLE_SETTINGS)).map(({ setting }) => String(setting))
  const own = ownProcesses(pool)
  const waits = await rows(WAITS)
  const sessions = (await rows(SESSIONS)).map((row) => readSession(row, own))
  const told = readFacts(facts)
  return Object.freeze({ ...told, timeouts, roleSettings, ...readSessions(sessions, waits, told) })
}

/** A pooler greets its clients with numbers of its own making. */
function ownProcesses(pool: Source): ReadonlySet<number> {
  if (pool.settings().endpoint !== 'direct') return new Set()
  return new Set(pool.connections().flatMap(({ processId }) => processId ?? []))
}

function readFacts(row: Row): Told {
  const limit = (value: unknown) => (Number(value) < 0 ? undefined : Number(value))
  return {
    server: {
      version: String(row.version),
      versionNumber: Number(row.versionNumber),
      replica: row.replica === true,
    },
    role: String(row.role),
    database: String(row.database),
    limits: {
      maxConnections: Number(row.maxConnections),
      superuserReserved: Number(row.superuserReserved),
      reserved: Number(row.reserved),
      databaseLimit: limit(row.databaseLimit),
      roleLimit: limit(row.roleLimit),
    },
  }
}

/** 0 is none, as for the server. */
function readTimeouts(rows: readonly Row[]): ServerTimeouts {
  const limits = new Map(rows.map(({ name, millis }) => [name, Number(millis) || undefined]))
  return {
    statement: limits.get('statement_timeout'),
    lock: limits.get('lock_timeout'),
    idleInTransaction: limits.get('idle_in_transaction_session_timeout'),
    idleSession: limits.get('idle_session_timeout'),
    transaction: limits.get('transaction_timeout'),
  }
}

type Told = Pick<Activity, 'server' | 'role' | 'database' | 'limits'>
type Seen = Omit<Activity, keyof Told | 'timeouts' | 'roleSettings'>

function readSessions(sessions: readonly Session[], waits: readonly Row[], { role, database }: Told): Seen {
  const running = sessions.filter(isRunning).sort(by(({ statementMillis }) => statementMillis))
  const idlers = sessions.filter(isIdler).sort(by(({ stateMillis }) => stateMillis))
  const hidden = sessions.filter(({ state }) => state === undefined).length
  return {
    total: sessions.length,
    active: running.length,
    idle: sessions.filter(({ state }) => state === 'idle').length,
    idleInTransaction: idlers.length,
    own: sessions.filter((session) => session.own).length,
    ofRole: sessions.filter((session) => session.role === role).length,
    ofDatabase: sessions.filter((session) => session.database === database).length,
    hidden,
    byApplication: byApplication(sessions),
    longest: running[0],
    overFiveMinutes: running.filter(({ statementMillis = 0 }) => statementMillis > LONG_STATEMENT_MILLIS),
    idlers,
    blocked: readBlocked(waits, sessions),
    unseen: unseen(hidden),
  }
}

function by(millis: (session: Session) => number | undefined) {
  return (a: Session, b: Session): number => (millis(b) ?? 0) - (millis(a) ?? 0)
}

function unseen(hidden: number): readonly string[] {
  if (hidden === 0) return []
  const whose = hidden === 1 ? '1 session of another role' : `${hidden} sessions of other roles`
  return [
    `what ${whose} ${hidden === 1 ? 'does' : 'do'}: that takes the rights of pg_read_all_stats (GRANT pg_read_all_stats TO the role)`,
  ]
}
