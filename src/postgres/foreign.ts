/** Names that options have in other pools, and what they are here: such a name does nothing with pg, and nobody would be told. */
import { closest } from '../base/options.ts'

/** What another pool's name stands for: an option here and what differs about it, or the reason why there is none. */
interface Meaning {
  readonly option: string | undefined
  readonly note: string | undefined
}

const SECONDS = 'in milliseconds, not in seconds'
const MILLIS = 'in milliseconds'

function all(option: string, note: string | undefined, ...names: string[]): [string, Meaning][] {
  return names.map((name) => [name, { option, note }])
}

function none(note: string, ...names: string[]): [string, Meaning][] {
  return names.map((name) => [name, { option: undefined, note }])
}

/** Their names are written as they are where they come from; how they are spelt otherwise (`maximum_pool_size`) is all the same. */
const FOREIGN: ReadonlyMap<string, Meaning> = new Map([
  ...all('user', undefined, 'username'),
  ...all('password', undefined, 'pass'),
  ...all('max', undefined, 'poolSize', 'maximumPoolSize', 'maxPoolSize', 'maxSize', 'connectionLimit'),
  ...all('max', undefined, 'connection_limit', 'maxConnections', 'maxActive', 'maxTotal', 'pool_size'),
  ...all('min', undefined, 'minimumIdle', 'minIdle', 'minimumPoolSize', 'minPoolSize', 'minConnections'),
  ...all('min', undefined, 'minSize', 'initialSize'),
  ...all('maxOverflow', undefined, 'max_overflow'),
  ...all('queueLimit', undefined, 'maxWaitingClients', 'maxWaitQueueSize', 'maxQueueSize'),
  ...all('acquireTimeoutMillis', SECONDS, 'pool_timeout'),
  ...all('acquireTimeoutMillis', MILLIS, 'acquireConnectionTimeout', 'acquireTimeout', 'queueTimeout'),
  ...all('acquireTimeoutMillis', MILLIS, 'waitQueueTimeout', 'connectionAcquireTimeout', 'maxWait'),
  ...all('acquireTimeoutMillis', MILLIS, 'queueTimeoutMillis'),
  ...all(
    'connectionTimeoutMillis',
    'in milliseconds, and bounds one open; acquireTimeoutMillis is the wait for a connection',
    'connectionTimeout',
  ),
  ...all('connectionTimeoutMillis', SECONDS, 'connect_timeout', 'connectTimeoutSeconds'),
  ...all('connectionTimeoutMillis', MILLIS, 'createTimeout', 'connectTimeout', 'openTimeout'),
  ...all('connectionTimeoutMillis', MILLIS, 'createTimeoutMillis', 'connectTimeoutMillis'),
  ...all('idleTimeoutMillis', SECONDS, 'idle_timeout', 'maxIdleTimeSeconds'),
  ...all('idleTimeoutMillis', MILLIS, 'idleTimeout', 'maxIdleTime'),
  ...all('maxLifetimeMillis', SECONDS, 'max_lifetime', 'pool_recycle'),
  ...all('maxLifetimeMillis', MILLIS, 'maxLifetime', 'maxConnectionAge'),
  ...all('prePing', undefined, 'pool_pre_ping', 'testOnBorrow'),
  ...all('checkTimeoutMillis', MILLIS, 'validationTimeout'),
  ...all('leakDetectionMillis', MILLIS, 'leakDetectionThreshold'),
  ...all('keepAliveInitialDelayMillis', 'in milliseconds', 'keepaliveTime'),
  ...all('onConnect', 'a function that gets the client', 'connectionInitSql', 'afterCreate', 'connectHook'),
  ...all('evictionRunIntervalMillis', MILLIS, 'reapInterval', 'reapIntervalMillis'),
  ...all('closeTimeoutMillis', MILLIS, 'destroyTimeout', 'destroyTimeoutMillis'),
  ...all('endTimeoutMillis', MILLIS, 'gracefulTerminationTimeout', 'shutdownTimeout'),
  ...all('laneDepth', undefined, 'max_pipeline'),
  ...all('preparedStatementCacheSize', undefined, 'statement_cache_size'),
  ...all('queryTimeout', SECONDS, 'socket_timeout', 'command_timeout'),
  ...all('idleInTransactionTimeout', MILLIS, 'idleInTransactionSessionTimeout'),
  ...all('priorityLevels', undefined, 'priorityRange'),
  ...all('applicationName', undefined, 'poolName'),
  ...all('retry', 'an object: { attempts }', 'queryRetryLimit', 'connectionRetryLimit'),
  ...none('the connection used last is always lent first; leave it out', 'pool_use_lifo'),
  ...none('callers always wait; queueLimit: 0 turns them away', 'waitForConnections'),
  ...none(
    'opens are tried again by themselves, after pauses that grow; leave it out',
    'createRetryIntervalMillis',
    'createRetryInterval',
    'propagateCreateError',
  ),
])

/** A unit at the end of a name. */
const UNIT = /(?<base>.*[^_])_?(?<unit>ms|millis|milliseconds|sec|secs|seconds)$/i

function fold(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

/**
 * What is wrong with an option that nobody here knows: a clause with the name that was meant, where one can be told.
 *
 * @param own the options that there are
 */
export function meantBy(name: string, own: readonly string[]): string | undefined {
  const meaning = FOREIGN.get(name) ?? folded(name) ?? unitless(name, own)
  if (meaning === undefined) {
    const option = closest(name, own)
    return option && `did you mean ${option}?`
  }
  const { option, note } = meaning
  if (option === undefined) return note
  return `did you mean ${option}?${note === undefined ? '' : ` It is ${note}`}`
}

function folded(name: string): Meaning | undefined {
  const plain = fold(name)
  for (const [theirs, meaning] of FOREIGN) if (fold(theirs) === plain) return meaning
  return undefined
}

/** `idleTimeoutMs`, `statementTimeoutMillis`: an option, but for how its unit is written. */
function unitless(name: string, own: readonly string[]): Meaning | undefined {
  const { base, unit = '' } = UNIT.exec(name)?.groups ?? {}
  if (base === undefined) return undefined
  const note = /^m/i.test(unit) ? MILLIS : SECONDS
  const plain = fold(base)
  const option = own.find((one) => fold(one) === plain || fold(one) === `${plain}millis`)
  const meaning = option === undefined ? (FOREIGN.get(base) ?? folded(base)) : { option, note }
  if (meaning?.option === undefined) return undefined
  return { option: meaning.option, note: meaning.note === undefined ? undefined : note }
}
