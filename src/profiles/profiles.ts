/** The four profiles: options that fit the life of a process and what its connection string leads to. */
import type { Given } from '../base/options.ts'

/** A kind of process: how long it lives, and how much it asks. */
export type ProfileName = 'persistent' | 'serverless' | 'edge' | 'high-performance'

/** The options that a profile gives; times in milliseconds, undefined is none. */
export interface ProfileOptions {
  readonly min: number
  readonly max: number
  readonly idleTimeoutMillis: number
  readonly softIdleTimeoutMillis: number | undefined
  readonly connectionTimeoutMillis: number
  readonly acquireTimeoutMillis: number
  readonly maxLifetimeMillis: number | undefined
  readonly maxUses: number | undefined
  readonly evictionRunIntervalMillis: number | undefined
  readonly statementTimeout: number
  readonly queryTimeout: number | undefined
  readonly idleInTransactionTimeout: number | undefined
  readonly preparedStatementCacheSize: number | undefined
  readonly binaryResults: boolean | undefined
  readonly pipelining: boolean | undefined
  readonly queueLimit: number
  readonly priorityLevels: number
  readonly parallelQueries: number | undefined
  readonly prePing: number
  readonly allowExitOnIdle: boolean
}

/** What a connection string leads to, as far as a profile cares. */
type Endpoint = 'direct' | 'session' | 'transaction'

/** A profile. */
export interface Profile {
  /** What it is for, in a few words. */
  readonly suits: string
  /** The endpoints that it is made for. */
  readonly endpoints: readonly Endpoint[]
  /** Its options where the endpoint carries prepared statements and lanes. */
  readonly options: ProfileOptions
}

const persistent: ProfileOptions = {
  min: 5,
  max: 20,
  idleTimeoutMillis: 600_000,
  softIdleTimeoutMillis: undefined,
  connectionTimeoutMillis: 10_000,
  acquireTimeoutMillis: 30_000,
  maxLifetimeMillis: 1_800_000,
  maxUses: 7_500,
  evictionRunIntervalMillis: 60_000,
  statementTimeout: 60_000,
  queryTimeout: undefined,
  idleInTransactionTimeout: 120_000,
  preparedStatementCacheSize: undefined,
  binaryResults: true,
  pipelining: undefined,
  queueLimit: 1_000,
  priorityLevels: 3,
  parallelQueries: undefined,
  prePing: 30_000,
  allowExitOnIdle: false,
}

const serverless: ProfileOptions = {
  min: 0,
  max: 10,
  idleTimeoutMillis: 5_000,
  softIdleTimeoutMillis: 3_000,
  connectionTimeoutMillis: 5_000,
  acquireTimeoutMillis: 10_000,
  maxLifetimeMillis: undefined,
  maxUses: undefined,
  evictionRunIntervalMillis: 1_000,
  statementTimeout: 30_000,
  queryTimeout: 25_000,
  idleInTransactionTimeout: undefined,
  preparedStatementCacheSize: 0,
  binaryResults: false,
  pipelining: false,
  queueLimit: 1_000,
  priorityLevels: 3,
  parallelQueries: undefined,
  prePing: 30_000,
  allowExitOnIdle: true,
}

const edge: ProfileOptions = {
  ...serverless,
  max: 3,
  idleTimeoutMillis: 1_000,
  softIdleTimeoutMillis: undefined,
  connectionTimeoutMillis: 3_000,
  acquireTimeoutMillis: 5_000,
  evictionRunIntervalMillis: undefined,
  statementTimeout: 10_000,
  queryTimeout: 8_000,
  queueLimit: 100,
}

const highPerformance: ProfileOptions = {
  ...persistent,
  min: 20,
  max: 100,
  maxLifetimeMillis: undefined,
  maxUses: undefined,
  evictionRunIntervalMillis: undefined,
  queryTimeout: 60_000,
  idleInTransactionTimeout: undefined,
  preparedStatementCacheSize: 100,
  pipelining: true,
  priorityLevels: 10,
  parallelQueries: 4,
}

/** The profiles, by name. */
export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  persistent: {
    suits: 'processes that live for hours or days',
    endpoints: ['session', 'direct'],
    options: persistent,
  },
  serverless: {
    suits: 'processes that live for seconds or minutes and start cold',
    endpoints: ['transaction'],
    options: serverless,
  },
  edge: {
    suits: 'functions that live for less than 30 s with 50 to 128 MB, in many places',
    endpoints: ['transaction'],
    options: edge,
  },
  'high-performance': {
    suits: '100 statements a second and more, answered within 100 ms',
    endpoints: ['session', 'direct'],
    options: highPerformance,
  },
}

/** The names of the profiles. */
export const PROFILE_NAMES = Object.keys(PROFILES) as ProfileName[]

/** Other spellings: whoever uses one has said the option itself. */
export const ALIASES: Readonly<Record<string, string>> = {
  application_name: 'applicationName',
  lock_timeout: 'lockTimeout',
  maxLifetimeSeconds: 'maxLifetimeMillis',
  statement_timeout: 'statementTimeout',
  query_timeout: 'queryTimeout',
  idle_in_transaction_session_timeout: 'idleInTransactionTimeout',
}

/**
 * The options of a profile under those that were given, which win.
 *
 * @param carries whether the endpoint carries lanes and prepared statements; else a profile that would have them on leaves them off
 */
export function withProfile(name: ProfileName, given: Given, carries: boolean): Given {
  const merged: Record<string, unknown> = { ...optionsOf(name, carries) }
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue
    const alias = ALIASES[key]
    if (alias !== undefined) delete merged[alias]
    merged[key] = value
  }
  // Whoever asks for prepared statements wants some to be kept.
  if (given.prepare === true && given.preparedStatementCacheSize === undefined)
    delete merged.preparedStatementCacheSize
  if (Number(given.connectionTimeoutMillis) === 0)
    merged.connectionTimeoutMillis = PROFILES[name].options.connectionTimeoutMillis
  if (given.min === undefined && Number(merged.max) < Number(merged.min)) merged.min = merged.max
  return merged
}

function optionsOf(name: ProfileName, carries: boolean): Given {
  const { options } = PROFILES[name]
  return carries ? { ...options } : { ...options, pipelining: false, binaryResults: false }
}
