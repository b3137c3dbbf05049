/** What a pool does not tell through hooks: told by comparing two of its pictures. */
import { several } from '../../monitor/words.ts'
import type { EventFrame } from '../frame.ts'
import type { DashboardStats } from '../pool.ts'

/** An event that has no number yet. */
export type Change = Pick<EventFrame, 'level' | 'text'>

type BreakerState = NonNullable<DashboardStats['breaker']>['state']

/** What is different, in the order in which one leads to the other. */
export function changesOf(before: DashboardStats, after: DashboardStats): Change[] {
  const changes: Change[] = []
  if (after.generation !== before.generation)
    changes.push({ level: 'warn', text: 'All connections are being replaced' })
  if (after.max !== before.max)
    changes.push({ level: 'info', text: `Resized from ${before.max} to ${several(after.max, 'connection')}` })
  if (after.breaker !== undefined && after.breaker.state !== before.breaker?.state)
    changes.push(breakerChange(after.breaker.state))
  if (after.state !== before.state) changes.push(stateChange(after.state))
  return changes
}

function breakerChange(state: BreakerState): Change {
  switch (state) {
    case 'closed':
      return { level: 'info', text: 'The circuit breaker is closed' }
    case 'half-open':
      return { level: 'warn', text: 'The circuit breaker is half-open: it lets probes through' }
    case 'open':
      return { level: 'error', text: 'The circuit breaker is open: calls are refused' }
  }
}

function stateChange(state: DashboardStats['state']): Change {
  switch (state) {
    case 'running':
      return { level: 'info', text: 'The pool serves its callers again' }
    case 'paused':
      return { level: 'warn', text: 'The pool is paused' }
    case 'draining':
      return { level: 'info', text: 'The pool is draining: it takes no new callers' }
    case 'ending':
      return { level: 'info', text: 'The pool is ending' }
    case 'ended':
      return { level: 'info', text: 'The pool has ended' }
  }
}
