/** What goes on at the server: who holds up whom, who leaves transactions open, and what runs for long. */
import type { Blocked, Session } from '../activity.ts'
import type { Draft } from '../rank.ts'
import {
  IDLE_IN_TRANSACTION_MILLIS,
  LOCK_TIMEOUT_MILLIS,
  LONG_STATEMENT_MILLIS,
  TARGETS,
} from '../targets.ts'
import { count, millis, several } from '../words.ts'
import type { Scene } from './scene.ts'
import { graded, SYMPTOMS } from './scene.ts'

/** So many sessions of one application that sit in a transaction after the same statement were forgotten rather than slow. */
const LEAKED = 3

/** Postgres itself looks at a lock wait after deadlock_timeout, a second by default; what is shorter is the ordinary course of work. */
const ORDINARY_MILLIS = 1_000

/** Sessions, and the pool that asks about them where there is one. */
type Seen = Pick<Scene, 'activity'> & Partial<Pick<Scene, 'settings' | 'stats'>>

export function sessions(scene: Seen): readonly Draft[] {
  return [...blocked(scene), ...idlers(scene), ...longest(scene)]
}

function named(application: string): string {
  return application === '' ? 'an application without a name' : `"${application}"`
}

function name({ application, pid }: Session): string {
  return `session ${pid} of ${named(application)}`
}

function lastStatement({ state, statement }: Session): string {
  if (statement === undefined) return 'its statement could not be seen'
  return `${state === 'active' ? 'it runs' : 'its last statement was'} ${statement}`
}

function grouped<T, K>(all: readonly T[], keyOf: (one: T) => K): readonly (readonly [T, ...T[]])[] {
  const groups = new Map<K, [T, ...T[]]>()
  for (const one of all) {
    const group = groups.get(keyOf(one))
    if (group === undefined) groups.set(keyOf(one), [one])
    else group.push(one)
  }
  return [...groups.values()]
}

function waits({ waitingMillis = 0 }: Blocked): boolean {
  return waitingMillis >= ORDINARY_MILLIS
}

/** One finding for each session at the head of a queue. */
function blocked({ activity }: Seen): readonly Draft[] {
  const waiting = (activity?.blocked ?? []).filter(waits)
  return grouped(waiting, ({ chain }) => chain.at(-1)).map(queue)
}

function queue(waiting: readonly [Blocked, ...Blocked[]]): Draft {
  const [{ chain, root }] = waiting
  const longest = Math.max(...waiting.map(({ waitingMillis = 0 }) => waitingMillis))
  const deepest = waiting.map((each) => each.chain).toSorted((a, b) => b.length - a.length)[0] ?? chain
  const isPrepared = chain.at(-1) === 0
  const head = isPrepared
    ? 'a prepared transaction'
    : root === undefined
      ? `session ${chain.at(-1)}`
      : name(root)
  return {
    code: 'blocked',
    severity: longest >= LOCK_TIMEOUT_MILLIS ? 'critical' : 'warning',
    title: `${several(waiting.length, 'session')} ${waiting.length === 1 ? 'waits' : 'wait'} for locks behind ${head}`,
    evidence: `The longest wait is ${millis(longest)}, the longest queue ${count(deepest.length)} sessions deep (${deepest.map((pid) => (pid === 0 ? 'prepared' : pid)).join(' → ')}).${root === undefined ? '' : ` At the head: ${stateOf(root)}; ${lastStatement(root)}.`}`,
    reason:
      'Whoever waits for a lock holds its connection and its own locks meanwhile, so that others queue behind it.',
    change: endOf(root, isPrepared),
    explains: waiting.some(({ session }) => session.own)
      ? ['long-statement', ...SYMPTOMS]
      : ['long-statement'],
  }
}

function stateOf({ state, stateMillis }: Session): string {
  if (state === undefined) return 'its state could not be seen'
  return stateMillis === undefined ? state : `${state} for ${millis(stateMillis)}`
}

function endOf(root: Session | undefined, isPrepared: boolean): string {
  if (isPrepared)
    return 'Look at pg_prepared_xacts, and have its owner run COMMIT PREPARED or ROLLBACK PREPARED for what was left there.'
  if (root?.state?.startsWith('idle in transaction') === true)
    return `End that transaction (SELECT pg_terminate_backend(${root.pid}) if nobody else will); set idleInTransactionTimeout (${count(IDLE_IN_TRANSACTION_MILLIS)}) and lockTimeout (${count(LOCK_TIMEOUT_MILLIS)}), and commit before waiting for anything else.`
  const end = root?.state === 'active' ? ` SELECT pg_cancel_backend(${root.pid}) ends what it runs.` : ''
  return `Shorten the transaction at the head, take locks in one order everywhere, and set lockTimeout (${count(LOCK_TIMEOUT_MILLIS)}).${end}`
}

