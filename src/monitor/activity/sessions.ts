/** Sessions, and who waits for whom, from the rows of the server. */
import { fingerprint } from '../../base/fingerprint.ts'
import type { Row } from '../source.ts'
import type { ApplicationSessions, Blocked, Session } from './seen.ts'

/** What stands in the place of a statement that the role may not see. */
const HIDDEN = '<insufficient privilege>'

/** A session, its statement without literals. @param own process ids of the pool's connections */
export function readSession(row: Row, own: ReadonlySet<number>): Session {
  const pid = Number(row.pid)
  const statement = textOf(row.statement)
  return Object.freeze({
    pid,
    database: textOf(row.database),
    role: textOf(row.role),
    application: String(row.application),
    state: textOf(row.state),
    stateMillis: numberOf(row.stateMillis),
    transactionMillis: numberOf(row.transactionMillis),
    statementMillis: numberOf(row.statementMillis),
    statement: statement === undefined || statement === HIDDEN ? undefined : fingerprint(statement),
    own: own.has(pid),
  })
}

/** Whether a statement runs, the question aside that brought the session to light. */
export function isRunning({ statementMillis }: Session): boolean {
  return statementMillis !== undefined
}

/** Whether it does nothing inside a transaction, a failed one included. */
export function isIdler({ state }: Session): boolean {
  return state?.startsWith('idle in transaction') === true
}

/** How many sessions each application has, most first. */
export function byApplication(sessions: readonly Session[]): readonly ApplicationSessions[] {
  const names = new Set(sessions.map(({ application }) => application))
  return [...names]
    .map((application) => {
      const its = sessions.filter((session) => session.application === application)
      const count = (passes: (session: Session) => boolean) => its.filter(passes).length
      return {
        application,
        total: its.length,
        active: count(isRunning),
        idle: count(({ state }) => state === 'idle'),
        idleInTransaction: count(isIdler),
      }
    })
    .sort((a, b) => b.total - a.total)
}

/** The sessions that wait for locks, and for whom. */
export function readBlocked(rows: readonly Row[], sessions: readonly Session[]): readonly Blocked[] {
  const known = new Map(sessions.map((session) => [session.pid, session]))
  // Parallel workers wait under their leader's name; each leader is named once.
  const by = new Map(rows.map((row) => [Number(row.pid), [...new Set((row.by as number[]).map(Number))]]))
  const blocked: Blocked[] = []
  for (const row of rows) {
    const session = known.get(Number(row.pid))
    const blockers = by.get(Number(row.pid)) ?? []
    // Between the two questions it may have got its lock.
    if (session === undefined || blockers.length === 0) continue
    const chain = chainOf(session.pid, by)
    const root = known.get(chain.at(-1) as number)
    const waitingMillis = numberOf(row.waitingMillis) ?? session.statementMillis
    blocked.push({ session, waitingMillis, by: blockers, chain, root })
  }
  return blocked.sort((a, b) => (b.waitingMillis ?? 0) - (a.waitingMillis ?? 0))
}

/** Follows the first of those who block, to the one who waits for nobody; a circle ends where it closes. */
function chainOf(pid: number, by: ReadonlyMap<number, readonly number[]>): readonly number[] {
  const chain = [pid]
  for (let next = by.get(pid)?.[0]; next !== undefined && !chain.includes(next); next = by.get(next)?.[0])
    chain.push(next)
  return chain
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}
