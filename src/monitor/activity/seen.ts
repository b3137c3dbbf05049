/** What was seen of the sessions at the server. */

/** One session of a client. What the role may not see of it is `undefined`; times are in milliseconds. */
export interface Session {
  readonly pid: number
  readonly database: string | undefined
  readonly role: string | undefined
  readonly application: string
  /** As Postgres names it: `active`, `idle`, `idle in transaction`, … */
  readonly state: string | undefined
  /** How long it has been in that state. */
  readonly stateMillis: number | undefined
  /** How long its transaction is open. */
  readonly transactionMillis: number | undefined
  /** How long the running statement runs. */
  readonly statementMillis: number | undefined
  /** The running statement, else the last one; its literals are replaced. */
  readonly statement: string | undefined
  /** Whether it is one of the pool that asked. Through a pooler that cannot be told, and is false. */
  readonly own: boolean
}

/** A session that waits for a lock. */
export interface Blocked {
  readonly session: Session
  readonly waitingMillis: number | undefined
  /** Who blocks it. 0 stands for a prepared transaction. */
  readonly by: readonly number[]
  /** From itself to the one at the head, who waits for nobody: the first of those who block, each time. */
  readonly chain: readonly number[]
  /** The one at the head of the chain; `undefined` for a prepared transaction, and for one that has gone meanwhile. */
  readonly root: Session | undefined
}

/** Sessions of one application name. */
export interface ApplicationSessions {
  readonly application: string
  readonly total: number
  readonly active: number
  readonly idle: number
  readonly idleInTransaction: number
}

/** How many sessions there may be. `undefined` is no limit. */
export interface Limits {
  /** Of the whole server. */
  readonly maxConnections: number
  readonly superuserReserved: number
  /** For roles with pg_use_reserved_connections: Postgres 16 and later, else 0. */
  readonly reserved: number
  readonly databaseLimit: number | undefined
  readonly roleLimit: number | undefined
}

/** Server-side time limits of this session, in milliseconds; `undefined` is none. */
export interface ServerTimeouts {
  readonly statement: number | undefined
  readonly lock: number | undefined
  readonly idleInTransaction: number | undefined
  /** Postgres 14 and later. */
  readonly idleSession: number | undefined
  /** Postgres 17 and later. */
  readonly transaction: number | undefined
}

/** What `activity()` found. Sessions are counted over all databases of the server. */
export interface Activity {
  readonly server: { readonly version: string; readonly versionNumber: number; readonly replica: boolean }
  /** The one that connected. */
  readonly role: string
  readonly database: string
  readonly limits: Limits
  readonly timeouts: ServerTimeouts
  /** What `ALTER ROLE … SET` and `ALTER DATABASE … SET` say about time limits: `statement_timeout=30s`. */
  readonly roleSettings: readonly string[]
  readonly total: number
  /** With a statement that runs; the one that asked is not counted. */
  readonly active: number
  readonly idle: number
  readonly idleInTransaction: number
  /** Sessions of the pool that asked. */
  readonly own: number
  /** Sessions of this role, and in this database: what their connection limits count. */
  readonly ofRole: number
  readonly ofDatabase: number
  /** Sessions whose state the role may not see; they are in `total` only. */
  readonly hidden: number
  /** Most sessions first. */
  readonly byApplication: readonly ApplicationSessions[]
  /** The one that runs for longest, this question aside. */
  readonly longest: Session | undefined
  /** Statements that run for more than 300,000 ms, the longest first. */
  readonly overFiveMinutes: readonly Session[]
  /** Sessions idle in a transaction, the longest first. */
  readonly idlers: readonly Session[]
  /** Sessions that wait for a lock, the longest wait first. */
  readonly blocked: readonly Blocked[]
  /** What the role could not see, a sentence each. */
  readonly unseen: readonly string[]
}
