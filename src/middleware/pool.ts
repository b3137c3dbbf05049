/** What middleware needs of a pool, by structure: every Pool of Sluice fits. */

/** How urgent a call is: a word, or a level from 1 (the most urgent). */
export type RequestPriority = 'high' | 'medium' | 'low' | number

/** What a request says of each of its calls. */
export interface CallOptions {
  readonly agent?: string | undefined
  readonly priority?: RequestPriority | undefined
  readonly signal?: AbortSignal | undefined
  /** Milliseconds for one statement, waiting included; of a lease, for the statement alone. */
  readonly timeout?: number | undefined
}

/** Options of `lease()`. */
export interface LeaseOptions extends Omit<CallOptions, 'timeout'> {
  /** Milliseconds to wait for the connection. */
  readonly timeoutMillis?: number | undefined
}

/** What a statement has brought. */
export interface Answer<R> {
  readonly rows: R[]
  readonly rowCount: number | null
}

/** A connection that is lent. */
export interface RequestLease {
  readonly released: boolean
  query(
    statement: string | object,
    values?: readonly unknown[],
    options?: CallOptions,
  ): Promise<Answer<unknown>>
  release(error?: Error | boolean | null): void
}

/** What runs inside a transaction. */
export interface RequestTransaction {
  query(
    statement: string | object,
    values?: readonly unknown[],
    options?: CallOptions,
  ): Promise<Answer<unknown>>
}

/** A pool. */
export interface RequestPool {
  query(statement: string | object, values?: unknown[], options?: CallOptions): Promise<Answer<unknown>>
  lease(options?: LeaseOptions): Promise<RequestLease>
  transaction<R>(
    fn: (transaction: RequestTransaction) => Promise<R> | R,
    options?: Omit<CallOptions, 'timeout'>,
  ): Promise<R>
}

/** What `lease()` of that pool gives. */
export type LeaseOf<P extends RequestPool> = Awaited<ReturnType<P['lease']>>
/** What its transactions run on. */
export type TransactionOf<P extends RequestPool> = Parameters<Parameters<P['transaction']>[0]>[0]
/** The options of its transactions. */
export type TransactionOptionsOf<P extends RequestPool> = Parameters<P['transaction']>[1]
