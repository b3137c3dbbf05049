/** What `adapt()` needs of a pool: Sluice's have it. */

/** A pool whose size can follow its load. */
export interface Watched {
  stats(): {
    readonly max: number
    readonly min: number
    readonly maxOverflow: number
    /** Busy slots ÷ max, in percent. */
    readonly utilization: number
    readonly idle: number
    readonly waiting: number
    /** What it shares with other pools, as it sees it. */
    readonly budget?: { readonly limit: number } | undefined
    readonly state: 'running' | 'paused' | 'draining' | 'ending' | 'ended'
  }
  resize(size: { max: number; min: number }): void
}

/** A pool that leads to a Postgres, which can be asked how many sessions it has room for. */
export interface Asked {
  query(
    text: string,
    values: unknown[],
    options: { readonly priority: 'high'; readonly timeout: number },
  ): Promise<{ readonly rows: readonly Record<string, unknown>[] }>
  connections(): readonly { readonly id: number; readonly processId?: number | undefined }[]
}
