/** Every code that a {@link SluiceError} can carry. */
export type SluiceErrorCode =
  | 'SLUICE_ACQUIRE_TIMEOUT'
  | 'SLUICE_QUEUE_FULL'
  | 'SLUICE_SHED'
  | 'SLUICE_OPEN_FAILED'
  | 'SLUICE_OPEN_TIMEOUT'
  | 'SLUICE_QUERY_TIMEOUT'
  | 'SLUICE_ABORTED'
  | 'SLUICE_BREAKER_OPEN'
  | 'SLUICE_POOL_ENDED'
  | 'SLUICE_CONNECTION_LOST'
  | 'SLUICE_TRANSACTION_TIMEOUT'
  | 'SLUICE_BAD_OPTION'
  | 'SLUICE_UNSUPPORTED_ON_ENDPOINT'

/** Where a call stood when it failed: waiting for a slot, opening a connection, checking one, or with its statement at the server. */
export type Phase = 'queue' | 'open' | 'check' | 'query'

/** The pool in numbers at the moment of an error. */
export interface PoolNumbers {
  readonly max: number
  readonly opening: number
  readonly idle: number
  readonly checking: number
  readonly leased: number
  readonly shared: number
  readonly cancelling: number
  readonly closing: number
  readonly waiting: number
}

/** The newest connection that could not be opened. */
export interface OpenFailure {
  readonly message: string
  /** The driver's code (`ECONNREFUSED`, an SQLSTATE, …) where it gave one. */
  readonly code: string | undefined
  readonly ageMillis: number
}

/** What a {@link SluiceError} is made from. */
export interface SluiceErrorDetails {
  readonly phase?: Phase | undefined
  readonly numbers?: PoolNumbers | undefined
  readonly lastOpenFailure?: OpenFailure | undefined
  readonly retryAfterMillis?: number | undefined
  readonly outcome?: 'not-sent' | 'unknown' | undefined
  readonly cause?: unknown
}

// Symbol.for, so that two copies of the package recognise each other's errors.
const BRAND: unique symbol = Symbol.for('sluice.error') as never

/** The one class of Sluice's own errors. What the server says passes through as the driver's error. */
export class SluiceError extends Error {
  override readonly name: string = 'SluiceError'
  readonly code: SluiceErrorCode
  /** Where the call stood; absent where it never started (bad options, an ended pool). */
  readonly phase: Phase | undefined
  /** The pool in numbers; absent where there was no pool yet. */
  readonly numbers: PoolNumbers | undefined
  readonly lastOpenFailure: OpenFailure | undefined
  /** Milliseconds after which another try makes sense, where one does. */
  readonly retryAfterMillis: number | undefined
  /** Whether the statement reached the server: `unknown` means that it may have taken effect. */
  readonly outcome: 'not-sent' | 'unknown' | undefined

  constructor(code: SluiceErrorCode, message: string, details: SluiceErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.phase = details.phase
    this.numbers = details.numbers
    this.lastOpenFailure = details.lastOpenFailure
    this.retryAfterMillis = details.retryAfterMillis
    this.outcome = details.outcome
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** True for an error of any copy of Sluice, optionally of one code only. */
  static is(error: unknown, code?: SluiceErrorCode): error is SluiceError {
    if (typeof error !== 'object' || error === null || !(BRAND in error)) return false
    return code === undefined || (error as unknown as SluiceError).code === code
  }
}

/** The numbers as one clause: `4 of 10 slots leased, 6 opening, 120 waiting`. States that nobody is in are left out. */
export function describeNumbers(numbers: PoolNumbers): string {
  const rest = (['shared', 'idle', 'opening', 'checking', 'cancelling', 'closing'] as const)
    .filter((kind) => numbers[kind] > 0)
    .map((kind) => `${numbers[kind]} ${kind}`)
  return [`${numbers.leased} of ${numbers.max} slots leased`, ...rest, `${numbers.waiting} waiting`].join(
    ', ',
  )
}

/** The code of a driver's error (`ECONNREFUSED`, an SQLSTATE), where it carries one. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/**
 * What an error says, in one line. An AggregateError of Node's dual-stack connect has an empty message of its own, so its
 * parts speak for it.
 */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
