/** The one sentence that whoever looks at night reads first. */
import type { PoolFrame, SlowPoolFrame } from '../frame.ts'
import { count, duration, percent, several } from './format.ts'
import { HELD_BAD_MILLIS, heldOf } from './words.ts'

/** How bad it is. */
export type Tone = 'good' | 'warn' | 'bad'

export interface Headline {
  readonly tone: Tone
  readonly text: string
}

/** More than so many who wait while nothing is idle: the pool is not only full. */
export const EXHAUSTED_WAITING = 10
/** Percent of `max` that may be busy. */
export const BUSY_PERCENT = 80

const warn = (text: string): Headline => ({ tone: 'warn', text })
const bad = (text: string): Headline => ({ tone: 'bad', text })

/** What is wrong now comes before what could be better. */
export function headline(pool: PoolFrame, slow: SlowPoolFrame | undefined): Headline {
  const now = stopped(pool) ?? broken(pool) ?? crowded(pool)
  const [worst] = slow?.advice ?? []
  if (now?.tone === 'bad') return now
  if (worst?.severity === 'critical') return bad(saidOf(worst, pool))
  if (now !== undefined) return now
  if (worst?.severity === 'warning') return warn(saidOf(worst, pool))
  const { leased, shared, total } = pool.counts
  if (total === 0) return { tone: 'good', text: 'Nothing to do: no connection is open, none is asked for' }
  return {
    tone: 'good',
    text: `All well: nobody waits, ${count(leased + shared)} of ${count(pool.max)} at work`,
  }
}

/** Findings of what callers went through look back five minutes. */
const LOOKS_BACK = new Set(['acquire-timeouts', 'slow-acquire'])

function saidOf({ code, title }: SlowPoolFrame['advice'][number], { counts }: PoolFrame): string {
  return LOOKS_BACK.has(code) && counts.waiting === 0 ? `${title}, but nobody waits now` : title
}

function stopped({ counts, state }: PoolFrame): Headline | undefined {
  switch (state) {
    case 'running':
      return undefined
    case 'paused':
      return warn(`The pool is paused: ${several(counts.waiting, 'caller')} will wait until it is resumed`)
    case 'draining':
      return warn(`The pool drains: ${several(counts.leased + counts.shared, 'connection')} still at work`)
    case 'ending':
      return warn(`The pool ends: ${several(counts.total, 'connection')} left`)
    case 'ended':
      return warn('The pool has ended')
  }
}

function broken(pool: PoolFrame): Headline | undefined {
  const { breaker, counts, lastOpenFailure, slots } = pool
  if (breaker?.state === 'open')
    return bad(
      `The circuit breaker is open: calls are refused for another ${duration(breaker.retryAfterMillis)}${whyNone(pool)}`,
    )
  if (counts.total === counts.opening && counts.waiting > 0 && lastOpenFailure !== null)
    return bad(`No connection can be opened: ${lastOpenFailure.message}`)
  if (counts.leaking > 0)
    return bad(
      `${several(counts.leaking, 'connection')} taken and not given back (see the stacks below)${whoWaits(counts)}`,
    )
  const held = slots.filter((slot) => heldOf(slot) === 'bad').length
  if (counts.idle === 0 && counts.waiting > 0 && held > 0)
    return bad(`${several(held, 'lease')} held for over ${duration(HELD_BAD_MILLIS)}${whoWaits(counts)}`)
  return undefined
}

/** Where no connection is left, the reason is why the last one could not be opened. */
function whyNone({ counts, lastOpenFailure }: PoolFrame): string {
  return counts.total > counts.opening || lastOpenFailure === null ? '' : ` (${lastOpenFailure.message})`
}

function whoWaits({ waiting }: PoolFrame['counts']): string {
  return waiting === 0 ? '' : `, ${several(waiting, 'caller')} waiting`
}

function crowded({ breaker, counts, oldestWaitMillis, utilization }: PoolFrame): Headline | undefined {
  const { idle, lost, waiting } = counts
  const queue = `${several(waiting, 'caller')} waiting, the first for ${duration(oldestWaitMillis)}`
  if (idle === 0 && waiting > EXHAUSTED_WAITING) return bad(`Exhausted: no connection is idle, ${queue}`)
  if (idle === 0 && waiting > 0) return warn(`Saturated: no connection is idle, ${queue}`)
  if (breaker?.state === 'half-open') return warn('The circuit breaker tries whether the server is back')
  if (lost > 0) return warn(`${several(lost, 'connection')} given up that may still live at the server`)
  if (utilization > BUSY_PERCENT) return warn(`${percent(utilization)} of max are busy`)
  return undefined
}
