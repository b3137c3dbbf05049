import { expect, test } from 'vitest'
import { SluiceError } from '../base/errors.ts'
import { readConfig } from './config.ts'

/** What is said when an option is refused. */
function refusal(name: string): string {
  try {
    readConfig({ [name]: 1 })
  } catch (error) {
    if (SluiceError.is(error, 'SLUICE_BAD_OPTION')) return error.message
    throw error
  }
  return 'it was taken'
}

const MILLIS = ' It is in milliseconds'
const SECONDS = ' It is in milliseconds, not in seconds'

test.each([
  // HikariCP
  ['maximumPoolSize', 'max', ''],
  ['minimumIdle', 'min', ''],
  ['leakDetectionThreshold', 'leakDetectionMillis', MILLIS],
  ['keepaliveTime', 'keepAliveInitialDelayMillis', MILLIS],
  ['validationTimeout', 'checkTimeoutMillis', MILLIS],
  ['connectionInitSql', 'onConnect', ' It is a function that gets the client'],
  ['maxLifetime', 'maxLifetimeMillis', MILLIS],
  ['idleTimeout', 'idleTimeoutMillis', MILLIS],
  ['poolName', 'applicationName', ''],
  [
    'connectionTimeout',
    'connectionTimeoutMillis',
    ' It is in milliseconds, and bounds one open; acquireTimeoutMillis is the wait for a connection',
  ],
  // postgres.js
  ['idle_timeout', 'idleTimeoutMillis', SECONDS],
  ['connect_timeout', 'connectionTimeoutMillis', SECONDS],
  ['max_lifetime', 'maxLifetimeMillis', SECONDS],
  ['max_pipeline', 'laneDepth', ''],
  // SQLAlchemy
  ['pool_size', 'max', ''],
  ['max_overflow', 'maxOverflow', ''],
  ['pool_timeout', 'acquireTimeoutMillis', SECONDS],
  ['pool_recycle', 'maxLifetimeMillis', SECONDS],
  ['pool_pre_ping', 'prePing', ''],
  // Prisma, mysql
  ['connection_limit', 'max', ''],
  ['connectionLimit', 'max', ''],
  ['statement_cache_size', 'preparedStatementCacheSize', ''],
  // knex, tarn, generic-pool
  ['acquireTimeout', 'acquireTimeoutMillis', MILLIS],
  ['acquireConnectionTimeout', 'acquireTimeoutMillis', MILLIS],
  ['createTimeoutMillis', 'connectionTimeoutMillis', MILLIS],
  ['reapIntervalMillis', 'evictionRunIntervalMillis', MILLIS],
  ['destroyTimeoutMillis', 'closeTimeoutMillis', MILLIS],
  ['maxWaitingClients', 'queueLimit', ''],
  // and whatever else people write
  ['maxConnections', 'max', ''],
  ['minConnections', 'min', ''],
  ['maxPoolSize', 'max', ''],
  ['minPoolSize', 'min', ''],
  ['maximum_pool_size', 'max', ''],
  ['acquireTimeoutMs', 'acquireTimeoutMillis', MILLIS],
  ['idleTimeoutMs', 'idleTimeoutMillis', MILLIS],
  ['idleTimeoutSeconds', 'idleTimeoutMillis', SECONDS],
  ['connectionTimeoutMs', 'connectionTimeoutMillis', MILLIS],
  ['maxLifetimeMs', 'maxLifetimeMillis', MILLIS],
  ['max_lifetime_ms', 'maxLifetimeMillis', MILLIS],
  ['statementTimeoutMillis', 'statementTimeout', MILLIS],
  ['queryTimeoutMillis', 'queryTimeout', MILLIS],
  ['query_timeout_seconds', 'queryTimeout', SECONDS],
  ['queueTimeout', 'acquireTimeoutMillis', MILLIS],
  ['queueTimeoutMs', 'acquireTimeoutMillis', MILLIS],
])('another pool’s %s is refused with %s and its unit', (theirs, ours, unit) => {
  expect(refusal(theirs)).toBe(`${theirs} is not an option of Sluice; did you mean ${ours}?${unit}`)
})

test.each([
  ['pool_use_lifo', 'the connection used last is always lent first; leave it out'],
  ['waitForConnections', 'callers always wait; queueLimit: 0 turns them away'],
  ['createRetryIntervalMillis', 'opens are tried again by themselves, after pauses that grow; leave it out'],
])('%s, for which there is nothing here, is refused with the reason', (name, reason) => {
  expect(refusal(name)).toBe(`${name} is not an option of Sluice; ${reason}`)
})

test.each([
  ...['keepAlive', 'keepAliveInitialDelayMillis', 'statement_timeout', 'query_timeout', 'lock_timeout'],
  ...['idle_in_transaction_session_timeout', 'application_name', 'fallback_application_name', 'options'],
  ...['ssl', 'sslnegotiation', 'client_encoding', 'replication', 'binary', 'types', 'stream', 'connection'],
  ...['enableChannelBinding', 'scramMaxIterations', 'pipeline', 'user', 'host', 'port', 'flavour'],
])('pg’s own %s passes, and so does what nobody knows', (name) => {
  expect(refusal(name)).toBe('it was taken')
})
