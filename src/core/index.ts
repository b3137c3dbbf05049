/** The engine, for pooling something other than Postgres: bring a {@link Driver}. */
export { type Clock, systemClock, type Timer } from '../base/clock.ts'
export {
  type OpenFailure,
  type Phase,
  type PoolNumbers,
  SluiceError,
  type SluiceErrorCode,
} from '../base/errors.ts'
export type { Distribution } from '../base/histogram.ts'
export type { AgentOptions } from './agents.ts'
export { Budget, type BudgetOptions, type BudgetView } from './budget.ts'
export type { CloseReason, Driver, OpenFault, Reusable } from './driver.ts'
export type { EndOptions } from './ending.ts'
export type { Hooks } from './hooks.ts'
export type { Lease } from './lease.ts'
export type { Operation, OperationEnd } from './operation.ts'
export type { AcquireOptions, PoolOptions, PoolSurroundings, Priority } from './options.ts'
export { Pool } from './pool.ts'
export { type Drainable, onShutdown, type ShutdownOptions, type ShutdownSurroundings } from './shutdown.ts'
export type { ConnectionRow, PoolStats, QueueRow } from './stats.ts'
export type { Settle } from './waiter.ts'
