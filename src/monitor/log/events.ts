/** What there is to write about a pool: which event, how much it matters, and what is said of it. */
import type { SluiceError, SluiceErrorCode } from '../../base/errors.ts'
import { messageOf } from '../../base/errors.ts'
import { redact } from '../../base/redact.ts'
import type { CloseReason } from '../../core/driver.ts'
import type { Hooks } from '../../core/hooks.ts'
import type { Lease } from '../../core/lease.ts'
import type { Operation, OperationEnd } from '../../core/operation.ts'
import { EXPECTED_MILLIS, errorType } from '../recorder.ts'
import type { LogLevel } from './logger.ts'

/** What a line is about: its field `event`. Lines are counted by it. */
export type LogEvent =
  | 'opened'
  | 'closed'
  | 'connection-lost'
  | 'left-in-transaction'
  | 'open-failed'
  | 'close-given-up'
  | 'acquire-timeout'
  | 'unreachable'
  | 'queue-full'
  | 'shed'
  | 'aborted'
  | 'turned-away'
  | 'leak'
  | 'leak-returned'
  | 'nested-wait'
  | 'breaker'
  | 'slow-statement'
  | 'statement'
  | 'ended'

/** Messages do not vary and hold no percent sign, which some loggers take for a place to fill. What varies is a field. */
export const EVENTS: Readonly<Record<LogEvent, readonly [level: LogLevel, message: string]>> = {
  opened: ['debug', 'connection opened'],
  closed: ['debug', 'connection closed'],
  'connection-lost': ['warn', 'connection lost: the server or the network ended it'],
  'left-in-transaction': ['warn', 'connection taken back: its holder left it idle in a transaction'],
  'open-failed': ['warn', 'connection could not be opened'],
  'close-given-up': ['error', 'close given up: the connection may still live at the server'],
  'acquire-timeout': ['warn', 'a caller got no connection in time'],
  unreachable: ['warn', 'a caller got no connection: none could be opened'],
  'queue-full': ['warn', 'a caller was turned away: the queue is full'],
  shed: ['warn', 'a caller was turned away: its turn would have come too late'],
  aborted: ['debug', 'a caller gave up waiting for a connection'],
  'turned-away': ['debug', 'a caller was turned away: the pool takes nobody'],
  leak: ['warn', 'connection held for too long: a leak, perhaps'],
  'leak-returned': ['info', 'connection that was held for too long is back'],
  'nested-wait': ['warn', 'a task waits for a second connection while it holds one'],
  breaker: ['warn', 'circuit breaker changed'],
  'slow-statement': ['warn', 'statement took longer than is expected of its class'],
  statement: ['debug', 'statement'],
  ended: ['info', 'pool ended'],
}

/** What an event has to say; what is undefined is left out. */
export type Details = Readonly<Record<string, string | number | undefined>>

/** `details` are asked for only where the line is written. */
export type Tell = (event: LogEvent, details: () => Details, level?: LogLevel) => void

const CLOSES: Partial<Record<CloseReason, LogEvent>> = {
  lost: 'connection-lost',
  abandoned: 'left-in-transaction',
}

const REFUSALS: Partial<Record<SluiceErrorCode, LogEvent>> = {
  SLUICE_ACQUIRE_TIMEOUT: 'acquire-timeout',
  SLUICE_OPEN_TIMEOUT: 'unreachable',
  SLUICE_OPEN_FAILED: 'unreachable',
  SLUICE_QUEUE_FULL: 'queue-full',
  SLUICE_SHED: 'shed',
  SLUICE_ABORTED: 'aborted',
}

/** What happens to connections and callers. */
export function poolHooks(tell: Tell): Hooks<object> {
  const names = new Names()
  const loan = (lease: Lease<object>, heldMillis: number): Details => ({
    connection: names.of(lease.connection.resource),
    agent: lease.agent,
    heldMillis: Math.round(heldMillis),
  })
  let failuresInARow = 0
  return {
    opened: (resource, millis) => {
      failuresInARow = 0
      tell('opened', () => ({ connection: names.of(resource), millis: rounded(millis) }))
    },
    openFailed: (error, millis) => {
      failuresInARow += 1
      const inARow = failuresInARow
      tell(
        'open-failed',
        () => ({ inARow, millis: rounded(millis), code: errorType(error), error: redact(messageOf(error)) }),
        inARow > 1 ? 'error' : 'warn',
      )
    },
    closing: (resource, reason) =>
      tell(CLOSES[reason] ?? 'closed', () => ({ connection: names.of(resource), reason })),
    lost: (resource, reason) => tell('close-given-up', () => ({ connection: names.of(resource), reason })),
    rejected: (error, waitedMillis) =>
      tell(REFUSALS[error.code] ?? 'turned-away', () => refusal(error, waitedMillis)),
    leaked: (lease, heldMillis) =>
      tell('leak', () => ({ ...loan(lease, heldMillis), stack: lease.origin?.stack })),
    unleaked: (lease, heldMillis) => tell('leak-returned', () => loan(lease, heldMillis)),
    nested: (lease, heldMillis) =>
      tell('nested-wait', () => ({ ...loan(lease, heldMillis), stack: lease.origin?.stack })),
    ended: () => tell('ended', () => ({})),
  }
}

/** What single statements do: all of them with `echo`, and those that are slow with `slow`. */
export function statementHooks(tell: Tell, echo: boolean, slow: boolean): Pick<Hooks<object>, 'answered'> {
  if (!echo && !slow) return {}
  return {
    answered: (operation, end) => {
      const expectedMillis = EXPECTED_MILLIS[operation.class] ?? Number.POSITIVE_INFINITY
      if (slow && end.millis > expectedMillis)
        tell('slow-statement', () => ({ ...statement(operation, end), expectedMillis }))
      if (echo) tell('statement', () => statement(operation, end))
    },
  }
}

function statement(operation: Operation, { error, millis }: OperationEnd): Details {
  return {
    statement: operation.text,
    class: operation.class,
    agent: operation.agent,
    millis: rounded(millis),
    // What the server says may repeat values; its code does not.
    code: error === undefined ? undefined : errorType(error),
  }
}

function refusal(error: SluiceError, waitedMillis: number): Details {
  const { numbers } = error
  return {
    code: error.code,
    waitedMillis: Math.round(waitedMillis),
    max: numbers?.max,
    leased: numbers?.leased,
    shared: numbers?.shared,
    idle: numbers?.idle,
    opening: numbers?.opening,
    waiting: numbers?.waiting,
    error: redact(messageOf(error)),
  }
}

function rounded(millis: number): number {
  return Math.round(millis * 10) / 10
}

/** Numbers connections as the log comes to know them, so that its lines about one can be told from others. */
class Names {
  // A connection that is gone takes its number with it.
  readonly #numbers = new WeakMap<object, number>()
  #last = 0

  of(resource: object): number {
    const known = this.#numbers.get(resource)
    if (known !== undefined) return known
    this.#last += 1
    this.#numbers.set(resource, this.#last)
    return this.#last
  }
}
