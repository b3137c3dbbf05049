/** What `sluice doctor` judges by. Times in milliseconds. */
import type { Activity } from '../../monitor/activity.ts'
import type { Finding } from '../../monitor/finding.ts'
import type { Health } from '../../monitor/health.ts'
import type { Draft } from '../../monitor/rank.ts'
import type { Snapshot } from '../../monitor/snapshot.ts'
import type { EndpointFacts } from '../../postgres/knowledge.ts'

/** Everything that was seen; what could not be is empty or `undefined` here and said in `unseen`. */
export interface Facts {
  readonly activity: Activity
  readonly walls: Walls | undefined
  readonly hoards: readonly Hoard[]
  readonly prepared: readonly PreparedTransaction[]
  /** Statements that somebody else has prepared in the session that a transaction pooler lent. */
  readonly strange: number
  readonly age: TransactionAge | undefined
  readonly tables: readonly TableUse[]
  /** What `explain()` says of the statements that cost the server most. */
  readonly explained: readonly Finding[]
  /** How many statements were explained for that. */
  readonly plans: number
  readonly endpoint: EndpointFacts
  readonly health: Health
  readonly configured: Configured
  /** Processes that each make the configured pool. */
  readonly instances: number
  readonly unseen: readonly string[]
}

/** The pool that the environment describes. */
export interface Configured {
  /** As it would be before it has opened anything, at the endpoint that was found; `undefined` where none could be made. */
  readonly snapshot: Snapshot | undefined
  /** What is wrong with it before anybody looks at its numbers. */
  readonly findings: readonly Draft[]
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
