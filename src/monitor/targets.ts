/** The targets of a pool and its server, and the values beyond which there is an alert: one table, for health, advice and doctor alike. */

/** Percent, milliseconds and counts, as their names say; `target` and `alert` are what a value stays below. */
export const TARGETS = {
  /** Percent of `max`, on average and at any moment; the alert is for what lasts. */
  utilization: { target: 70, peak: 90, alert: 80, alertAfterMillis: 300_000 },
  /** Milliseconds to get a connection, on average. */
  wait: { target: 10, alert: 50 },
  /** Acquire timeouts a minute. */
  timeouts: { target: 0, alert: 1 },
  /** Percent of `maxOverflow`. */
  overflow: { target: 50, alert: 80 },
  /** Sessions idle in a transaction. */
  idlers: { target: 0, alert: 5 },
  /** Milliseconds of the statement that runs for longest. */
  statement: { target: 5_000, alert: 30_000 },
  /** Callers that wait. */
  queue: { target: 0, alert: 100 },
  /** Percent of the acquires that get a connection which had been used before: what it stays above. */
  reuse: { target: 95, alert: 90 },
  /** The part of the server's sessions that are taken. */
  sessions: { alert: 0.8 },
} as const

/** What runs for longer is counted by itself: five minutes. */
export const LONG_STATEMENT_MILLIS = 300_000

/** What a transaction may do nothing for, and what `idleInTransactionTimeout` is proposed to be. */
export const IDLE_IN_TRANSACTION_MILLIS = 60_000

/** What a lock may be waited for, and what `lockTimeout` is proposed to be. */
export const LOCK_TIMEOUT_MILLIS = 10_000

/** A mean of fewer acquires is that of the first opens. */
export const FEWEST_ACQUIRES = 20

/** The first use of a connection is no reuse: before so many acquires, and {@link USES_A_SLOT}, the share says nothing. */
export const FEWEST_FOR_REUSE = 100
/** Acquires for each slot. */
export const USES_A_SLOT = 20
