/** Alerts of one pool in one process: its slots, its queue and its overflow. */
import { MOST_WAITING } from '../../core/pressure.ts'
import { lately, series, without } from '../promql.ts'
import { TARGETS } from '../targets.ts'
import type { AlertRule } from './rule.ts'
import { inSentence, MINUTE, THIS_POOL } from './rule.ts'

/** Fewer idle connections than this, with all open, and a pool counts as saturated. */
const FEWEST_IDLE = 2

const connections = (word: string) => series('connections', `state="${word}"`)

const state = (word: string) => without('state', connections(word))

const lastState = (word: string) => without('state', lately(connections(word)))

const ROOM =
  'See what holds the connections (sluice doctor, pool.connections()); shorten it or give connections back sooner. Raise max only where the server has room: sluice size --instances.'

/** The alerts. Each series of them has the labels of one pool in one process. */
export function poolRules(): readonly AlertRule[] {
  return [saturated(), highWait(), utilization(), exhausted(), longQueue(), overflow()]
}

function saturated(): AlertRule {
  return {
    name: 'DatabasePoolSaturated',
    // A pool of one that idles has fewer than two idle, and so has one of two that is half in use: they are not full.
    expression: [
      `${lastState('idle')} < ${FEWEST_IDLE}`,
      `and ${lastState('total')} >= ${lately(series('max'))}`,
      `and ${lastState('active')} > ${lastState('idle')}`,
    ].join('\n'),
    afterMillis: 5 * MINUTE,
    severity: 'warning',
    summary: `${THIS_POOL} has all its connections open and hardly any idle`,
    description: `{{ $value | humanize }} idle (fewer than ${FEWEST_IDLE}) with every connection open, for 5 minutes: the next burst waits.`,
    action: ROOM,
  }
}

function highWait(): AlertRule {
  return {
    name: 'DatabasePoolHighWaitTime',
    expression: `${lastState('waiting')} > ${MOST_WAITING}`,
    afterMillis: 2 * MINUTE,
    severity: 'critical',
    summary: `Callers of ${inSentence(THIS_POOL)} wait for connections`,
    description: `{{ $value | humanize }} callers wait (more than ${MOST_WAITING}), for 2 minutes: each is late already, and the last ones will get an error.`,
    action: ROOM,
  }
}

function utilization(): AlertRule {
  const { alert, alertAfterMillis, target } = TARGETS.utilization
  return {
    name: 'DatabasePoolHighUtilization',
    expression: `${lately(series('utilization'))} > ${alert / 100}`,
    afterMillis: alertAfterMillis,
    severity: 'warning',
    summary: `${THIS_POOL} has little room left`,
    description: `{{ $value | humanizePercentage }} of its slots are in use (more than ${alert} %), for ${alertAfterMillis / MINUTE} minutes; the target is below ${target} % on average.`,
    action: ROOM,
  }
}

function exhausted(): AlertRule {
  return {
    name: 'DatabasePoolExhausted',
    expression: `${state('waiting')} > ${MOST_WAITING} and ${state('idle')} == 0`,
    afterMillis: MINUTE,
    severity: 'critical',
    summary: `${THIS_POOL} is exhausted`,
    description: `{{ $value | humanize }} callers wait (more than ${MOST_WAITING}) and no connection is idle, for a minute.`,
    action: ROOM,
  }
}

function longQueue(): AlertRule {
  const { alert } = TARGETS.queue
  return {
    name: 'DatabasePoolQueueLong',
    expression: `${state('waiting')} > ${alert}`,
    afterMillis: MINUTE,
    severity: 'critical',
    summary: `The queue of ${inSentence(THIS_POOL)} is long`,
    description: `{{ $value | humanize }} callers are queued (more than ${alert}), for a minute.`,
    action: `${ROOM} Until then turn work away early: queueLimit, and a share for each agent (agents).`,
  }
}

function overflow(): AlertRule {
  const { alert, target } = TARGETS.overflow
  return {
    name: 'DatabasePoolOverflowHigh',
    // A pool that may have none has no share of it in use.
    expression: `${lately(series('overflow'))} / (${lately(series('maxOverflow'))} > 0) > ${alert / 100}`,
    afterMillis: 5 * MINUTE,
    severity: 'warning',
    summary: `${THIS_POOL} lives on temporary connections`,
    description: `{{ $value | humanizePercentage }} of maxOverflow is in use (more than ${alert} %), for 5 minutes; the target is below ${target} %.`,
    action:
      'Each of them is opened for one use. Raise max by what is always needed, and lower maxOverflow by as much: the sum stays.',
  }
}
