/** The Postgres pool and what a caller of it needs. */
export {
  type OpenFailure,
  type Phase,
  type PoolNumbers,
  SluiceError,
  type SluiceErrorCode,
} from '../base/errors.ts'
export type { Distribution } from '../base/histogram.ts'
export type { AgentOptions } from '../core/agents.ts'
export type { CloseReason } from '../core/driver.ts'
export type { EndOptions } from '../core/ending.ts'
export type { Hooks } from '../core/hooks.ts'
export type { Lease } from '../core/lease.ts'
export type { AcquireOptions, Priority } from '../core/options.ts'
export { type Drainable, onShutdown, type ShutdownOptions } from '../core/shutdown.ts'
export type { PoolStats } from '../core/stats.ts'
export type { BreakerOptions, BreakerState, BreakerStats } from '../resilience/breaker.ts'
export type { RetryOptions } from '../resilience/retry.ts'
export type { BatchQuery } from './batch.ts'
export type { CachedResult } from './cache/kept.ts'
export type { CacheOptions } from './cache/rule.ts'
export type { QueryOptions } from './call.ts'
export type { Classify, Verdict } from './classify.ts'
export type { PoolConfig, StatementClass } from './config.ts'
export type { Client, ClientClass } from './driver.ts'
export type { Endpoint, Known, Pooler, PoolMode } from './endpoint.ts'
export type { LeakReport } from './events.ts'
export type { TargetSessionAttrs } from './fitness.ts'
export type { EndpointFacts } from './knowledge.ts'
export type { PoolLease } from './lease.ts'
export type { ListenOptions, Notification, NotificationHandler } from './listen.ts'
export type { LeasedClient, LeaseOptions, PostgresConnection, PostgresStats } from './pool.ts'
export { Pool } from './pool.ts'
export type { IsolationLevel, Transaction, TransactionOptions } from './transaction.ts'
