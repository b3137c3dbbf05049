/** Whether a pool and its server are well, for probes and for people: always an answer, and always in time. */
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { requireMethods } from '../base/options.ts'
import type { PoolStats } from '../core/stats.ts'
import { advise } from './advise.ts'
import type { Finding } from './finding.ts'
import { databaseCheck, extraCheck, NOT_COUNTED, poolCheck, sessionsCheck } from './health/checks.ts'
import type { ExtraCheck, HealthOptions } from './health/options.ts'
import { readHealthOptions } from './health/options.ts'
import { Past } from './health/past.ts'
import type { Check, HealthStatus } from './health/report.ts'
import { worst } from './health/report.ts'
import type { NamedPools } from './monitored.ts'
import { readPools } from './monitored.ts'
import type { Circumstances } from './snapshot.ts'
import { snapshotOf } from './snapshot.ts'
import type { Source } from './source.ts'

export type { ExtraCheck, HealthOptions } from './health/options.ts'
export type { Check, CheckOutcome, HealthStatus } from './health/report.ts'

/** What {@link health} takes from outside besides options; tests hand in their own. */
export interface HealthSurroundings {
  readonly clock?: Clock
}

/** How one pool is. */
export interface Health {
  /** The worst of the checks. Over HTTP: 200, 200 with a warning, 503. */
  readonly status: HealthStatus
  /** `database` answers SELECT 1, `pool` has room, `sessions` are below the server's limit; and those of the caller. */
  readonly checks: Readonly<Record<string, Check>>
  /** When it was asked: ISO 8601. */
  readonly timestamp: string
  readonly stats: PoolStats
  /** What the checks complain of, a sentence each. */
  readonly warnings: readonly string[]
  /** What to change: of what was seen in the last five minutes, where it was asked before, else since the pool's beginning. */
  readonly recommendations: readonly Finding[]
}

/** Several pools by name: what `createPools()` makes, a Map, or an object. */
export type NamedSources = NamedPools<Source>

/** How several pools are. */
export interface PoolsHealth extends Pick<Health, 'status' | 'checks' | 'timestamp' | 'warnings'> {
  readonly pools: Readonly<Record<string, Health>>
}

const past = new Past()

/**
 * How a pool is, or several: the worst of all counts. Never rejects for a sick database, never takes longer than `timeoutMillis`, and leaves
 * no statement running.
 * @throws SLUICE_BAD_OPTION
 */
export async function health(
  pool: Source,
  options?: HealthOptions,
  surroundings?: HealthSurroundings,
): Promise<Health>
export async function health(
  pools: NamedSources,
  options?: HealthOptions,
  surroundings?: HealthSurroundings,
): Promise<PoolsHealth>
export async function health(
  asked: Source | NamedSources,
  options: HealthOptions = {},
  { clock = systemClock }: HealthSurroundings = {},
): Promise<Health | PoolsHealth> {
  const { millis, checks } = readHealthOptions(options, 'health()')
  const pools = poolsOf(asked)
  const timestamp = new Date(clock.epoch()).toISOString()
  const extra = runExtra(checks, clock, millis)
  const look = (pool: Source) => lookAt(pool, options.circumstances ?? {}, clock, millis)
  if (isPool(pools)) {
    const [own, extras] = await Promise.all([look(pools), extra])
    return healthOf(own, extras, timestamp)
  }
  const all = [...pools].map(
    async ([name, pool]) => [name, healthOf(await look(pool), {}, timestamp)] as const,
  )
  return healthOfAll(await Promise.all(all), await extra, timestamp)
}

const NEEDED = ['query', 'stats', 'settings', 'connections', 'statements'] as const

/** The pool, or the pools by their names. @throws SLUICE_BAD_OPTION for what is neither */
function poolsOf(asked: Source | NamedSources): Source | ReadonlyMap<string, Source> {
  if (typeof asked === 'object' && asked !== null && !isPool(asked))
    return readPools(asked, 'health()', NEEDED)
  requireMethods(asked, 'health()', NEEDED)
  return asked
}

/** Nothing but a pool has a function of that name; a pool called query is an object. */
function isPool(asked: Source | NamedSources): asked is Source {
  return 'query' in asked && typeof asked.query === 'function'
}

type Checks = Readonly<Record<string, Check>>
type Looked = Pick<Health, 'checks' | 'stats' | 'recommendations'>

/** Looks at one pool. Its numbers are taken after the questions: what they met, a server that is down perhaps, counts. */
async function lookAt(
  pool: Source,
  circumstances: Circumstances,
  clock: Clock,
  millis: number,
): Promise<Looked> {
  const due = clock.now() + millis
  const database = await databaseCheck(pool, clock, millis)
  const left = due - clock.now()
  const sessions =
    database.status === 'healthy' && left >= 1 ? await sessionsCheck(pool, clock, left) : NOT_COUNTED
  const picture = snapshotOf(pool, circumstances, { clock })
  const { stats } = picture
  const earlier = past.add(pool, stats, clock.now())
  return {
    checks: { database, pool: { ...poolCheck(stats), millis: 0 }, sessions },
    stats,
    recommendations: advise({ ...picture, earlier }),
  }
}

async function runExtra(
  checks: Readonly<Record<string, ExtraCheck>>,
  clock: Clock,
  millis: number,
): Promise<Checks> {
  const entries = Object.entries(checks).map(
    async ([name, check]) => [name, await extraCheck(check, clock, millis)] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}

function healthOf({ checks: own, stats, recommendations }: Looked, extra: Checks, timestamp: string): Health {
  const checks = { ...own, ...extra }
  return Object.freeze({
    status: worst(Object.values(checks).map(({ status }) => status)),
    checks,
    timestamp,
    stats,
    warnings: warningsOf(checks),
    recommendations,
  })
}

/** The worst of all. */
function healthOfAll(
  pools: readonly (readonly [name: string, health: Health])[],
  checks: Checks,
  timestamp: string,
): PoolsHealth {
  const all = [...pools.map(([, { status }]) => status), ...Object.values(checks).map(({ status }) => status)]
  const warnings = pools.flatMap(([name, health]) => health.warnings.map((text) => `${name}: ${text}`))
  return Object.freeze({
    status: worst(all),
    checks,
    timestamp,
    warnings: [...warnings, ...warningsOf(checks)],
    pools: Object.fromEntries(pools),
  })
}

function warningsOf(checks: Checks): readonly string[] {
  return Object.entries(checks)
    .filter(([, { status }]) => status !== 'healthy')
    .map(([name, { message }]) => `${name}: ${message}`)
}
