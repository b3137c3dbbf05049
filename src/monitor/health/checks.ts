/** The checks of a pool and its server. */
import type { Clock } from '../../base/clock.ts'
import { describeNumbers, messageOf, SluiceError } from '../../base/errors.ts'
import { redact } from '../../base/redact.ts'
import { within } from '../../base/within.ts'
import { pressureOf } from '../../core/pressure.ts'
import type { PoolStats } from '../../core/stats.ts'
import { ask } from '../ask.ts'
import type { Source } from '../source.ts'
import { TARGETS } from '../targets.ts'
import type { Check, CheckOutcome } from './report.ts'
import { outcomeOf } from './report.ts'

/**
 * Of the sessions of others a role without pg_read_all_stats sees who they are but not their kind. What is reserved for superusers is
 * nobody's to take.
 */
const SESSIONS = `
  SELECT count(*)::int AS sessions,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - coalesce(current_setting('reserved_connections', true), '0')::int AS most
  FROM pg_stat_activity
  WHERE usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'`

/** Takes the time of a check. */
async function timed(clock: Clock, check: () => Promise<CheckOutcome> | CheckOutcome): Promise<Check> {
  const began = clock.now()
  const { status, message } = await check()
  return Object.freeze({ status, message, millis: clock.now() - began })
}

function show(millis: number): string {
  return `${Math.round(millis).toLocaleString('en-US')} ms`
}

/** Whether the database answers SELECT 1. Where the pool has no connection for the question, nothing is learnt about the database. */
export function databaseCheck(pool: Source, clock: Clock, millis: number): Promise<Check> {
  return timed(clock, async () => {
    try {
      await ask(pool, clock, millis, 'SELECT 1')
      return { status: 'healthy', message: 'answers SELECT 1' }
    } catch (error) {
      if (isPoolsFault(error))
        return { status: 'warning', message: `could not be asked: ${messageOf(error)}` }
      return { status: 'unhealthy', message: redact(messageOf(error)) }
    }
  })
}

/** Whether the pool has kept the question from the database: its queue, rather than an open or a check that the server owes. */
function isPoolsFault(error: unknown): boolean {
  return SluiceError.is(error) && error.phase === 'queue'
}

/** Whether the pool has room, by its numbers before anything was asked. */
export function poolCheck(stats: PoolStats): CheckOutcome {
  const { max, oldestWaitMillis, state, utilization } = stats
  if (state === 'paused') return { status: 'warning', message: 'the pool is paused and serves nobody' }
  if (state !== 'running') return { status: 'unhealthy', message: `the pool is ${state} and takes nobody` }
  const numbers = `${describeNumbers(stats)}, the longest wait ${show(oldestWaitMillis)}`
  const pressure = pressureOf(stats)
  switch (pressure) {
    case 'exhausted':
      return { status: 'unhealthy', message: `the pool is exhausted: ${numbers}` }
    case 'saturated':
      return { status: 'warning', message: `the pool is saturated: ${numbers}` }
    case 'busy':
      return { status: 'warning', message: `${Math.round(utilization)} % of ${max} slots are in use` }
    case 'free':
      return { status: 'healthy', message: `${Math.round(utilization)} % of ${max} slots are in use` }
  }
}

/** Whether the server has places left for sessions, counted over all its databases. */
export function sessionsCheck(pool: Source, clock: Clock, millis: number): Promise<Check> {
  return timed(clock, async () => {
    try {
      const [row = {}] = await ask(pool, clock, millis, SESSIONS)
      const [sessions, most] = [Number(row.sessions), Number(row.most)]
      const message = `${sessions} of the server's ${most} sessions are taken`
      return { status: sessions >= TARGETS.sessions.alert * most ? 'warning' : 'healthy', message }
    } catch (error) {
      return { status: 'warning', message: `could not be counted: ${redact(messageOf(error))}` }
    }
  })
}

/** What is said of the sessions where the database has not answered. */
export const NOT_COUNTED: Check = Object.freeze({
  status: 'warning',
  message: 'not counted: the database has not answered',
  millis: 0,
})

/** A check of the caller's own, within its time. */
export function extraCheck(
  check: (signal: AbortSignal) => unknown,
  clock: Clock,
  millis: number,
): Promise<Check> {
  return timed(clock, async () => {
    try {
      const value = await within<unknown>(clock, millis, check)
      return outcomeOf(value) ?? { status: 'healthy', message: 'answers' }
    } catch (error) {
      return { status: 'unhealthy', message: redact(messageOf(error)) }
    }
  })
}
