/** Figures from elsewhere that belong to a pool: its server's, or what the caller knows to find out. */
import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import { harmless } from '../../base/harmless.ts'
import { redact } from '../../base/redact.ts'
import { within } from '../../base/within.ts'
import { activity } from '../activity.ts'
import type { MonitoredPool } from '../monitored.ts'
import type { Source } from '../source.ts'

/** Figures by name. */
export type Figures = Readonly<Record<string, number | string | boolean | null>>

/** Which pool figures are wanted of. */
export interface ExtraRequest<P = MonitoredPool> {
  readonly name: string
  readonly pool: P
  /** Aborts when the time is over. */
  readonly signal: AbortSignal
}

/** Finds out further figures of a pool, within a deadline; what it throws is noted in the result. */
export type ExtraCollector<P = MonitoredPool> = (request: ExtraRequest<P>) => Figures | PromiseLike<Figures>

/** What a further collector found. */
export interface ExtraResult {
  /** How long it took. */
  readonly millis: number
  /** Null where it failed. */
  readonly figures: Figures | null
  /** Why it failed, in one line without secrets; null where it did not. */
  readonly error: string | null
}

/** Runs a collector, within its time. Never rejects. */
export async function runExtra<P>(
  collector: ExtraCollector<P>,
  request: Omit<ExtraRequest<P>, 'signal'>,
  clock: Clock,
  timeoutMillis: number,
): Promise<ExtraResult> {
  const began = clock.now()
  try {
    const figures = await within(clock, timeoutMillis, (signal) => collector({ ...request, signal }))
    if (typeof figures !== 'object' || figures === null) throw new Error('it gave no object of figures')
    return { millis: clock.now() - began, figures, error: null }
  } catch (error) {
    return { millis: clock.now() - began, figures: null, error: harmless(redact(messageOf(error))) }
  }
}

/** The server's side of a Postgres pool, in figures: sessions over all its databases. */
export async function databaseFigures(pool: Source, clock: Clock, timeoutMillis: number): Promise<Figures> {
  const seen = await activity(pool, { timeoutMillis }, { clock })
  const { maxConnections, reserved, superuserReserved } = seen.limits
  return {
    sessions: seen.total,
    maxSessions: maxConnections - reserved - superuserReserved,
    active: seen.active,
    idle: seen.idle,
    idleInTransaction: seen.idleInTransaction,
    ownSessions: seen.own,
    longestStatementMillis: seen.longest?.statementMillis ?? 0,
    overFiveMinutes: seen.overFiveMinutes.length,
    blocked: seen.blocked.length,
  }
}
