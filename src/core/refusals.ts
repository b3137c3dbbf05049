/** Why a caller leaves the pool without a connection, said so that the person who reads it at night knows what to do. */
import type { OpenFailure, PoolNumbers } from '../base/errors.ts'
import { describeNumbers, messageOf, SluiceError } from '../base/errors.ts'
import { busyOf } from '../base/slots.ts'
import type { Verdict } from './overload.ts'

/** The pool as a caller leaves it. */
export interface Scene {
  readonly numbers: PoolNumbers
  readonly waitedMillis: number
  /** Slots that there may be: max + maxOverflow. */
  readonly capacity: number
  /** Opens that failed since the last one that succeeded. */
  readonly openFailures: number
  readonly lastOpenFailure: OpenFailure | undefined
  readonly lastOpenError: unknown
  /** The lease that is out for longest. */
  readonly longestLease: { readonly millis: number; readonly agent: string | undefined } | undefined
  /** The agent that may have no more, where that is what its caller waits for. */
  readonly full: { readonly agent: string; readonly held: number; readonly max: number } | undefined
  /** What it shares with other pools, where that is used up and it could have more otherwise. */
  readonly budget: { readonly max: number; readonly others: number } | undefined
  readonly hint: string | undefined
}

/** What pg-pool says when the queue takes too long, and when an open does; people match on both. */
const QUEUE_TIMEOUT = 'timeout exceeded when trying to connect'
const OPEN_TIMEOUT = 'Connection terminated due to connection timeout'

function millis(value: number): string {
  return `${Math.round(value).toLocaleString('en-US')} ms`
}

function details(scene: Scene, phase: 'queue' | 'open' | 'check', cause?: unknown) {
  const { numbers, lastOpenFailure } = scene
  return { phase, numbers, lastOpenFailure, cause, outcome: 'not-sent' } as const
}

function lastFailure({ lastOpenFailure: last }: Scene): string {
  if (last === undefined) return ''
  const code = last.code === undefined || last.message.includes(last.code) ? '' : ` (${last.code})`
  return `; the last open failed ${millis(last.ageMillis)} ago: ${last.message}${code}`
}

function sharedBudget({ budget }: Scene): string {
  if (budget === undefined) return ''
  return `; the budget of ${budget.max} that it shares is used up, ${budget.others} by other pools or kept for them`
}

function longest({ longestLease }: Scene): string {
  if (longestLease === undefined) return ''
  const agent = longestLease.agent === undefined ? '' : ` by agent ${JSON.stringify(longestLease.agent)}`
  return `; the longest lease is out for ${millis(longestLease.millis)}${agent}`
}

/** The caller's time is over. Which of three codes it gets tells a full pool from a server that cannot be reached. */
export function waiterTimeout(scene: Scene): SluiceError {
  if (scene.full !== undefined) return agentTimeout(scene, scene.full)
  const { numbers, capacity, openFailures, lastOpenError } = scene
  const waited = millis(scene.waitedMillis)
  const state = `${describeNumbers(numbers)}${sharedBudget(scene)}${lastFailure(scene)}`
  const busy = busyOf(numbers) + numbers.idle
  if (openFailures > 0 && busy < capacity) {
    const slow = SluiceError.is(lastOpenError, 'SLUICE_OPEN_TIMEOUT')
    const text = `${slow ? OPEN_TIMEOUT : QUEUE_TIMEOUT}: no connection could be opened in ${waited} (${state})`
    return new SluiceError(
      slow ? 'SLUICE_OPEN_TIMEOUT' : 'SLUICE_OPEN_FAILED',
      text,
      details(scene, 'open', lastOpenError),
    )
  }
  if (numbers.opening > numbers.waiting || (numbers.opening > 0 && busy === 0)) {
    const cause = lastOpenError ?? new Error(`the open under way had no answer from the server for ${waited}`)
    const text = `${OPEN_TIMEOUT}: the connection on its way was not open after ${waited} (${state})`
    return new SluiceError('SLUICE_OPEN_TIMEOUT', text, details(scene, 'open', cause))
  }
  const what = scene.budget === undefined ? 'max' : 'the max of the budget'
  const advice =
    scene.hint ??
    `give connections back sooner, raise ${what} if the server has room, or shorten what they run`
  const text = `${QUEUE_TIMEOUT}: waited ${waited} for a connection (${state}${longest(scene)}); ${advice}`
  return new SluiceError('SLUICE_ACQUIRE_TIMEOUT', text, {
    ...details(scene, numbers.checking > numbers.waiting ? 'check' : 'queue', lastOpenError),
    retryAfterMillis: 1_000,
  })
}

