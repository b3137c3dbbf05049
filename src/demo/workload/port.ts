/** The little the workload asks of a pool: `pg.Pool` and Sluice's `Pool` both have it. */

/** What a statement answers. */
export interface WorkloadRows {
  rows: Record<string, unknown>[]
}

/** Whatever runs a statement. */
export interface WorkloadClient {
  query(text: string, values?: unknown[]): Promise<WorkloadRows>
}

/** A client on loan. */
export interface WorkloadLease extends WorkloadClient {
  release(error?: Error | boolean): void
}

/** A pool of the shape of `pg.Pool`. */
export interface WorkloadPool extends WorkloadClient {
  connect(): Promise<WorkloadLease>
}
