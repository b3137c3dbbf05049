/** The forms in which pg-pool's methods can be called, as `@types/pg` declares them, and Sluice's options beside them. */
import type { PoolClient, QueryResult } from 'pg'
import type { QueryOptions } from './call.ts'
import { NO_OPTIONS, QUERY_OPTIONS } from './call.ts'

/** What a callback of `connect()` gets. */
export type ConnectCallback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  done: (release?: unknown) => void,
) => void

/** What a callback of `query()` gets. */
export type QueryCallback = (error: Error, result: QueryResult) => void

/** The arguments of one `query()` call, told apart. */
export interface QueryArguments {
  readonly statement: unknown
  readonly values: unknown
  readonly options: QueryOptions
  readonly callback: QueryCallback | undefined
}

/** Tells the arguments of `query()` apart: values, callback and options may each be missing. */
export function readQuery(statement: unknown, second: unknown, third: unknown): QueryArguments {
  const callback = typeof second === 'function' ? second : typeof third === 'function' ? third : undefined
  return {
    statement,
    values: typeof second === 'function' ? undefined : second,
    options: isOptions(third) ? third : optionsOf(statement),
    callback: callback as QueryCallback | undefined,
  }
}

function isOptions(value: unknown): value is QueryOptions {
  return typeof value === 'object' && value !== null
}

/** Options inside a config object. Query objects (cursors, streams) have fields of their own and are not asked. */
function optionsOf(statement: unknown): QueryOptions {
  if (typeof statement !== 'object' || statement === null || 'submit' in statement) return NO_OPTIONS
  return QUERY_OPTIONS.some((name) => name in statement) ? (statement as QueryOptions) : NO_OPTIONS
}