function agentTimeout(scene: Scene, { agent, held, max }: NonNullable<Scene['full']>): SluiceError {
  const state = `${describeNumbers(scene.numbers)}${longest(scene)}`
  const advice = scene.hint ?? 'let it do less at once, give connections back sooner, or raise its max'
  const holds = `agent ${JSON.stringify(agent)} holds ${held === max ? `its ${max}` : `${held} of its ${max}`} connections`
  const text = `${QUEUE_TIMEOUT}: waited ${millis(scene.waitedMillis)} for a connection while ${holds} (agents.max; ${state}); ${advice}`
  return new SluiceError('SLUICE_ACQUIRE_TIMEOUT', text, {
    ...details(scene, 'queue'),
    retryAfterMillis: 1_000,
  })
}

/** The caller's signal aborted. */
export function waiterAborted(scene: Scene, reason: unknown): SluiceError {
  const text = `aborted by the caller after waiting ${millis(scene.waitedMillis)} for a connection (${describeNumbers(scene.numbers)}): ${messageOf(reason)}`
  return new SluiceError('SLUICE_ABORTED', text, details(scene, 'queue', reason))
}

/** The queue is full, and nobody less urgent could make room. */
export function waiterRefused(scene: Scene, queueLimit: number): SluiceError {
  const text = `the queue is full: ${queueLimit.toLocaleString('en-US')} may wait (queueLimit; ${describeNumbers(scene.numbers)}${longest(scene)}${lastFailure(scene)})`
  return new SluiceError('SLUICE_QUEUE_FULL', text, { ...details(scene, 'queue'), retryAfterMillis: 1_000 })
}

/** A more urgent caller has taken this one's place in a full queue. */
export function waiterShed(scene: Scene, queueLimit: number): SluiceError {
  const text = `gave its place in the full queue to a more urgent caller after ${millis(scene.waitedMillis)} (queueLimit ${queueLimit.toLocaleString('en-US')}; ${describeNumbers(scene.numbers)})`
  return new SluiceError('SLUICE_SHED', text, { ...details(scene, 'queue'), retryAfterMillis: 1_000 })
}

/** The caller's turn would come after its deadline. */
export function waiterLate(scene: Scene, verdict: Verdict, ownMillis: number): SluiceError {
  const { ahead, perMilli, standing, waitMillis } = verdict
  const count = (value: number) => Math.round(value).toLocaleString('en-US')
  const before = standing
    ? `${count(ahead.level)} of its priority stand before it, which is left one turn in ${Math.round(1 / ahead.share)} while ${count(ahead.urgent)} more urgent ones wait`
    : `${count(ahead.urgent + ahead.level)} stand before it`
  const text = `its turn would come after about ${millis(waitMillis)}, and it waits ${millis(ownMillis)} at most: ${before}, and ${count(1_000 * perMilli)} are served a second (${describeNumbers(scene.numbers)}${longest(scene)}); try again later, or send less at once`
  return new SluiceError('SLUICE_SHED', text, {
    ...details(scene, 'queue'),
    retryAfterMillis: Math.ceil(waitMillis),
  })
}

/** The pool takes no callers any more. The first text is pg-pool's. */
export function waiterEnded(scene: Scene, mode: 'draining' | 'ending' | 'ended'): SluiceError {
  const text =
    mode === 'draining'
      ? 'Cannot use a pool while it drains'
      : 'Cannot use a pool after calling end on the pool'
  return new SluiceError('SLUICE_POOL_ENDED', text, details(scene, 'queue'))
}

/** One open has had its time. */
export function openTimeout(timeoutMillis: number, numbers: PoolNumbers): SluiceError {
  const text = `${OPEN_TIMEOUT}: not open after ${millis(timeoutMillis)} (connectionTimeoutMillis; ${numbers.opening} opening)`
  return new SluiceError('SLUICE_OPEN_TIMEOUT', text, { phase: 'open', numbers })
}

/** An open that nobody needs any more is called off; only the driver sees this. */
export function openCalledOff(): SluiceError {
  return new SluiceError('SLUICE_ABORTED', 'the open was called off: the pool was cleared or ended', {
    phase: 'open',
  })
}

/** Somebody who was told of a lease gave it back before its caller had it. */
export function leaseTakenAway(): SluiceError {
  return new SluiceError('SLUICE_ABORTED', 'a listener gave the connection back before its caller got it', {
    phase: 'queue',
  })
}
