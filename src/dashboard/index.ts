/** A page that shows pools live. */
export type { Dashboard, DashboardSurroundings } from './dashboard.ts'
export { dashboard } from './dashboard.ts'
export type {
  ClassFrame,
  EventFrame,
  Frame,
  Hello,
  History,
  PoolFrame,
  SlotFrame,
  Slow,
  SlowPoolFrame,
  StatementFrame,
} from './frame.ts'
export type { DashboardOptions } from './options.ts'
export type { DashboardConnection, DashboardPool, DashboardStats } from './pool.ts'
