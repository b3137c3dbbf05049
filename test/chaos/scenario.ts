/** What a scenario takes and what it brings. */

export type PoolKind = 'sluice' | 'pg'

/** One run of one scenario. */
export interface Run {
  readonly pool: PoolKind
  /** Decides every random choice of the load and of the fault. */
  readonly seed: number
  /** How long the load goes on, the fault included; scenarios with a fault that cannot be shortened may take longer. */
  readonly seconds: number
}

/** What became of the load: one line of the table. */
export interface Row {
  readonly fault: string
  readonly pool: PoolKind
  /** Statements that were answered. */
  readonly answered: number
  /** Statements that failed, by kind; those that their caller gave up are not among them. */
  readonly lost: Readonly<Record<string, number>>
  /** Statements whose caller gave them up. */
  readonly cancelled: number
  /** Statements that were never answered: neither during the load nor within some seconds after it. */
  readonly stuck: number
  /** Writes that failed and may have taken effect. */
  readonly unknown: number
  /** What must not be: acknowledged writes that are missing, writes twice there, or there though they were said not to be sent. */
  readonly wrong: readonly string[]
  readonly longestGapMillis: number
  /** From the end of the fault to the first answer; undefined where none came, or where the fault lasts as long as the load. */
  readonly recoveryMillis: number | undefined
  /** From the end of the fault to the last failure; undefined where none came after it. */
  readonly lastFailureMillis: number | undefined
  /** Most sessions at the server, from pg_stat_activity. */
  readonly sessions: number
  /** Most tries to open a connection within a second, from the fault's begin on. Cancel requests are not among them. */
  readonly connectsPerSecond: number
  /** What only this scenario measures. */
  readonly notes: Readonly<Record<string, number | string>>
}

/** A scenario that this pool cannot run. */
export interface NotRun {
  readonly fault: string
  readonly pool: PoolKind
  readonly notRun: string
}

export type Scenario = (run: Run) => Promise<Row | NotRun>

export function isRow(row: Row | NotRun): row is Row {
  return !('notRun' in row)
}

/** A number of the table, as a test wants it: rows that were not run have none. */
export function rowOf(row: Row | NotRun): Row {
  if (!isRow(row)) throw new Error(`${row.fault} was not run: ${row.notRun}`)
  return row
}
