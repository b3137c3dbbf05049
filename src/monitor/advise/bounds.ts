/** Options outside the bounds in which they do well. */
import { PROFILE_NAMES, PROFILES } from '../../profiles/profiles.ts'
import type { Draft } from '../rank.ts'
import type { SourceSettings } from '../source.ts'
import { count } from '../words.ts'
import type { Scene } from './scene.ts'

type Bounded =
  | 'max'
  | 'connectionTimeoutMillis'
  | 'acquireTimeoutMillis'
  | 'statementTimeout'
  | 'idleTimeoutMillis'

interface Bound {
  readonly option: Bounded
  readonly least: number
  readonly most: number
  /** What `undefined` stands for; without it there is nothing to judge. */
  readonly unset?: number
  readonly tooSmall: string
  readonly tooLarge: string
}

const BOUNDS: readonly Bound[] = [
  {
    option: 'max',
    least: 10,
    most: Number.POSITIVE_INFINITY,
    tooSmall: 'A few slow statements hold all of it, and everybody else waits.',
    tooLarge: '',
  },
  {
    option: 'connectionTimeoutMillis',
    least: 500,
    most: 30_000,
    tooSmall: 'A handshake over TLS to a distant or busy server takes longer than that.',
    tooLarge: 'A server that is gone is noticed only after that long.',
  },
  {
    option: 'acquireTimeoutMillis',
    least: 2_000,
    most: 60_000,
    tooSmall: 'A short burst already ends in errors, where a moment of waiting would have served it.',
    tooLarge: 'Callers wait long after whoever asked them has given up, and the queue grows meanwhile.',
  },
  {
    option: 'statementTimeout',
    least: 2_000,
    most: 120_000,
    tooSmall: 'Ordinary statements on a busy server are ended by it.',
    tooLarge:
      "One statement may hold a connection for all that time; long work is for the class 'analytical', which has its own timeout.",
  },
  {
    option: 'idleTimeoutMillis',
    least: 5_000,
    most: 300_000,
    unset: Number.POSITIVE_INFINITY,
    tooSmall: 'Connections are closed between two requests and opened anew for the next.',
    tooLarge: 'Connections that nobody needs occupy the server, and firewalls forget them.',
  },
]

/** Where a profile itself asks for a value outside the bounds, it is right for what the profile is for. */
function asks(profile: string | undefined, option: Bounded, value: number): boolean {
  const name = PROFILE_NAMES.find((known) => known === profile)
  return name !== undefined && PROFILES[name].options[option] === value
}

export function bounds({ settings }: Scene): readonly Draft[] {
  return BOUNDS.flatMap((bound) => judge(bound, settings))
}

function judge(bound: Bound, settings: SourceSettings): readonly Draft[] {
  const { least, most, option } = bound
  const value = settings[option] ?? bound.unset
  if (value === undefined || (value >= least && value <= most)) return []
  if (asks(settings.profile, option, value)) return []
  const isSmall = value < least
  const shown = value === Number.POSITIVE_INFINITY ? 'never' : count(value)
  const range =
    most === Number.POSITIVE_INFINITY ? `${count(least)} or more` : `from ${count(least)} to ${count(most)}`
  return [
    {
      code: `option-${option}`,
      severity: 'advice',
      title: `Option ${option} is ${isSmall ? 'small' : 'large'}`,
      evidence: `${option} is ${shown}; ${range} does well.`,
      reason: isSmall ? bound.tooSmall : bound.tooLarge,
      change: `Set ${option} to ${count(isSmall ? least : most)}, unless there is a reason for ${shown}.`,
    },
  ]
}
