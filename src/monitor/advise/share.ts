/** Whether the server can give what the pool may ask for. */
import type { Draft } from '../rank.ts'
import { count, millis, several } from '../words.ts'
import type { Scene } from './scene.ts'
import { LATELY_MILLIS, SYMPTOMS } from './scene.ts'

export function share(scene: Scene): readonly Draft[] {
  return [...refused(scene), ...aboveShare(scene)]
}

function refused({ stats }: Scene): readonly Draft[] {
  const last = stats.lastOpenFailure
  if (last === undefined || last.ageMillis > LATELY_MILLIS) return []
  const isFull = last.code === '53300'
  return [
    {
      code: isFull ? 'server-full' : 'open-failed',
      severity: 'critical',
      title: isFull ? 'The server has no session left for the pool' : 'Connections cannot be opened',
      evidence: `${several(stats.openFailures, 'open')} failed, the last one ${millis(last.ageMillis)} ago: ${last.message}${last.code === undefined || last.message.includes(last.code) ? '' : ` (${last.code})`}.`,
      reason: 'Callers can only have what is open already.',
      change: isFull
        ? 'Lower max here or in the other processes that connect, or put a transaction pooler in front of the server.'
        : 'See that the server runs and can be reached with this address, role and password: `sluice check` says which of them it is.',
      explains: SYMPTOMS,
    },
  ]
}

function aboveShare({ available, instances, stats }: Scene): readonly Draft[] {
  const own = stats.budget?.max ?? stats.max + stats.maxOverflow
  const wanted = own * instances
  if (available === undefined || wanted <= available) return []
  const each = Math.floor(available / instances)
  const sum =
    stats.budget === undefined
      ? `max ${count(stats.max)}${stats.maxOverflow === 0 ? '' : ` + maxOverflow ${count(stats.maxOverflow)}`}`
      : `the budget of ${count(own)} that the pool shares`
  return [
    {
      code: 'above-share',
      severity: 'warning',
      title: 'The pool may ask for more sessions than the server has',
      evidence: `${sum}, × ${several(instances, 'instance')}, makes ${count(wanted)}; the server has ${count(available)} for it (its limit without what is reserved, or the limit of the role or database).`,
      reason:
        'Under load the surplus is refused with too many clients already (53300), here or for somebody else.',
      change:
        each >= 1
          ? `Set max + maxOverflow to ${count(each)} at most for each instance, less what others need and a rolling deploy adds.`
          : 'Put a transaction pooler in front of the server: there are more instances than sessions.',
      explains: ['sessions-near-limit'],
    },
  ]
}
