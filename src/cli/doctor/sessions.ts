/** What is wrong with the sessions at the server. */
import type { Blocked, Session } from '../../monitor/activity.ts'
import type { Finding, Severity } from '../../monitor/finding.ts'
import { IDLE_IN_TRANSACTION_MILLIS, LONG_STATEMENT_MILLIS, TARGETS } from '../../monitor/targets.ts'
import { millis, whole } from '../paint.ts'
import type { Facts } from './facts.ts'

/** A shorter wait, or stay in a transaction, is everyday work. */
const MOMENT_MILLIS = 1_000
/** So many sessions of one application that sit in a transaction after the same statement were forgotten, not slow. */
const LEAKED = 3

/** Longest statement: the target, the alert, and what nobody but an analyst waits for. */
const LONG_MILLIS = {
  advice: TARGETS.statement.target,
  warning: TARGETS.statement.alert,
  critical: LONG_STATEMENT_MILLIS,
} as const

/** Sessions of one application that do nothing: more than these, or than this share of the server's, are hoarded. */
const HOARD = { sessions: 50, share: 0.25, least: 10 } as const

/** Share of a limit that is in use. */
const CROWDED = { warning: TARGETS.sessions.alert, critical: 0.95 } as const

/** Who waits for a lock, once for each session at the head of the queue. */
export function blockedFindings({ activity, prepared }: Facts): Finding[] {
  const waiting = activity.blocked.filter(({ waitingMillis = 0 }) => waitingMillis >= MOMENT_MILLIS)
  const heads = grouped(waiting, ({ root }) => root?.pid ?? 0)
  return [...heads].map(([pid, blocked]) => {
    const root = blocked[0]?.root
    const longest = Math.max(...blocked.map(({ waitingMillis = 0 }) => waitingMillis))
    const depth = Math.max(...blocked.map(({ chain }) => chain.length))
    const [holder] = prepared
    const who =
      root === undefined
        ? `a prepared transaction${holder === undefined ? '' : ` ("${holder.name}")`}`
        : `session ${pid} of ${applicationOf(root)}`
    return {
      code: 'blocked',
      severity: 'critical',
      title: `${sessions(blocked.length)} behind ${who}`,
      evidence:
        `The longest wait is ${millis(longest)}, the longest queue ${depth} sessions deep (${chainInWords(blocked)}). ${root === undefined ? '' : doing(root)}`.trim(),
      reason: 'Each of them holds a connection and its own locks, so that more and more get stuck behind it.',
      change: endHead(root, holder?.name),
    }
  })
}

function sessions(count: number): string {
  return count === 1 ? '1 session waits for a lock' : `${count} sessions wait for locks`
}

function chainInWords(blocked: readonly Blocked[]): string {
  const [deepest] = [...blocked].sort((a, b) => b.chain.length - a.chain.length)
  return (deepest?.chain ?? []).map((pid) => (pid === 0 ? 'prepared' : pid)).join(' → ')
}

function endHead(root: Session | undefined, name: string | undefined): string {
  if (root === undefined) {
    return name === undefined
      ? 'Look at pg_prepared_xacts, and COMMIT PREPARED or ROLLBACK PREPARED what is left there.'
      : `Ask its owner to run COMMIT PREPARED '${name.replaceAll("'", "''")}' or ROLLBACK PREPARED.`
  }
  return root.state === 'active'
    ? `See whether its statement may be ended: SELECT pg_cancel_backend(${root.pid}). Take locks in one order, and keep transactions short.`
    : `End it: SELECT pg_terminate_backend(${root.pid}). Commit before waiting for anything else; idle_in_transaction_session_timeout is the wall.`
}

/** Sessions that sit in a transaction and do nothing. The head of a lock queue has been named already. */
export function idlerFindings({ activity }: Facts): Finding[] {
  const heads = new Set(activity.blocked.map(({ root }) => root?.pid))
  const idlers = activity.idlers.filter(
    ({ pid, stateMillis = 0 }) => stateMillis >= MOMENT_MILLIS && !heads.has(pid),
  )
  const [longest] = idlers
  if (longest === undefined) return []
  const groups = grouped(idlers, ({ application, statement }) => `${application}\n${statement}`)
  const leaked = [...groups.values()].filter((group) => group.length >= LEAKED)
  const others = idlers.filter((idler) => !leaked.some((group) => group.includes(idler)))
  const [other] = others
  return [
    ...leaked.flatMap((group) => (group[0] === undefined ? [] : [leakFinding(group, group[0])])),
    ...(other === undefined ? [] : [idlerFinding(others, other, idlers.length)]),
  ]
}

function leakFinding(group: readonly Session[], first: Session): Finding {
  return {
    code: 'leak',
    severity: 'critical',
    title: `${applicationOf(first)} does not give its connections back`,
    evidence: `${group.length} sessions are idle in a transaction after the same statement, the longest for ${millis(first.stateMillis ?? 0)}: ${first.statement ?? 'text not visible'}.`,
    reason:
      'A connection that is not released is lost to the pool; once all are, every caller waits in vain.',
    change:
      'Release in finally (or use pool.transaction(), which does it); set leakDetectionMillis to have the place named that forgot it.',
  }
}

