/** What goes on at the server: who holds up whom, and who leaves transactions open. */
import type { Session } from '../activity.ts'
import { IDLE_IN_TRANSACTION_MILLIS, LOCK_TIMEOUT_MILLIS, TARGETS } from '../targets.ts'
import type { Draft, Scene } from './scene.ts'
import { count, graded, millis, percent, SYMPTOMS, several } from './scene.ts'

/** Postgres itself looks at a lock wait after deadlock_timeout, a second by default; what is shorter is the ordinary course of work. */
const ORDINARY_MILLIS = 1_000

export function sessions(scene: Scene): readonly Draft[] {
  return [...blocked(scene), ...idlers(scene), ...longest(scene), ...nearLimit(scene)]
}

function name({ application, pid }: Session): string {
  return `session ${pid}${application === '' ? '' : ` (${application})`}`
}

function lastStatement({ state, statement }: Session): string {
  if (statement === undefined) return 'its statement could not be seen'
  return `${state === 'active' ? 'it runs' : 'its last statement was'} ${statement}`
}

function blocked({ activity }: Scene): readonly Draft[] {
  const waiting = (activity?.blocked ?? []).filter(
    ({ waitingMillis = 0 }) => waitingMillis >= ORDINARY_MILLIS,
  )
  const [first] = waiting
  if (first === undefined) return []
  const { chain, root, session, waitingMillis = 0 } = first
  const head = root === undefined ? `session ${chain.at(-1)}` : name(root)
  const does =
    root === undefined ? '' : `, ${root.state ?? 'whose state could not be seen'}; ${lastStatement(root)}`
  return [
    {
      code: 'blocked',
      severity: waitingMillis >= LOCK_TIMEOUT_MILLIS ? 'critical' : 'warning',
      title: `${several(waiting.length, 'session')} ${waiting.length === 1 ? 'waits' : 'wait'} for a lock; at the head is ${head}`,
      evidence: `${name(session)} waits for ${millis(waitingMillis)} behind ${chain.slice(1).join(' → ')}${does}`,
      reason:
        'whoever waits for a lock holds its connection and its own locks meanwhile, so that others queue behind it',
      change:
        root?.state?.startsWith('idle in transaction') === true
          ? `end that transaction (SELECT pg_terminate_backend(${root.pid}) if nobody else will), and set idleInTransactionTimeout and lockTimeout (${count(LOCK_TIMEOUT_MILLIS)})`
          : `shorten the transaction at the head, take locks in one order everywhere, and set lockTimeout (${count(LOCK_TIMEOUT_MILLIS)})`,
      explains: waiting.some((each) => each.session.own)
        ? ['long-statement', ...SYMPTOMS]
        : ['long-statement'],
    },
  ]
}

function idlers({ activity, settings }: Scene): readonly Draft[] {
  const found = (activity?.idlers ?? []).filter(({ stateMillis = 0 }) => stateMillis >= ORDINARY_MILLIS)
  const [first] = found
  if (first === undefined) return []
  const idle = first.stateMillis ?? 0
  const limit = settings.idleInTransactionTimeout
  return [
    {
      code: 'idle-in-transaction',
      severity:
        found.length > TARGETS.idlers.alert || idle >= IDLE_IN_TRANSACTION_MILLIS ? 'critical' : 'warning',
      title: `${several(found.length, 'session')} ${found.length === 1 ? 'does' : 'do'} nothing inside a transaction`,
      evidence: `${count(found.length)} idle in transaction (target 0, alert above ${TARGETS.idlers.alert}); ${name(first)} for ${millis(idle)}, ${lastStatement(first)}`,
      reason:
        'an open transaction holds its locks and its connection, and keeps vacuum from cleaning up for the whole database',
      change: `end the transaction before waiting for anything else (a model's answer, a request); set idleInTransactionTimeout (${limit === undefined ? 'now none' : `now ${millis(limit)}`}; ${count(IDLE_IN_TRANSACTION_MILLIS)}), or for the role idle_in_transaction_session_timeout = '${IDLE_IN_TRANSACTION_MILLIS / 1_000}s'`,
      ...(found.some(({ own }) => own) ? { explains: SYMPTOMS } : {}),
    },
  ]
}

function longest({ activity }: Scene): readonly Draft[] {
  const session = activity?.longest
  const took = session?.statementMillis ?? 0
  const severity = graded(took, TARGETS.statement.target, TARGETS.statement.alert)
  if (session === undefined || severity === undefined) return []
  const over = activity?.overFiveMinutes.length ?? 0
  const more = over === 0 ? '' : `; ${several(over, 'statement')} over 5 minutes`
  return [
    {
      code: 'long-statement',
      severity,
      title: `A statement has been running for ${millis(took)}`,
      evidence: `${name(session)}: ${session.statement ?? 'a statement that could not be seen'} (target below ${millis(TARGETS.statement.target)}, alert above ${millis(TARGETS.statement.alert)})${more}`,
      reason:
        'it holds a connection and a processor, and the older its snapshot the less vacuum can clean up',
      change: "look at its plan with EXPLAIN; give such work class 'analytical' and a statement timeout",
      ...(session.own ? { explains: SYMPTOMS } : {}),
    },
  ]
}

function nearLimit({ activity, maxConnections }: Scene): readonly Draft[] {
  if (activity === undefined || maxConnections === undefined) return []
  if (activity.total < TARGETS.sessions.alert * maxConnections) return []
  const [most] = activity.byApplication
  const who =
    most === undefined ? '' : `; most by ${most.application || 'no application name'} (${count(most.total)})`
  return [
    {
      code: 'sessions-near-limit',
      severity: 'warning',
      title: 'The server is nearly out of sessions',
      evidence: `${count(activity.total)} of ${count(maxConnections)} sessions over all databases, ${percent((100 * activity.total) / maxConnections)} (below 80 % is well)${who}`,
      reason: 'at the limit it refuses new connections to everybody: too many clients already (53300)',
      change: 'lower max where connections stand idle, or put a transaction pooler in front of the server',
    },
  ]
}
