/** The front door: the Postgres pool, in the place of `pg.Pool`. */
export {
  type OpenFailure,
  type Phase,
  type PoolNumbers,
  SluiceError,
  type SluiceErrorCode,
} from './base/errors.ts'
export type { Distribution } from './base/histogram.ts'
export type { AgentOptions } from './core/agents.ts'
export { Budget, type BudgetOptions, type BudgetView } from './core/budget.ts'
export type { CloseReason } from './core/driver.ts'
export type { EndOptions } from './core/ending.ts'
export type { Hooks } from './core/hooks.ts'
export type { Lease } from './core/lease.ts'
export type { Operation, OperationEnd } from './core/operation.ts'
export type { AcquireOptions, Priority } from './core/options.ts'
export { type Drainable, onShutdown, type ShutdownOptions } from './core/shutdown.ts'
export type { PoolStats, QueueRow } from './core/stats.ts'
export type { BatchQuery } from './postgres/batch.ts'
export type { CachedResult } from './postgres/cache/kept.ts'
export type { CacheOptions } from './postgres/cache/rule.ts'
export type { QueryOptions } from './postgres/call.ts'
export type { Classify, Verdict } from './postgres/classify.ts'
export type { PoolConfig, StatementClass } from './postgres/config.ts'
export type { Client, ClientClass } from './postgres/driver.ts'
export type { EchoLine } from './postgres/echo.ts'
export type { LeakReport } from './postgres/events.ts'
export type { TargetSessionAttrs } from './postgres/fitness.ts'
export { globalPools } from './postgres/global-pools.ts'
export type { EndpointFacts } from './postgres/knowledge.ts'
export type { LearnedStatement } from './postgres/lanes/learned.ts'
export type { PoolLease } from './postgres/lease.ts'
export type { ListenOptions, Notification, NotificationHandler } from './postgres/listen.ts'
export type { LeasedClient, LeaseOptions } from './postgres/loans.ts'
export type { PostgresConnection, PostgresStats } from './postgres/pool.ts'
export { Pool } from './postgres/pool.ts'
export {
  createPools,
  type PoolGroup,
  type Pools,
  type PoolsOptions,
  type PoolsStats,
} from './postgres/pools.ts'
export type { PoolSettings } from './postgres/settings.ts'
export type { IsolationLevel, Transaction, TransactionOptions } from './postgres/transaction.ts'
export type { Endpoint, Known, Pooler, PoolMode } from './profiles/endpoint.ts'
export type { Env, EnvironmentName } from './profiles/environments.ts'
export { type Explanation, explainConfig, type Outvoted } from './profiles/explain.ts'
export { type EnvConfig, type EnvOptions, poolConfigFromEnv } from './profiles/from-env.ts'
export type { ProfileName } from './profiles/profiles.ts'
export type { BreakerOptions, BreakerState, BreakerStats } from './resilience/breaker.ts'
export type { RetryOptions } from './resilience/retry.ts'
export type { TrafficName } from './sizing/presets.ts'
