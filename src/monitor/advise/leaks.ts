/** Connections that are not given back. */
import type { Draft } from '../rank.ts'
import { count, millis, several } from '../words.ts'
import type { Scene } from './scene.ts'
import { SYMPTOMS } from './scene.ts'

/** A pool in which more than this is held for long should be searched for leaks, whether or not leak detection is on. */
const HELD_SHARE = 0.9
const HELD_MILLIS = 300_000

export function leaks(scene: Scene): readonly Draft[] {
  return [...leaked(scene), ...nested(scene), ...heldLong(scene)]
}

function leaked({ connections, settings, stats }: Scene): readonly Draft[] {
  if (stats.leaking === 0) return []
  const limit = settings.leakDetectionMillis ?? 0
  const [longest] = connections
    .filter(({ leasedForMillis = 0, stack }) => stack !== undefined && leasedForMillis >= limit)
    .sort((a, b) => (b.leasedForMillis ?? 0) - (a.leasedForMillis ?? 0))
  const who = longest?.agent === undefined ? '' : ` by agent ${JSON.stringify(longest.agent)}`
  const where =
    longest === undefined
      ? ''
      : `; the longest for ${millis(longest.leasedForMillis ?? 0)}${who}, taken${frameOf(longest.stack)}`
  return [
    {
      code: 'leak',
      severity: 'critical',
      title: `${several(stats.leaking, 'connection')} of ${count(stats.max)} ${stats.leaking === 1 ? 'was' : 'were'} taken and not given back`,
      evidence: `${several(stats.leaking, 'lease')} out for more than ${millis(limit)} (leakDetectionMillis)${where}.`,
      reason: 'A connection that is not released is lost to everybody else until the process ends.',
      change:
        'Release in a finally block there, or take the connection with `await using`, transaction() or query(), which release by themselves.',
      explains: SYMPTOMS,
    },
  ]
}

/** Where Sluice itself is, as its frames name it: by URL, or by path. In a bundle that cannot be told. */
function house(): readonly string[] {
  const here: string | undefined = import.meta.url
  if (here === undefined) return []
  const { href, pathname } = new URL('../../', here)
  return [href, decodeURIComponent(pathname)]
}

/** The first line of a stack that is neither Sluice's own nor the platform's. */
function frameOf(stack: string | undefined): string {
  const frames = stack?.split('\n').filter((line) => /^\s+at (?!.*<anonymous>\))/.test(line)) ?? []
  const places = house()
  const callers = frames.find((line) => !places.some((place) => line.includes(place))) ?? frames[0]
  return callers === undefined ? '' : ` ${callers.trim()}`
}

function nested({ stats }: Scene): readonly Draft[] {
  if (stats.nested === 0) return []
  return [
    {
      code: 'nested-acquire',
      severity: 'warning',
      title: 'Tasks ask for a second connection while they hold one',
      evidence: `${several(stats.nested, 'caller')} waited for a connection inside a lease of their own.`,
      reason: 'Once every connection is held by a task that waits for another, none of them can ever go on.',
      change: `Pass the connection or the transaction down; if each task must hold n at once, max must be at least tasks × (n − 1) + 1 (it is ${count(stats.max)}).`,
      explains: SYMPTOMS,
    },
  ]
}

function heldLong({ connections, earlier, stats, window }: Scene): readonly Draft[] {
  const most = HELD_SHARE * stats.max
  const now = stats.total - stats.idle
  const held = connections.filter(({ leasedForMillis = 0 }) => leasedForMillis >= HELD_MILLIS).length
  const before = earlier === undefined ? 0 : earlier.stats.total - earlier.stats.idle
  const stayed = window.millis >= HELD_MILLIS && now > most && before > most
  if (!stayed && held <= most) return []
  const long = stayed ? window.millis : HELD_MILLIS
  return [
    {
      code: 'held-long',
      severity: 'warning',
      title: 'Nearly all connections are held for long: look for leaks',
      evidence: `${count(stayed ? now : held)} of ${count(stats.max)} in use (more than 90 %) for ${millis(long)} or longer.`,
      reason: 'Work that ends gives its connections back; what stays out may have been forgotten.',
      change:
        'Set leakDetectionMillis (60,000, say): it names where each forgotten connection was taken; if all are at work, the work is too long for the pool.',
    },
  ]
}
