/** The options of the Postgres pool: pg-pool's with pg-pool's meaning, Sluice's own, and the client's, which pass through. */
import { SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import { readBoolean, readFunction, readMillis, readNumber, readString, readWord } from '../base/options.ts'
import type { PoolOptions, Settings } from '../core/options.ts'
import { readPoolOptions } from '../core/options.ts'
import type { Endpoint, EndpointTold } from '../profiles/endpoint.ts'
import { readEndpoint, TRANSACTION_DEFAULTS } from '../profiles/endpoint.ts'
import type { ProfileName } from '../profiles/profiles.ts'
import { PROFILE_NAMES, withProfile } from '../profiles/profiles.ts'
import type { BreakerOptions, BreakerSettings } from '../resilience/breaker.ts'
import { readBreaker } from '../resilience/breaker.ts'
import type { RetryOptions, RetrySettings } from '../resilience/retry.ts'
import { readRetry } from '../resilience/retry.ts'
import type { Classify } from './classify.ts'
import type { Client, ClientClass, PgPoolConfig } from './driver.ts'
import type { EchoLine } from './echo.ts'
import type { TargetSessionAttrs } from './fitness.ts'
import { meantBy } from './foreign.ts'

/** How heavy a statement is; sets its default priority and its timeout (`classTimeouts`). */
export type StatementClass = 'simple' | 'moderate' | 'complex' | 'analytical'

/** Options of {@link Pool}. All times in milliseconds unless their name says otherwise. */
export interface PoolConfig
  extends Omit<PgPoolConfig, 'onConnect' | 'verify' | 'Client' | keyof PoolOptions>,
    Omit<PoolOptions, 'idleTimeoutMillis' | 'limitedShare' | 'sharedDepth'> {
  /**
   * Defaults that fit a kind of process: `'persistent'`, `'serverless'`, `'edge'` or `'high-performance'` (docs/configuration.md).
   * Every option that is given wins over it. Default: none, and the defaults of pg-pool.
   */
  profile?: ProfileName | undefined
  /**
   * How long one open may take, TLS, authentication and `onConnect` included; default 10,000. Given alone it bounds the wait
   * for a connection too, as in pg-pool. 0 is the default.
   */
  connectionTimeoutMillis?: number | undefined
  /** How long a caller waits for a connection. Default `connectionTimeoutMillis` where that is given, else 30,000. */
  acquireTimeoutMillis?: number | undefined
  /** Closes connections idle for longer, down to `min`. 0 or null is never; default 10,000. */
  idleTimeoutMillis?: number | null | undefined
  /** pg-pool's name for `maxLifetimeMillis`, in seconds. */
  maxLifetimeSeconds?: number | undefined
  /** Server-side limit for every statement, sent when the connection opens. 1 or more; default none. */
  statementTimeout?: number | undefined
  /** Server-side limit for a lock wait, sent when the connection opens. 1 or more; default none. */
  lockTimeout?: number | undefined
  /**
   * Limit for a transaction that does nothing. Sent to the server when the connection opens, and kept by the pool too: it rolls
   * back, and takes the connection back from its holder. 1 or more; default none.
   */
  idleInTransactionTimeout?: number | undefined
  /** How long `query()` waits for an answer before it cancels the statement. 1 or more; default none. */
  queryTimeout?: number | undefined
  /** Timeouts by statement class, for calls that name one. Default simple 5,000, moderate 30,000, complex 60,000, analytical 300,000. */
  classTimeouts?: Partial<Record<StatementClass, number>> | undefined
  /** How many statements `parallel()` runs at once where the call does not say. 1 to 10,000; default `max`. */
  parallelQueries?: number | undefined
  /** Closes the connection after any SQL error in `query()`, as pg-pool does. Default false. */
  discardOnError?: boolean | undefined
  /** A connection string around any pooler, for `listen()` and `lease({ endpoint: 'direct' })`: three connections at most. Default: the pool's own endpoint. */
  directConnectionString?: string | undefined
  /** Shown as `application_name` by the server. */
  applicationName?: string | undefined
  /**
   * Where the connection string leads: `'direct'` and `'session'` keep a session for each connection, `'transaction'` is a pooler
   * that does not, and cannot carry lanes, prepared statements or session work; `max` is then 5 and `idleTimeoutMillis` 5,000 unless
   * said otherwise. Default `'auto'`: told by the address, else asked once (docs/endpoints.md).
   */
  endpoint?: Endpoint | 'auto' | undefined
  /**
   * False where the pooler lends sessions by the statement (PgBouncer's statement mode): `transaction()` and `batch()` are refused
   * with what to do instead. Default true.
   */
  transactions?: boolean | undefined
  /**
   * Lets short statements of many callers share connections (docs/lanes.md). Default: where the endpoint carries it, and nobody
   * listens to `acquire`; `true` also beside such a listener; `false` never.
   */
  pipelining?: boolean | undefined
  /** Statements under way on one shared connection at most. 1 to 10,000; default 1,000. */
  laneDepth?: number | undefined
  /** How long a statement may keep those behind it on a shared connection waiting before it is ended. 1 or more; default 5,000. */
  laneStallMillis?: number | undefined
  /** The part of `max` that slow statements of `query()` may hold together, at least one slot. 0.01 to 1; default 0.9. */
  slowShare?: number | undefined
  /** Prepares statements of `query()` that are repeated, once a connection. Default: where the endpoint carries it. */
  prepare?: boolean | undefined
  /** Statements that one connection keeps prepared for `query()`. 0 to 10,000; default 100. */
  preparedStatementCacheSize?: number | undefined
  /**
   * Lets the results of prepared statements come in binary where every column is of a type that loses nothing by it (bool, bytea,
   * int2, int4, int8, oid, float8, uuid, text types, json, jsonb) and is read as pg reads it. Values are the same either way. Default false.
   */
  binaryResults?: boolean | undefined
  /**
   * Silence on a connection whose statement is not answered, from which on the server's address is asked whether anybody is there;
   * where nobody is, the connection is cut and its callers told. 0 is never; default 10,000.
   */
  silenceTimeoutMillis?: number | undefined
  /**
   * Which server the pool needs: `'read-write'` refuses to open connections to one that takes no writes, and tries again;
   * `'any'` does not care. Default: connections to a server that took writes are replaced once it turns read-only.
   */
  targetSessionAttrs?: TargetSessionAttrs | undefined
  /** Decides what becomes of the connections after an error of the server: gets the error, and what Sluice would do. */
  classify?: Classify | undefined
  /**
   * Runs calls of `query()` and `batch()` again that failed for a passing reason, where that is safe: nothing was sent, the server has
   * undone them, or they are `idempotent`. `true` is three attempts. Default false.
   */
  retry?: boolean | RetryOptions | undefined
  /**
   * Refuses calls at once while the server is away, and lets one through now and then to see whether it is back. `true` opens it
   * when half of 20 calls or more have failed within 10 s, or five opens in a row. Default false.
   */
  circuitBreaker?: boolean | BreakerOptions | undefined
  /**
   * Writes a line for each statement of `query()`, `batch()`, leases and transactions: its text with literals replaced, never a
   * value, and its time. `true` writes to the pool's `log`, or to stderr without one; a function gets the lines. Statements of
   * clients from `connect()` are pg's own and not heard. Default false.
   */
  echo?: boolean | EchoLine | undefined
  /** Answers that `query()` keeps for calls with `cache`, the ones used last. 1 to 1,000,000; default 1,000. */
  cacheSize?: number | undefined
  /** The class that makes clients; any of pg's shape. Default pg's `Client`. */
  Client?: ClientClass | undefined
  /** Runs on every new connection before it is lent. */
  onConnect?: ((client: Client) => unknown) | undefined
  /** Asks about every new connection before its first lease; an error closes it. */
  verify?: ((client: Client, done: (error?: Error) => void) => void) | undefined
}

/** What {@link readConfig} makes of a config. */
export interface ReadConfig {
  readonly profile: ProfileName | undefined
  /** What the engine is made with. */
  readonly core: PoolOptions
  /** The same, complete. */
  readonly settings: Settings
  readonly queryTimeout: number | undefined
  readonly classTimeouts: Readonly<Record<StatementClass, number>>
  readonly parallelQueries: number | undefined
  readonly discardOnError: boolean
  readonly transactions: boolean
  readonly echo: boolean | EchoLine
  readonly directConnectionString: string | undefined
  /** Infinite without one. */
  readonly idleInTransactionMillis: number
  /** Infinite for never. */
  readonly silenceMillis: number
  readonly targetSessionAttrs: TargetSessionAttrs | undefined
  readonly classify: Classify | undefined
  readonly retry: RetrySettings | undefined
  readonly breaker: BreakerSettings | undefined
  readonly onConnect: PoolConfig['onConnect']
  readonly verify: PoolConfig['verify']
  readonly lanes: LaneOptions
  /** What options and address tell of the endpoint. */
  readonly endpoint: EndpointTold
  readonly cacheSize: number
  /** What the client gets besides the caller's own options. */
  readonly client: Readonly<Record<string, unknown>>
}

/** What is said about lanes and the statement cache. */
export interface LaneOptions {
  /** Undefined: unless somebody listens to `acquire`. */
  readonly pipelining: boolean | undefined
  readonly depth: number
  readonly stallMillis: number
  /** Statements that a connection keeps prepared; 0 where none are. */
  readonly prepared: number
  /** `prepare: true` was said: whatever the endpoint is, it is known to carry them. */
  readonly prepareSaid: boolean
  readonly binary: boolean
  /** Options of the client make pg do something of its own around every statement, so that they go its way. */
  readonly plain: boolean
}

const CORE = [
  'max',
  'min',
  'maxOverflow',
  'acquireTimeoutMillis',
  'connectionTimeoutMillis',
  'checkTimeoutMillis',
  'cancelTimeoutMillis',
  'closeTimeoutMillis',
  'endTimeoutMillis',
  'queueLimit',
  'rejectOnFull',
  'fifo',
  'priorityLevels',
  'agents',
  'ageMillis',
  'idleTimeoutMillis',
  'softIdleTimeoutMillis',
  'maxLifetimeMillis',
  'maxUses',
  'evictionRunIntervalMillis',
  'prePing',
  'leakDetectionMillis',
  'allowExitOnIdle',
  'budget',
] as const satisfies readonly (keyof PoolOptions)[]

const OWN = [
  ...CORE,
  'profile',
  'maxLifetimeSeconds',
  'statementTimeout',
  'lockTimeout',
  'idleInTransactionTimeout',
  'queryTimeout',
  'classTimeouts',
  'parallelQueries',
  'discardOnError',
  'directConnectionString',
  'applicationName',
  'onConnect',
  'verify',
  'silenceTimeoutMillis',
  'targetSessionAttrs',
  'classify',
  'retry',
  'circuitBreaker',
  'endpoint',
  'pipelining',
  'laneDepth',
  'laneStallMillis',
  'slowShare',
  'prepare',
  'preparedStatementCacheSize',
  'binaryResults',
  'cacheSize',
  'transactions',
  'echo',
]

/** Options of the client that look like ours, so that they are not taken for misspelt ones. */
const CLIENT = new Set([
  'statement_timeout',
  'query_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'application_name',
  'fallback_application_name',
  'Client',
  'log',
  'Promise',
])

const CLASS_TIMEOUTS: Readonly<Record<StatementClass, number>> = {
  simple: 5_000,
  moderate: 30_000,
  complex: 60_000,
  analytical: 300_000,
}

/** Reads, checks and completes a config. @throws SLUICE_BAD_OPTION naming the option, its value and its range */
export function readConfig(config: PoolConfig): ReadConfig {
  refuseUnknown(config as Given)
  const profile = readWord(config as Given, 'profile', PROFILE_NAMES)
  const endpoint = readEndpoint(config as Given)
  const carries = endpoint.endpoint !== 'transaction'
  const given = profile === undefined ? (config as Given) : withProfile(profile, config as Given, carries)
  const client: Record<string, unknown> = {}
  const startup = (ours: string, theirs: string, value: unknown) => {
    if (value === undefined) return
    if (given[theirs] !== undefined) bad(`${ours} and ${theirs} say the same thing; give one of them`)
    client[theirs] = value
  }
  startup('statementTimeout', 'statement_timeout', readMillis(given, 'statementTimeout', 1))
  startup('lockTimeout', 'lock_timeout', readMillis(given, 'lockTimeout', 1))
  startup(
    'idleInTransactionTimeout',
    'idle_in_transaction_session_timeout',
    readMillis(given, 'idleInTransactionTimeout', 1),
  )
  startup('applicationName', 'application_name', readString(given, 'applicationName'))
  const core = coreOptions(given, endpoint)
  return {
    profile,
    core,
    settings: readPoolOptions(core),
    queryTimeout: readMillis(given, 'queryTimeout', 1),
    classTimeouts: readClassTimeouts(given),
    parallelQueries: readNumber(given, 'parallelQueries', { min: 1, max: 10_000 }),
    discardOnError: readBoolean(given, 'discardOnError') ?? false,
    transactions: readBoolean(given, 'transactions') ?? true,
    echo: readEcho(given),
    directConnectionString: readString(given, 'directConnectionString'),
    idleInTransactionMillis: readMillis(given, 'idleInTransactionTimeout', 1) ?? Number.POSITIVE_INFINITY,
    silenceMillis: (readMillis(given, 'silenceTimeoutMillis') ?? 10_000) || Number.POSITIVE_INFINITY,
    targetSessionAttrs: readWord(given, 'targetSessionAttrs', ['any', 'read-write']),
    classify: readFunction(given, 'classify'),
    retry: readRetry(given.retry),
    breaker: readBreaker(given.circuitBreaker),
    onConnect: readFunction(given, 'onConnect'),
    verify: readFunction(given, 'verify'),
    lanes: readLanes(given, carries),
    endpoint,
    cacheSize: readNumber(given, 'cacheSize', { min: 1, max: 1_000_000 }) ?? 1_000,
    client,
  }
}

function bad(sentence: string): never {
  throw new SluiceError('SLUICE_BAD_OPTION', sentence)
}

function refuseUnknown(given: Given): void {
  for (const name of Object.keys(given)) {
    if (given[name] === undefined || OWN.includes(name) || CLIENT.has(name)) continue
    const meant = meantBy(name, OWN)
    if (meant !== undefined) bad(`${name} is not an option of Sluice; ${meant}`)
  }
}

/** pg-pool's spellings turned into the engine's: 0 and null for "never", seconds, one timeout for two waits. */
function coreOptions(given: Given, { endpoint }: EndpointTold): PoolOptions {
  const core: Record<string, unknown> = {}
  for (const name of CORE) if (given[name] !== undefined) core[name] = given[name]
  const seconds = readNumber(given, 'maxLifetimeSeconds', { min: 0, max: 2_147_483, whole: false })
  if (seconds !== undefined) {
    if (given.maxLifetimeMillis !== undefined)
      bad('maxLifetimeMillis and maxLifetimeSeconds say the same thing; give one of them')
    core.maxLifetimeMillis = seconds * 1_000
  }
  if (given.idleTimeoutMillis === null) core.idleTimeoutMillis = 0
  if (isZero(given.maxUses)) delete core.maxUses
  const connection = readMillis(given, 'connectionTimeoutMillis')
  if (connection === 0) delete core.connectionTimeoutMillis
  else if (connection !== undefined) core.acquireTimeoutMillis ??= connection
  const share = readNumber(given, 'slowShare', { min: 0.01, max: 1, whole: false })
  if (share !== undefined) core.limitedShare = share
  // The pooler has a pool of its own: a second one of the same size would only hold its places.
  if (endpoint === 'transaction') {
    const min = readNumber(given, 'min', { min: 0, max: 1_000_000 }) ?? 0
    core.max ??= Math.max(TRANSACTION_DEFAULTS.max, min)
    core.idleTimeoutMillis ??= TRANSACTION_DEFAULTS.idleTimeoutMillis
  }
  return core as PoolOptions
}

function readEcho(given: Given): boolean | EchoLine {
  const { echo } = given
  if (echo === undefined) return false
  if (typeof echo === 'boolean' || typeof echo === 'function') return echo as boolean | EchoLine
  return bad('echo must be true, false or a function that takes a line')
}

function readLanes(given: Given, carries: boolean): LaneOptions {
  const wanted = readBoolean(given, 'pipelining')
  const said = readBoolean(given, 'prepare')
  const prepare = said ?? carries
  if (wanted === true && !carries)
    bad(
      'pipelining is on and the endpoint is a transaction pooler, which cannot carry it; leave one of them out',
    )
  const prepared = readNumber(given, 'preparedStatementCacheSize', { min: 0, max: 10_000 }) ?? 100
  return {
    pipelining: carries ? wanted : false,
    depth: readNumber(given, 'laneDepth', { min: 1, max: 10_000 }) ?? 1_000,
    stallMillis: readMillis(given, 'laneStallMillis', 1) ?? 5_000,
    prepared: prepare ? prepared : 0,
    prepareSaid: said === true,
    binary: readBoolean(given, 'binaryResults') ?? false,
    plain: Boolean(given.query_timeout) || Boolean(given.binary),
  }
}

function isZero(value: unknown): boolean {
  return value === 0 || value === '0'
}

function readClassTimeouts(given: Given): Readonly<Record<StatementClass, number>> {
  const timeouts = given.classTimeouts ?? {}
  if (typeof timeouts !== 'object') bad('classTimeouts must be an object of milliseconds by statement class')
  const read: Record<string, number> = { ...CLASS_TIMEOUTS }
  for (const name of Object.keys(timeouts)) {
    if (!Object.hasOwn(CLASS_TIMEOUTS, name)) {
      bad(
        `classTimeouts has no class ${JSON.stringify(name)}; the classes are ${Object.keys(CLASS_TIMEOUTS).join(', ')}`,
      )
    }
    read[name] = readMillis(timeouts as Given, name, 1) ?? (read[name] as number)
  }
  return read as Record<StatementClass, number>
}
