/** What an error says of the server and of the pool, whatever it says of the statement. */
import type { SluiceErrorCode } from '../base/errors.ts'
import { codeOf, messageOf, SluiceError } from '../base/errors.ts'
import type { PoolerWord } from './pooler.ts'
import { poolerSays } from './pooler.ts'

/** Who is in trouble. */
export type Trouble =
  /** nobody: the server has answered, be it with an error about the statement */
  | 'none'
  /** the server, or the way to it: it did not answer, or not in time */
  | 'away'
  /** the pool: more is asked of it than it can serve */
  | 'busy'
  /** the caller: it gave up, or asked for something that cannot be */
  | 'own'

const OF_CODE: Readonly<Record<SluiceErrorCode, Trouble>> = {
  SLUICE_ACQUIRE_TIMEOUT: 'busy',
  SLUICE_QUEUE_FULL: 'busy',
  SLUICE_SHED: 'busy',
  SLUICE_BREAKER_OPEN: 'busy',
  SLUICE_OPEN_FAILED: 'away',
  SLUICE_OPEN_TIMEOUT: 'away',
  SLUICE_CONNECTION_LOST: 'away',
  // A server that has gone silent shows in nothing else.
  SLUICE_QUERY_TIMEOUT: 'away',
  SLUICE_ABORTED: 'own',
  SLUICE_POOL_ENDED: 'own',
  SLUICE_TRANSACTION_TIMEOUT: 'own',
  SLUICE_BAD_OPTION: 'own',
  SLUICE_UNSUPPORTED_ON_ENDPOINT: 'own',
}

const OF_WORD: Readonly<Record<PoolerWord, Trouble>> = {
  saturated: 'busy',
  down: 'away',
  leaving: 'away',
  refused: 'none',
  cancelled: 'none',
}

/** SQLSTATEs of a server that goes, starts or takes no more connections. */
const SERVER = /^(08...|57P0.|53300|53400)$/

/** What pg says without a code when a connection is lost. */
const LOST = /^(Connection terminated|Client has encountered a connection error|Client was closed)/

export function troubleOf(error: unknown): Trouble {
  if (SluiceError.is(error)) {
    // It waited for its turn until its time was over.
    const unsent = error.code === 'SLUICE_QUERY_TIMEOUT' && error.outcome === 'not-sent'
    return unsent ? 'busy' : OF_CODE[error.code]
  }
  // Every address of a name was tried, and each has an error of its own.
  if (error instanceof AggregateError) return error.errors.some(isAway) ? 'away' : 'none'
  const said = poolerSays(error)
  if (said !== undefined) return OF_WORD[said.means]
  const code = codeOf(error)
  if (code === undefined) return LOST.test(messageOf(error)) ? 'away' : 'none'
  // Node's errors of sockets and names carry the call that failed.
  return SERVER.test(code) || typeof (error as { syscall?: unknown }).syscall === 'string' ? 'away' : 'none'
}

function isAway(error: unknown): boolean {
  return troubleOf(error) === 'away'
}

/** Whether an error can only come from the opening of a connection, so that nothing was sent. */
export function isOfOpening(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isOfOpening)
  const { syscall } = (error ?? {}) as { readonly syscall?: unknown }
  return syscall === 'connect' || syscall === 'getaddrinfo'
}

/** Whether the server, or the pooler before it, has no place for one more session: those that it has are served. */
export function isCrowded(error: unknown): boolean {
  const code = codeOf(error)
  return code === '53300' || code === '53400' || isSaturated(error)
}

/** Whether a pooler had no session for what it was asked: nothing of it has reached the server. */
export function isSaturated(error: unknown): boolean {
  return poolerSays(error)?.means === 'saturated'
}

/** Whether an error says that a statement could not be run, or not in time, rather than what the server thinks of it. */
export function isUnserved(error: unknown): boolean {
  const trouble = troubleOf(error)
  return trouble === 'away' || trouble === 'busy'
}