function idlers({ activity, settings, stats }: Seen): readonly Draft[] {
  // The head of a queue of locks has been named with those who wait for it.
  const heads = new Set((activity?.blocked ?? []).filter(waits).map(({ root }) => root?.pid))
  const found = (activity?.idlers ?? []).filter(
    ({ pid, stateMillis = 0 }) => stateMillis >= ORDINARY_MILLIS && !heads.has(pid),
  )
  const same = ({ application, statement }: Session) => `${application}\n${statement}`
  const leaked = grouped(found, same).filter((group) => group.length >= LEAKED)
  const others = found.filter((idler) => !leaked.some((group) => group.includes(idler)))
  const [first] = others
  // What the pool itself has lent and missed, it has told better: with the place where it was taken.
  const isTold = (group: readonly Session[]) => (stats?.leaking ?? 0) > 0 && group.every(({ own }) => own)
  return [
    ...leaked.filter((group) => !isTold(group)).map(leak),
    ...(first === undefined ? [] : [idler(first, others, found.length, settings?.idleInTransactionTimeout)]),
  ]
}

function leak(group: readonly [Session, ...Session[]]): Draft {
  const [first] = group
  return {
    code: 'leak',
    severity: 'critical',
    title: `Application ${named(first.application)} does not give its connections back`,
    evidence: `${several(group.length, 'session')} are idle in a transaction after the same statement, the longest for ${millis(first.stateMillis ?? 0)}: ${first.statement ?? 'one that could not be seen'}.`,
    reason:
      'A connection that is not released is lost to the pool; once all are, every caller waits in vain.',
    change:
      'Release in finally, or use transaction(), which does it; set leakDetectionMillis to have the place named that forgot it.',
    ...(group.some(({ own }) => own) ? { explains: SYMPTOMS } : {}),
  }
}

function idler(first: Session, others: readonly Session[], all: number, limit: number | undefined): Draft {
  const idle = first.stateMillis ?? 0
  return {
    code: 'idle-in-transaction',
    severity: all > TARGETS.idlers.alert || idle >= IDLE_IN_TRANSACTION_MILLIS ? 'critical' : 'warning',
    title: `${several(others.length, 'session')} ${others.length === 1 ? 'does' : 'do'} nothing inside a transaction`,
    evidence: `${count(all)} idle in transaction (target 0, alert above ${TARGETS.idlers.alert}); ${name(first)} for ${millis(idle)}, ${lastStatement(first)}.`,
    reason:
      'An open transaction holds its locks and its connection, and keeps vacuum from cleaning up for the whole database.',
    change: `End the transaction before waiting for anything else (a model's answer, a request); set idleInTransactionTimeout (${limit === undefined ? '' : `now ${millis(limit)}; `}${count(IDLE_IN_TRANSACTION_MILLIS)}), or for the role idle_in_transaction_session_timeout = '${IDLE_IN_TRANSACTION_MILLIS / 1_000}s'.`,
    ...(others.some(({ own }) => own) ? { explains: SYMPTOMS } : {}),
  }
}

/** The one that runs for longest, the time aside that it has only waited for a lock. */
function longest({ activity }: Seen): readonly Draft[] {
  const waited = new Map((activity?.blocked ?? []).map((each) => [each.session.pid, each.waitingMillis ?? 0]))
  const candidates = [
    ...(activity?.longest === undefined ? [] : [activity.longest]),
    ...(activity?.overFiveMinutes ?? []),
  ]
  const working = ({ pid, statementMillis = 0 }: Session) => statementMillis - (waited.get(pid) ?? 0)
  const [session] = candidates.toSorted((a, b) => working(b) - working(a))
  const took = session === undefined ? 0 : working(session)
  const severity =
    took > LONG_STATEMENT_MILLIS
      ? 'critical'
      : graded(took, TARGETS.statement.target, TARGETS.statement.alert)
  if (session === undefined || severity === undefined) return []
  const over = activity?.overFiveMinutes.length ?? 0
  return [
    {
      code: 'long-statement',
      severity,
      title: `A statement has been running for ${millis(took)}`,
      evidence: `${capital(name(session))}: ${session.statement ?? 'a statement that could not be seen'} (target below ${millis(TARGETS.statement.target)}, alert above ${millis(TARGETS.statement.alert)})${over === 0 ? '' : `; ${several(over, 'statement')} over 5 minutes`}.`,
      reason:
        'It holds a connection and a processor, and the older its snapshot the less vacuum can clean up.',
      change: `Look at its plan with explain(); give such work class: 'analytical' and a statement timeout; to end it: SELECT pg_cancel_backend(${session.pid}).`,
      ...(session.own ? { explains: SYMPTOMS } : {}),
    },
  ]
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
