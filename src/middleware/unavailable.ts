/** What a request is answered that could not have a connection: 503, and when to try again. */
import { SluiceError } from '../base/errors.ts'
import { causesOf } from './causes.ts'

/** An answer in the words of HTTP. */
export interface Unavailable {
  readonly status: 503
  /** Seconds after which another try makes sense, as `Retry-After` wants them: whole, 1 or more. */
  readonly retryAfter: number
  readonly headers: Readonly<Record<'retry-after' | 'content-type', string>>
  /** JSON. The numbers of the pool are for the log, not for strangers. */
  readonly body: string
}

/** Where nothing else is known. */
const RETRY_AFTER_MILLIS = 1_000

/**
 * The answer to a request that failed because no connection was to be had (SLUICE_ACQUIRE_TIMEOUT, SLUICE_QUEUE_FULL,
 * SLUICE_SHED, SLUICE_BREAKER_OPEN, SLUICE_OPEN_FAILED, SLUICE_OPEN_TIMEOUT, SLUICE_POOL_ENDED), also where another library has
 * wrapped that error as its `cause`; undefined for every other error.
 */
export function unavailable(error: unknown): Unavailable | undefined {
  const found = sluiceErrorIn(error)
  if (found === undefined || !isUnavailable(found)) return undefined
  const retryAfter = Math.max(1, Math.ceil((found.retryAfterMillis ?? RETRY_AFTER_MILLIS) / 1_000))
  return {
    status: 503,
    retryAfter,
    headers: { 'retry-after': String(retryAfter), 'content-type': 'application/json' },
    body: JSON.stringify({ error: 'busy, try again later', retryAfter }),
  }
}

function sluiceErrorIn(error: unknown): SluiceError | undefined {
  for (const each of causesOf(error)) if (SluiceError.is(each)) return each
  return undefined
}

function isUnavailable({ code }: SluiceError): boolean {
  switch (code) {
    case 'SLUICE_ACQUIRE_TIMEOUT':
    case 'SLUICE_QUEUE_FULL':
    case 'SLUICE_SHED':
    case 'SLUICE_BREAKER_OPEN':
    case 'SLUICE_OPEN_FAILED':
    case 'SLUICE_OPEN_TIMEOUT':
    case 'SLUICE_POOL_ENDED':
      return true
    case 'SLUICE_ABORTED':
    case 'SLUICE_BAD_OPTION':
    case 'SLUICE_CONNECTION_LOST':
    case 'SLUICE_QUERY_TIMEOUT':
    case 'SLUICE_TRANSACTION_TIMEOUT':
    case 'SLUICE_UNSUPPORTED_ON_ENDPOINT':
      return false
  }
}
