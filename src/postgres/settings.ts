/** The effective options of a pool, for advice and for people: what was given, completed with every default, without secrets. */

import type { Endpoint } from '../profiles/endpoint.ts'
import type { ProfileName } from '../profiles/profiles.ts'
import type { PoolConfig, ReadConfig, StatementClass } from './config.ts'
import type { TargetSessionAttrs } from './fitness.ts'
import type { EndpointFacts } from './knowledge.ts'

/** {@link PoolConfig} as it took effect. Milliseconds; `undefined` is never, none or no limit. */
export interface PoolSettings {
  readonly profile: ProfileName | undefined
  readonly endpoint: Endpoint
  /** Whether there is a `directConnectionString`. */
  readonly hasDirect: boolean
  readonly applicationName: string | undefined
  /** As it is now, after `resize()`. */
  readonly max: number
  readonly min: number
  readonly maxOverflow: number
  readonly acquireTimeoutMillis: number
  readonly connectionTimeoutMillis: number
  readonly queueLimit: number | undefined
  readonly rejectOnFull: boolean
  readonly fifo: boolean
  readonly priorityLevels: number
  readonly parallelQueries: number
  readonly idleTimeoutMillis: number | undefined
  readonly softIdleTimeoutMillis: number | undefined
  readonly maxLifetimeMillis: number | undefined
  readonly maxUses: number | undefined
  readonly evictionRunIntervalMillis: number
  /** 0 is before every use. */
  readonly prePingMillis: number | undefined
  readonly silenceTimeoutMillis: number | undefined
  readonly leakDetectionMillis: number | undefined
  readonly allowExitOnIdle: boolean
  /** TCP keep-alive. */
  readonly keepAlive: boolean
  readonly statementTimeout: number | undefined
  readonly lockTimeout: number | undefined
  readonly idleInTransactionTimeout: number | undefined
  readonly queryTimeout: number | undefined
  readonly classTimeouts: Readonly<Record<StatementClass, number>>
  /** `'auto'`: unless somebody listens to `acquire`. `true` is what was asked for, also where `endpoint` is now known not to carry it. */
  readonly pipelining: boolean | 'auto'
  /** Statements that a connection keeps prepared; 0 where none are. */
  readonly preparedStatements: number
  /** Whether `endpoint`, as it is known now, leads a prepared statement back to its session for certain. */
  readonly carriesPrepared: boolean
  readonly binaryResults: boolean
  readonly slowShare: number
  readonly targetSessionAttrs: TargetSessionAttrs | undefined
  readonly retries: boolean
  readonly circuitBreaker: boolean
}

/** What is read besides the options themselves. */
export interface SettingsSource {
  readonly config: ReadConfig
  /** The client's options. */
  readonly options: Readonly<Record<string, unknown>>
  /** As it is known now. */
  readonly endpoint: EndpointFacts
  readonly carriesPrepared: boolean
  readonly size: { readonly max: number; readonly min: number }
}

/** Reads {@link PoolSettings}. */
export function settingsOf(source: SettingsSource): PoolSettings {
  const { carriesPrepared, config, endpoint, options, size } = source
  const { settings, lanes } = config
  const isOff = !endpoint.lanes && lanes.pipelining === undefined
  return Object.freeze({
    profile: config.profile,
    endpoint: endpoint.endpoint,
    hasDirect: config.directConnectionString !== undefined,
    applicationName: textOf(options.application_name),
    ...size,
    maxOverflow: settings.maxOverflow,
    acquireTimeoutMillis: settings.acquireTimeoutMillis,
    connectionTimeoutMillis: settings.connectionTimeoutMillis,
    queueLimit: finite(settings.queueLimit),
    rejectOnFull: settings.rejectOnFull,
    fifo: settings.fifo,
    priorityLevels: settings.priorityLevels,
    parallelQueries: config.parallelQueries ?? size.max,
    ...lifetimes(config),
    allowExitOnIdle: settings.allowExitOnIdle,
    keepAlive: options.keepAlive === undefined ? options.stream === undefined : options.keepAlive === true,
    ...timeouts(config, options),
    pipelining: isOff ? false : (lanes.pipelining ?? 'auto'),
    preparedStatements: endpoint.preparedStatements ? lanes.prepared : 0,
    carriesPrepared,
    binaryResults: lanes.binary,
    slowShare: settings.limitedShare,
    targetSessionAttrs: config.targetSessionAttrs,
    retries: config.retry !== undefined,
    circuitBreaker: config.breaker !== undefined,
  })
}

function lifetimes({ settings, silenceMillis }: ReadConfig) {
  return {
    idleTimeoutMillis: finite(settings.idleTimeoutMillis),
    softIdleTimeoutMillis: finite(settings.softIdleTimeoutMillis),
    maxLifetimeMillis: finite(settings.maxLifetimeMillis),
    maxUses: finite(settings.maxUses),
    evictionRunIntervalMillis: settings.evictionRunIntervalMillis,
    prePingMillis: finite(settings.prePingMillis),
    silenceTimeoutMillis: finite(silenceMillis),
    leakDetectionMillis: settings.leakDetectionMillis || undefined,
  }
}

/** The limits that the server keeps may be given under pg's names as well. */
function timeouts({ classTimeouts, queryTimeout }: ReadConfig, options: SettingsSource['options']) {
  return {
    statementTimeout: millisOf(options.statement_timeout),
    lockTimeout: millisOf(options.lock_timeout),
    idleInTransactionTimeout: millisOf(options.idle_in_transaction_session_timeout),
    queryTimeout: queryTimeout ?? millisOf(options.query_timeout),
    classTimeouts: Object.freeze({ ...classTimeouts }),
  }
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined
}

/** pg takes 0, false and null for none. */
function millisOf(value: unknown): number | undefined {
  return Number(value) > 0 ? Number(value) : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
