/** What `sluice doctor` judges by. Times in milliseconds. */
import type { Activity } from '../../monitor/activity.ts'
import type { Finding } from '../../monitor/finding.ts'

/** Everything that was seen; what could not be is empty or `undefined` here and said in `unseen`. */
export interface Facts {
  readonly activity: Activity
  readonly walls: Walls | undefined
  /** Sessions of this role and of this database, over the whole server. */
  readonly crowds: { readonly role: number; readonly database: number } | undefined
  readonly hoards: readonly Hoard[]
  readonly prepared: readonly PreparedTransaction[]
  readonly age: TransactionAge | undefined
  readonly tables: readonly TableUse[]
  /** What `explain()` says of the statements that cost the server most. */
  readonly explained: readonly Finding[]
  /** What is wrong with the pool that the environment describes. */
  readonly configured: readonly Finding[]
  readonly unseen: readonly string[]
}

/** What the server ends by itself in a new session of this role; 0 is never. */
export interface Walls {
  readonly role: string
  readonly statement: number
  readonly idleInTransaction: number
}

/** Sessions of one application that have done nothing for a while. */
export interface Hoard {
  readonly application: string
  readonly role: string
  readonly sessions: number
  /** How long the one that worked last has been idle. */
  readonly idleMillis: number
}

/** A transaction that was prepared and neither committed nor rolled back. */
export interface PreparedTransaction {
  readonly name: string
  readonly owner: string
  readonly database: string
  readonly ageMillis: number
}

/** How far the oldest row of a database is behind the newest transaction number. */
export interface TransactionAge {
  readonly database: string
  readonly transactions: number
}

/** What the statistics say of a table. */
export interface TableUse {
  readonly schema: string
  readonly name: string
  readonly rows: number
  readonly dead: number
  readonly sequentialScans: number
  /** Rows read by all of these scans. */
  readonly sequentialRows: number
  readonly indexScans: number
  /** Whether it was ever vacuumed or analysed. */
  readonly tended: boolean
}
