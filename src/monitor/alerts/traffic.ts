/** Alerts about what passes through pools, and about the server behind them. */
import { asAnySees, lately, overProcesses, rate, series, without } from '../promql.ts'
import { FEWEST_ACQUIRES, FEWEST_FOR_REUSE, TARGETS, USES_A_SLOT } from '../targets.ts'
import type { AlertRule } from './rule.ts'
import { ALL_POOLS, inSentence, MINUTE, THIS_POOL } from './rule.ts'

/** Errors a second. */
const MOST_ERRORS = 0.1

/** The 95th percentile, in seconds. */
const SLOWEST_SECONDS = 5

/** How far an alert about a rate looks back. */
const WINDOW = '5m'

/** Reuse takes longer to tell: a connection lives for many uses. */
const REUSE_WINDOW = '15m'

/** The alerts of how one pool in one process serves its callers. */
export function servingRules(): readonly AlertRule[] {
  return [slowAcquire(), timeouts(), reuse()]
}

/** The alerts of the database as all processes of a pool see it together. */
export function databaseRules(): readonly AlertRule[] {
  return [connectionErrors(), slowQueries(), idleInTransaction(), longStatement()]
}

function slowAcquire(): AlertRule {
  const { alert, target } = TARGETS.wait
  const [sum, count] = [series('wait', '', 'sum'), series('wait', '', 'count')]
  return {
    name: 'DatabasePoolSlowAcquire',
    // A mean of a few acquires is that of the first opens.
    expression: [
      `${rate(sum, WINDOW)} / ${rate(count, WINDOW)} > ${alert / 1_000}`,
      `and increase(${count}[${WINDOW}]) > ${FEWEST_ACQUIRES}`,
    ].join('\n'),
    afterMillis: 2 * MINUTE,
    severity: 'warning',
    summary: `${THIS_POOL} takes long to give a connection`,
    description: `{{ $value | humanizeDuration }} on average over 5 minutes (more than ${alert} ms); the target is below ${target} ms.`,
    action:
      'Where most acquires open a connection, set min or a longer idleTimeoutMillis; where callers queue, shorten what runs or raise max.',
  }
}

function timeouts(): AlertRule {
  const { alert } = TARGETS.timeouts
  // Who is shed or rejected is a timeout told in advance; who aborts has left by himself.
  const refused = series('refusals', 'reason!="aborted"')
  return {
    name: 'DatabasePoolAcquireTimeouts',
    expression: `${without('reason', rate(refused, WINDOW))} * 60 > ${alert}`,
    afterMillis: MINUTE,
    severity: 'critical',
    summary: `Callers of ${inSentence(THIS_POOL)} get no connection in time`,
    description: `{{ $value | printf "%.1f" }} acquires a minute timed out or were turned away, over 5 minutes (more than ${alert}): each is a failed request.`,
    action:
      'The error of each says what held the connections. Shorten that, give connections back sooner, or raise max where the server has room: sluice doctor.',
  }
}

function reuse(): AlertRule {
  const { alert, target } = TARGETS.reuse
  const [reuses, acquires] = [series('reuses'), series('acquires')]
  return {
    name: 'DatabasePoolLowReuse',
    // The first use of a connection is no reuse: before so many acquires, and so many for each slot, the share says nothing.
    expression: [
      `${rate(reuses, REUSE_WINDOW)} / ${rate(acquires, REUSE_WINDOW)} < ${alert / 100}`,
      `and increase(${acquires}[${REUSE_WINDOW}]) > ${FEWEST_FOR_REUSE}`,
      `and increase(${acquires}[${REUSE_WINDOW}]) > ${USES_A_SLOT} * ${series('max')}`,
    ].join('\n'),
    afterMillis: 5 * MINUTE,
    severity: 'warning',
    summary: `${THIS_POOL} opens connections more often than it should`,
    description: `{{ $value | humanizePercentage }} of the acquires got a connection that had been used before (less than ${alert} %); the target is above ${target} %.`,
    action:
      'Look at the closes by reason: raise idleTimeoutMillis or min for idle, maxUses for max-uses, max for above-max; release without an error where the connection is sound.',
  }
}

function connectionErrors(): AlertRule {
  return {
    name: 'DatabaseConnectionErrors',
    expression: `${overProcesses(rate(series('connectionErrors'), WINDOW), 'type')} > ${MOST_ERRORS}`,
    afterMillis: 2 * MINUTE,
    severity: 'warning',
    summary: `${ALL_POOLS} cannot open connections, or loses them`,
    description: `{{ $value | printf "%.2f" }} errors a second over all its processes (more than ${MOST_ERRORS}), for 2 minutes.`,
    action:
      'The label type of the metric has the codes. sluice check says where the connection string leads.',
  }
}

function slowQueries(): AlertRule {
  const buckets = rate(series('queries', '', 'bucket'), WINDOW)
  return {
    name: 'DatabaseSlowQueries',
    expression: `histogram_quantile(0.95, ${overProcesses(buckets, 'class')}) > ${SLOWEST_SECONDS}`,
    afterMillis: 5 * MINUTE,
    severity: 'warning',
    summary: `Statements of ${inSentence(ALL_POOLS)} are slow`,
    description: `One in 20 takes {{ $value | humanizeDuration }} or longer, waiting included (more than ${SLOWEST_SECONDS} s), for 5 minutes.`,
    action:
      'Tell waiting from running by the time to get a connection; then look for what changed: sluice doctor, explain().',
  }
}

function idleInTransaction(): AlertRule {
  const { alert } = TARGETS.idlers
  return {
    name: 'DatabaseIdleInTransaction',
    expression: `${asAnySees(lately(series('sessions', 'state="idle_in_transaction"')), 'state')} > ${alert}`,
    afterMillis: 5 * MINUTE,
    severity: 'warning',
    summary: `The server of ${inSentence(ALL_POOLS)} has transactions open that do nothing`,
    description: `{{ $value | humanize }} sessions are idle in a transaction (more than ${alert}), for 5 minutes: they hold locks and keep vacuum from its work.`,
    action:
      'sluice doctor names the applications. Do nothing slow between BEGIN and COMMIT; set idleInTransactionTimeout, or idle_in_transaction_session_timeout at the server.',
  }
}

function longStatement(): AlertRule {
  const seconds = TARGETS.statement.alert / 1_000
  return {
    name: 'DatabaseLongStatement',
    expression: `${asAnySees(series('longestStatement'))} > ${seconds}`,
    // The metric is a duration itself.
    afterMillis: 0,
    severity: 'warning',
    summary: `A statement runs for long at the server of ${inSentence(ALL_POOLS)}`,
    description: `It has run for {{ $value | humanizeDuration }} (more than ${seconds} s); the target is below ${TARGETS.statement.target / 1_000} s.`,
    action:
      'sluice doctor shows it and whom it blocks. Set statementTimeout, and classTimeouts for what may run longer.',
  }
}
