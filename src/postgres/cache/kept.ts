/** Results as they are kept, and as every caller gets one of its own. */
import type { QueryResult, QueryResultRow } from '../driver.ts'

/** What `query()` resolves to when it was asked with `cache`. The rows are the caller's own; what is inside their values (JSON, arrays, dates, buffers) is shared. */
export interface CachedResult<R extends QueryResultRow = QueryResultRow> extends QueryResult<R> {
  /** `fresh` within `ttl`, `stale` when it is older and the pool could not serve; undefined when the server has just said it. */
  readonly cached: 'fresh' | 'stale' | undefined
  /** Milliseconds since it came from the server. */
  readonly ageMillis: number
}

/** Roughly what a value costs besides its characters or bytes. */
const VALUE_BYTES = 16

/** A copy for one caller: rows and fields of its own, one level deep. */
export function copyOf(result: QueryResult, cached: CachedResult['cached'], ageMillis: number): CachedResult {
  const copy = alike(result)
  copy.fields = result.fields?.map(alike)
  copy.rows = result.rows.map((row: QueryResultRow) => (Array.isArray(row) ? row.slice() : { ...row }))
  return Object.assign(copy, { cached, ageMillis })
}

function alike<T extends object>(original: T): T {
  return Object.assign(Object.create(Object.getPrototypeOf(original)), original)
}

/** Whether it is one result with rows: other clients than pg's answer as they like. */
export function isResult(answer: unknown): answer is QueryResult {
  return Array.isArray((answer as { rows?: unknown } | null | undefined)?.rows)
}

/** About how many bytes a value takes; above `limit` it is not counted to the end. */
export function sizeOf(value: unknown, limit: number): number {
  // Not recursive, because JSON may be nested more deeply than calls.
  const parts: unknown[] = [value]
  let size = 0
  while (parts.length > 0 && size <= limit) {
    const part = parts.pop()
    size += VALUE_BYTES
    if (typeof part === 'string') size += part.length
    else if (ArrayBuffer.isView(part)) size += part.byteLength
    else if (typeof part === 'object' && part !== null)
      for (const inner of Object.values(part)) parts.push(inner)
  }
  return size
}
