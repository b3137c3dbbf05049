/** What is said of one statement, command or request that runs through a pool. */

/** One statement, command or request that a caller asked for. Its texts hold no literal and no bound value; they are worked out when asked for. */
export interface Operation {
  /** What it does, its literals replaced: for people. */
  readonly text: string
  /** The same in few words, of which there are few: `SELECT users`. For spans and tables. */
  readonly summary: string
  /** Its first word: `SELECT`. */
  readonly name: string
  /** How heavy it is: what its caller said, else what is expected from its earlier runs, else `moderate`. */
  readonly class: string
  /** The label that its caller works under. */
  readonly agent: string | undefined
  /** When it was asked for, on the pool's monotonic clock. */
  readonly askedAt: number
}

/** How an operation ended. */
export interface OperationEnd {
  /** From asking to being told. */
  readonly millis: number
  /** What its caller was told; undefined where it succeeded. Its text may repeat values of the caller: show its code. */
  readonly error: unknown
}
