/** How hard it is to get a connection: the targets and alerts of a pool. */
import { MOST_WAITING, pressureOf } from '../../core/pressure.ts'
import { VERTICAL } from '../../sizing/vertical.ts'
import type { Draft } from '../rank.ts'
import { FEWEST_ACQUIRES, FEWEST_FOR_REUSE, TARGETS, USES_A_SLOT } from '../targets.ts'
import { count, millis, percent, several } from '../words.ts'
import type { Scene } from './scene.ts'
import { graded, LATELY_MILLIS } from './scene.ts'

const MINUTE = 60_000

export function pressure(scene: Scene): readonly Draft[] {
  return [
    ...queue(scene),
    ...timeouts(scene),
    ...waits(scene),
    ...utilization(scene),
    ...overflow(scene),
    ...reuse(scene),
  ]
}

/** Raising max helps only where connections can be opened, and the server has room for them. */
function roomAdvice({ available, instances, stats }: Scene): string {
  const last = stats.lastOpenFailure
  if (stats.total === stats.opening && last !== undefined && last.ageMillis <= LATELY_MILLIS)
    return 'See first why connections cannot be opened: until then no max is large enough.'
  const max = Math.ceil((stats.max * VERTICAL.growByPercent) / 100)
  const raise = `raise max to ${count(max)}`
  if (available !== undefined && (max + stats.maxOverflow) * instances > available)
    return `Shorten what runs and give connections back sooner: the server's ${count(available)} sessions do not allow a max of ${count(max)}.`
  return `Shorten what runs, give connections back sooner, or ${raise} if the database itself has capacity left.`
}

function queue(scene: Scene): readonly Draft[] {
  const { stats } = scene
  const state = pressureOf(stats)
  const isLong = stats.waiting > TARGETS.queue.alert
  if (!isLong && state !== 'exhausted' && state !== 'saturated') return []
  const code = isLong ? 'queue-long' : state
  return [
    {
      code,
      severity: code === 'saturated' ? 'warning' : 'critical',
      title: isLong
        ? `${count(stats.waiting)} callers are queued`
        : `The pool is ${state}: no connection is idle and ${several(stats.waiting, 'caller')} ${stats.waiting === 1 ? 'waits' : 'wait'}`,
      evidence: `${count(stats.idle)} idle, ${count(stats.waiting)} waiting (target 0; exhausted above ${MOST_WAITING}, alert above ${TARGETS.queue.alert}), the longest for ${millis(stats.oldestWaitMillis)}, ${percent(100 * stats.waitShare)} of a deadline used up.`,
      reason:
        'Every caller in the queue is late by the time it waits, and the last ones will get an error instead.',
      change: roomAdvice(scene),
    },
  ]
}

function timeouts(scene: Scene): readonly Draft[] {
  const { window } = scene
  if (window.timeouts === 0) return []
  const rate = (window.timeouts * MINUTE) / Math.max(MINUTE, window.millis)
  return [
    {
      code: 'acquire-timeouts',
      severity: rate > TARGETS.timeouts.alert ? 'critical' : 'warning',
      title: 'Callers get no connection in time',
      evidence: `${several(window.timeouts, 'acquire timeout')} in ${millis(window.millis)}, ${Math.round(rate * 100) / 100} a minute (target 0, alert above ${TARGETS.timeouts.alert} a minute).`,
      reason: 'Each of them is a failed request.',
      change: roomAdvice(scene),
    },
  ]
}

function waits(scene: Scene): readonly Draft[] {
  const { acquired, waitMean } = scene.window
  const severity =
    acquired < FEWEST_ACQUIRES ? undefined : graded(waitMean, TARGETS.wait.target, TARGETS.wait.alert)
  if (severity === undefined) return []
  const opensOften = scene.stats.opened > acquired / 2
  return [
    {
      code: 'slow-acquire',
      severity,
      title: 'Getting a connection takes long',
      evidence: `${millis(waitMean)} on average over ${count(acquired)} acquires (target below ${TARGETS.wait.target} ms, alert above ${TARGETS.wait.alert} ms).`,
      reason: 'That time is added to every statement.',
      change: opensOften
        ? 'Set min, or a longer idleTimeoutMillis, so that there is a connection when it is needed: most acquires open one.'
        : roomAdvice(scene),
    },
  ]
}

function utilization(scene: Scene): readonly Draft[] {
  const { stats, window } = scene
  const average = window.millis < MINUTE ? 0 : window.utilization
  const isAlert = average > TARGETS.utilization.alert && window.millis >= TARGETS.utilization.alertAfterMillis
  if (average < TARGETS.utilization.target && stats.utilization < TARGETS.utilization.peak) return []
  return [
    {
      code: 'utilization',
      severity: isAlert ? 'warning' : 'advice',
      title: 'The pool has little room left',
      evidence: `${percent(window.utilization)} of ${count(stats.max)} slots in use on average over ${millis(window.millis)}, ${percent(stats.utilization)} now (target below ${TARGETS.utilization.target} % on average and ${TARGETS.utilization.peak} % at most, alert above ${TARGETS.utilization.alert} % for 5 minutes).`,
      reason: 'The fuller a pool, the longer the queue that a small burst leaves.',
      change: roomAdvice(scene),
    },
  ]
}

function overflow({ stats }: Scene): readonly Draft[] {
  const used = Math.max(0, stats.total - stats.max)
  const severity =
    stats.maxOverflow === 0
      ? undefined
      : graded((100 * used) / stats.maxOverflow, TARGETS.overflow.target, TARGETS.overflow.alert)
  if (severity === undefined) return []
  return [
    {
      code: 'overflow',
      severity,
      title: 'Temporary connections above max are in constant use',
      evidence: `${count(used)} of ${count(stats.maxOverflow)} overflow connections (target below ${TARGETS.overflow.target} %, alert above ${TARGETS.overflow.alert} %).`,
      reason: 'Each of them is opened for one use and closed, which costs a handshake every time.',
      change: `Raise max by what is always needed (now ${count(stats.max)}) and lower maxOverflow by as much: the sum stays.`,
    },
  ]
}

function reuse({ stats }: Scene): readonly Draft[] {
  const share = 100 * stats.reuse
  if (stats.acquired < Math.max(FEWEST_FOR_REUSE, USES_A_SLOT * stats.max) || share > TARGETS.reuse.target)
    return []
  const closed = Object.entries(stats.closed).sort(([, a], [, b]) => b - a)[0]
  const why = closed === undefined ? '' : `; most were closed as '${closed[0]}' (${count(closed[1])})`
  return [
    {
      code: 'reuse',
      severity: share < TARGETS.reuse.alert ? 'warning' : 'advice',
      title: 'Connections are opened more often than they should be',
      evidence: `${percent(share)} of ${count(stats.acquired)} acquires got a connection that had been used before (target above ${TARGETS.reuse.target} %, alert below ${TARGETS.reuse.alert} %)${why}.`,
      reason: 'Every new connection costs a handshake, and the server a process.',
      change:
        closed?.[0] === 'max-uses'
          ? 'Raise maxUses.'
          : 'Set min to what is used all the time, or raise idleTimeoutMillis; release without an error where the connection is sound.',
    },
  ]
}
