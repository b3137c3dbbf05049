/** Sizes by traffic: the presets that the environment can name, and the ranges that advice knows. */
import type { Span } from './answer.ts'
import { said, saidSpan } from './answer.ts'
import { need } from './need.ts'

export type TrafficName = 'development' | 'small' | 'medium' | 'large'

/** Options of a pool, under the names that a pool has for them. */
export interface Preset {
  readonly max: number
  readonly maxOverflow: number
  readonly acquireTimeoutMillis: number
  readonly maxLifetimeMillis: number
  readonly echo?: true
}

/** Small is below 100 requests a minute, medium to 1,000, large above. */
export const PRESETS: Readonly<Record<TrafficName, Preset>> = {
  development: { ...preset(3, 5, 30_000), echo: true },
  small: preset(5, 10, 30_000),
  medium: preset(15, 30, 30_000),
  large: preset(30, 60, 20_000),
}

function preset(max: number, maxOverflow: number, acquireTimeoutMillis: number): Preset {
  return { max, maxOverflow, acquireTimeoutMillis, maxLifetimeMillis: 3_600_000 }
}

/** The name of so much traffic. @param perMinute requests a minute, 0 or more. @throws SLUICE_BAD_OPTION */
export function trafficOf(perMinute: number): Exclude<TrafficName, 'development'> {
  const rate = need({ perMinute }, 'perMinute', { min: 0, whole: false })
  if (rate < 100) return 'small'
  return rate <= 1_000 ? 'medium' : 'large'
}

/** What is usual for the traffic of a pool. */
export interface TrafficAdvice {
  readonly traffic: Exclude<TrafficName, 'development'>
  readonly pool: Span
  /** Twice the pool. */
  readonly overflow: Span
  readonly acquireTimeoutMillis: Span
  readonly maxLifetimeMillis: number
  readonly arithmetic: string
  readonly caveat: string
  readonly source: string
}

/** What decides it. */
export interface TrafficSeen {
  /** Requests a minute, 0 or more. */
  readonly perMinute: number
  /** Whether the pool serves background jobs, who can wait longer than people. Default false. */
  readonly background?: boolean
  /** Whether connections were seen that the network or the server had closed unnoticed. Default false. */
  readonly stale?: boolean
}

const POOLS = { small: span(5, 10), medium: span(10, 20), large: span(20, 50) } as const

/**
 * Pool 5–10, 10–20 or 20–50, overflow twice that, an acquire timeout of 10–30 s for services and 60–120 s for background jobs,
 * and a lifetime of 1,800 s where stale connections were seen, 3,600 s elsewhere.
 * @throws SLUICE_BAD_OPTION
 */
export function adviceForTraffic({
  perMinute,
  background = false,
  stale = false,
}: TrafficSeen): TrafficAdvice {
  const traffic = trafficOf(perMinute)
  const pool = POOLS[traffic]
  const overflow = span(2 * pool.from, 2 * pool.to)
  return {
    traffic,
    pool,
    overflow,
    acquireTimeoutMillis: background ? span(60_000, 120_000) : span(10_000, 30_000),
    maxLifetimeMillis: stale ? 1_800_000 : 3_600_000,
    arithmetic: `${said(perMinute)} requests a minute are ${traffic} traffic: pool ${saidSpan(pool)}, overflow 2 × ${saidSpan(pool)} = ${saidSpan(overflow)}`,
    caveat:
      'It knows how many requests come and not how long each takes: where that is known, believe sizeForTraffic().',
    source: 'what is usual for so much traffic',
  }
}

function span(from: number, to: number): Span {
  return { from, to }
}