function idlerFinding(idlers: readonly Session[], longest: Session, all: number): Finding {
  const age = longest.stateMillis ?? 0
  const count = idlers.length === 1 ? 'A session is' : `${idlers.length} sessions are`
  return {
    code: 'idle-in-transaction',
    severity: age >= IDLE_IN_TRANSACTION_MILLIS || all > TARGETS.idlers.alert ? 'critical' : 'warning',
    title: `${count} idle in a transaction`,
    evidence: `Session ${longest.pid} of ${applicationOf(longest)} since ${millis(age)}; its last statement: ${longest.statement ?? 'not visible'}.`,
    reason: 'It keeps its connection and its locks, and VACUUM from removing what it might still see.',
    change:
      'Commit before waiting for anything but the database (a model, another service, a person); idleInTransactionTimeout takes such a transaction back.',
  }
}

/** Statements that run for long, those aside that only wait. */
export function longFindings({ activity }: Facts): Finding[] {
  const { longest, blocked } = activity
  const age = longest?.statementMillis ?? 0
  if (longest === undefined || blocked.some(({ session }) => session.pid === longest.pid)) return []
  const severity = atLeast(age, LONG_MILLIS)
  if (severity === undefined) return []
  const { length } = activity.overFiveMinutes
  const more = length > 1 ? ` ${length} statements run for more than five minutes.` : ''
  return [
    {
      code: 'long-statement',
      severity,
      title: `A statement runs for ${millis(age)}`,
      evidence: `Session ${longest.pid} of ${applicationOf(longest)}: ${longest.statement ?? 'text not visible'}.${more}`,
      reason: 'It holds its connection all the time; in a small pool, short work waits behind it.',
      change: `Look at its plan with explain(); give it class: 'analytical', or a statement timeout; to end it: SELECT pg_cancel_backend(${longest.pid}).`,
    },
  ]
}

/** Sessions that an application keeps without using them. */
export function hoardFindings(facts: Facts): Finding[] {
  const usable = usableOf(facts)
  return facts.hoards
    .filter(
      ({ sessions: count }) =>
        count > HOARD.sessions || (count >= HOARD.least && count > HOARD.share * usable),
    )
    .map(({ application, role, sessions: count, idleMillis }) => ({
      code: 'hoarded-sessions',
      // Where the server is nearly full, this is what fills it.
      severity: crowdOf(facts) === 'critical' ? 'critical' : 'warning',
      title: `${named(application)} keeps ${whole(count)} sessions that it does not use`,
      evidence: `All have been idle for ${millis(idleMillis)} or more, as role ${role}; the server has ${whole(usable)} for everybody.`,
      reason: 'Each is a process of the server with its memory, and a place that others cannot have.',
      change:
        'Make its pools smaller (max, and min where it is set), let idleTimeoutMillis close what is idle, and look for pools that are made more than once and never ended.',
    }))
}

/** Limits that are nearly reached: the server's, the database's, the role's. */
export function crowdFindings(facts: Facts): Finding[] {
  const { activity, crowds } = facts
  const { limits } = activity
  const [most] = activity.byApplication
  const first = most === undefined ? '' : ` Most are of ${named(most.application)}: ${whole(most.total)}.`
  return [
    crowd('sessions-near-limit', `The server`, activity.total, usableOf(facts), first, 'max_connections'),
    crowd('role-limit', `Role ${activity.role}`, crowds?.role, limits.roleLimit, '', 'its CONNECTION LIMIT'),
    crowd(
      'database-limit',
      `Database ${activity.database}`,
      crowds?.database,
      limits.databaseLimit,
      '',
      'its CONNECTION LIMIT',
    ),
  ].flat()
}

function crowd(
  code: string,
  what: string,
  count: number | undefined,
  limit: number | undefined,
  more: string,
  knob: string,
): Finding[] {
  if (count === undefined || limit === undefined) return []
  const severity = atLeast(limit === 0 ? 1 : count / limit, CROWDED)
  if (severity === undefined) return []
  return [
    {
      code,
      severity,
      title: `${what} has nearly all the sessions that it may have`,
      evidence: `${whole(count)} of ${whole(limit)} are taken (${Math.round((100 * count) / Math.max(1, limit))} %).${more}`,
      reason:
        'Once all are, new connections are refused with "too many clients already" or "too many connections".',
      change: `Make the pools smaller so that max × processes stays below it, put a pooler before the server, or raise ${knob}.`,
    },
  ]
}

function crowdOf(facts: Facts): Severity | undefined {
  return atLeast(facts.activity.total / usableOf(facts), CROWDED)
}

/** Sessions that an ordinary role may have. */
function usableOf({ activity: { limits } }: Facts): number {
  return Math.max(1, limits.maxConnections - limits.superuserReserved - limits.reserved)
}

/** The highest severity whose mark a number has passed. */
function atLeast(value: number, marks: Partial<Record<Severity, number>>): Severity | undefined {
  return (['critical', 'warning', 'advice'] as const).find(
    (severity) => value > (marks[severity] ?? Infinity),
  )
}

function doing({ state, stateMillis, statement }: Session): string {
  const since = stateMillis === undefined ? '' : ` for ${millis(stateMillis)}`
  return `At the head: ${state ?? 'in a state that is not visible'}${since}, ${statement ?? 'statement not visible'}.`
}

function applicationOf({ application }: Session): string {
  return named(application)
}

function named(application: string): string {
  return application === '' ? 'an application without a name' : `"${application}"`
}

function grouped<T, K>(all: readonly T[], keyOf: (one: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one])
  return groups
}
