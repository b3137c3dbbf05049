/** Health for probes over HTTP: whether the process should be restarted, and whether it should get requests. */
import type { Clock } from '../../base/clock.ts'
import { systemClock } from '../../base/clock.ts'
import { SluiceError } from '../../base/errors.ts'
import { readBoolean, readOptions, readWord } from '../../base/options.ts'
import { readHealthOptions } from '../health/options.ts'
import type { CheckOutcome, HealthStatus } from '../health/report.ts'
import { worst } from '../health/report.ts'
import type { ExtraCheck, Health, NamedSources, PoolsHealth } from '../health.ts'
import { health } from '../health.ts'
import type { MonitoredStats, NamedPools } from '../monitored.ts'
import { readPools } from '../monitored.ts'
import type { Source } from '../source.ts'
import type { Handler } from './answer.ts'
import { reading } from './answer.ts'

/** A pool as far as liveness looks at it. */
export interface LivePool {
  stats(): Pick<MonitoredStats, 'state'>
}

/** Options of {@link healthHandler} for liveness. */
export interface LivenessOptions {
  /** Whether the process should be restarted. It asks no database: a restart does not mend one. */
  readonly probe: 'liveness'
  /** Whether the answer says more than the status. Default true. */
  readonly detail?: boolean | undefined
}

/** Options of {@link healthHandler} for readiness. */
export interface ReadinessOptions {
  /** Whether the process should get requests now, by `health()`. */
  readonly probe: 'readiness'
  /** How long the answer may take, as for `health()`. In milliseconds, 1 or more; default 800. */
  readonly timeoutMillis?: number | undefined
  /** Further checks by name, as for `health()`. */
  readonly checks?: Readonly<Record<string, ExtraCheck>> | undefined
  /** Whether the answer says more than the status: what each check found, in the words of `health()`. Default true. */
  readonly detail?: boolean | undefined
}

/** What {@link healthHandler} takes from outside besides options; tests hand in their own. */
export interface HealthHandlerSurroundings {
  readonly clock?: Clock
}

/** When it makes sense to ask again, in seconds. */
const RETRY_AFTER = '1'

const NO_OPTION_OF_LIVENESS = ['timeoutMillis', 'checks'] as const

type Checks = Readonly<Record<string, CheckOutcome>>

/** What is told of one pool, and of several. */
interface Told {
  readonly status: HealthStatus
  readonly timestamp: string
  readonly checks: Checks
  readonly pools?: Readonly<Record<string, { readonly status: HealthStatus; readonly checks: Checks }>>
}

/**
 * Answers a probe: 200 for `healthy` and `warning`, 503 with Retry-After for `unhealthy`. Liveness is unhealthy when a pool has ended, for
 * good; readiness is what `health()` says. Who asks readiness while it is being found out gets the same answer, so that probes
 * cannot crowd a pool. Whoever can reach the handler can read it.
 * @throws SLUICE_BAD_OPTION
 */
export function healthHandler(
  pools: LivePool | NamedPools<LivePool>,
  options: LivenessOptions,
  surroundings?: HealthHandlerSurroundings,
): Handler
export function healthHandler(
  pools: Source | NamedSources,
  options: ReadinessOptions,
  surroundings?: HealthHandlerSurroundings,
): Handler
export function healthHandler(
  pools: LivePool | NamedPools<LivePool> | Source | NamedSources,
  options: LivenessOptions | ReadinessOptions,
  { clock = systemClock }: HealthHandlerSurroundings = {},
): Handler {
  const given = readOptions(options, 'healthHandler()', ['probe', 'timeoutMillis', 'checks', 'detail'])
  const probe = readWord(given, 'probe', ['liveness', 'readiness'])
  const detail = readBoolean(given, 'detail') ?? true
  switch (probe) {
    case undefined:
      throw new SluiceError('SLUICE_BAD_OPTION', "healthHandler() takes a probe: 'liveness' or 'readiness'")
    case 'liveness': {
      const idle = NO_OPTION_OF_LIVENESS.find((name) => given[name] !== undefined)
      if (idle !== undefined)
        throw new SluiceError('SLUICE_BAD_OPTION', `${idle} is for readiness: liveness asks nobody`)
      const look = liveness(pools as LivePool | NamedPools<LivePool>, clock)
      return reading(async () => answer(look(), detail))
    }
    case 'readiness': {
      const look = readiness(pools as Source | NamedSources, options as ReadinessOptions, clock)
      return reading(async () => answer(await look(), detail))
    }
  }
}

function liveness(asked: LivePool | NamedPools<LivePool>, clock: Clock): () => Told {
  const pools = readPools<LivePool>(asked, 'healthHandler()', ['stats'])
  return () => {
    const checks = Object.fromEntries([...pools].map(([name, pool]) => [name, aliveCheck(pool)]))
    const status = worst(Object.values(checks).map((check) => check.status))
    return { status, timestamp: new Date(clock.epoch()).toISOString(), checks }
  }
}

/** A pool that is ending still serves whom it has. */
function aliveCheck(pool: LivePool): CheckOutcome {
  const { state } = pool.stats()
  return { status: state === 'ended' ? 'unhealthy' : 'healthy', message: `the pool is ${state}` }
}

function readiness(
  asked: Source | NamedSources,
  { timeoutMillis, checks }: ReadinessOptions,
  clock: Clock,
): () => Promise<Told> {
  // Said when the handler is made rather than to the first probe.
  readPools<Source>(asked, 'healthHandler()', ['query', 'stats', 'settings', 'connections', 'statements'])
  readHealthOptions({ timeoutMillis, checks }, 'healthHandler()')
  let running: Promise<Told> | undefined
  return () => {
    running ??= health(asked as NamedSources, { timeoutMillis, checks }, { clock })
      .then(told)
      .finally(() => {
        running = undefined
      })
    return running
  }
}

/** What is for a probe: neither the statistics nor the advice. */
function told(report: Health | PoolsHealth): Told {
  const { status, timestamp, checks } = report
  if (!('pools' in report)) return { status, timestamp, checks }
  const each = ([name, pool]: [string, Health]) =>
    [name, { status: pool.status, checks: pool.checks }] as const
  return { status, timestamp, checks, pools: Object.fromEntries(Object.entries(report.pools).map(each)) }
}

function answer(found: Told, detail: boolean): Response {
  const body = detail ? found : { status: found.status }
  const sick = found.status === 'unhealthy'
  return Response.json(body, {
    status: sick ? 503 : 200,
    headers: sick ? { 'retry-after': RETRY_AFTER } : {},
  })
}
