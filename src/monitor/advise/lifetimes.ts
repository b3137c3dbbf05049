/** Connections that outlive what is between them and the server, or the server's own patience. */
import type { Draft } from '../rank.ts'
import { count, millis, several } from '../words.ts'
import type { Scene } from './scene.ts'

const OLD_MILLIS = 3_600_000

/** How long clouds remember an idle connection: Azure's load balancer by default, AWS's NAT gateway and network load balancer. */
const FIREWALLS = [
  { name: "Azure's load balancer (4 minutes)", millis: 240_000 },
  { name: "AWS's NAT gateway and network load balancer (350 seconds)", millis: 350_000 },
]

export function lifetimes(scene: Scene): readonly Draft[] {
  return [...beyondServer(scene), ...beyondFirewall(scene), ...old(scene)]
}

/** How long a connection may stand idle: those of `min` for ever. */
function longestIdle({ settings }: Scene): number {
  return settings.min > 0
    ? Number.POSITIVE_INFINITY
    : (settings.idleTimeoutMillis ?? Number.POSITIVE_INFINITY)
}

function show(value: number): string {
  return value === Number.POSITIVE_INFINITY ? 'for ever' : `for ${millis(value)}`
}

function beyondServer(scene: Scene): readonly Draft[] {
  const limit = scene.activity?.timeouts.idleSession
  const idle = longestIdle(scene)
  if (limit === undefined || idle <= limit) return []
  return [
    {
      code: 'idle-beyond-server',
      severity: 'warning',
      title: 'The server ends idle sessions before the pool does',
      evidence: `idle_session_timeout is ${millis(limit)}; the pool keeps idle connections ${show(idle)} (idleTimeoutMillis, min).`,
      reason: 'Connections die in the pool (57P05), and whoever gets one at that moment gets an error.',
      change: `Set idleTimeoutMillis below ${count(limit)} and min 0, or ALTER ROLE … SET idle_session_timeout = 0 for the role of the pool.`,
    },
  ]
}

function beyondFirewall(scene: Scene): readonly Draft[] {
  const { keepAlive, prePingMillis = Number.POSITIVE_INFINITY } = scene.settings
  const idle = longestIdle(scene)
  const beyond = FIREWALLS.filter((wall) => idle > wall.millis && prePingMillis > wall.millis)
  if (keepAlive || beyond.length === 0) return []
  return [
    {
      code: 'idle-beyond-firewall',
      severity: 'warning',
      title: 'Idle connections live longer than firewalls remember them',
      evidence: `Kept idle ${show(idle)}, without TCP keep-alive and not pinged before use in time; ${beyond.map((wall) => wall.name).join(' and ')} would have forgotten them.`,
      reason:
        'A forgotten connection looks open and answers nothing: its next statement hangs until a timeout.',
      change: 'Leave keepAlive on, or set prePing to 30,000, or idleTimeoutMillis below 240,000 with min 0.',
    },
  ]
}

function old({ at, connections, settings }: Scene): readonly Draft[] {
  const ages = connections.flatMap(({ createdAt }) =>
    createdAt === undefined ? [] : [at - createdAt.getTime()],
  )
  const found = ages.filter((age) => age > OLD_MILLIS)
  if (found.length === 0) return []
  const lifetime = settings.maxLifetimeMillis
  return [
    {
      code: 'old-connections',
      severity: 'advice',
      title: `${several(found.length, 'connection')} ${found.length === 1 ? 'is' : 'are'} older than an hour`,
      evidence: `The oldest for ${millis(Math.max(...found))} (more than ${millis(OLD_MILLIS)}); maxLifetimeMillis is ${lifetime === undefined ? 'none' : millis(lifetime)}.`,
      reason:
        'Their processes at the server keep what they have cached, and after a failover or a change of DNS they stay where they are.',
      change: 'Set maxLifetimeMillis to 1,800,000.',
    },
  ]
}
