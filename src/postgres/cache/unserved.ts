import type { SluiceErrorCode } from '../../base/errors.ts'
import { codeOf, messageOf, SluiceError } from '../../base/errors.ts'

const UNSERVED: Readonly<Record<SluiceErrorCode, boolean>> = {
  SLUICE_ACQUIRE_TIMEOUT: true,
  SLUICE_QUEUE_FULL: true,
  SLUICE_SHED: true,
  SLUICE_OPEN_FAILED: true,
  SLUICE_OPEN_TIMEOUT: true,
  SLUICE_BREAKER_OPEN: true,
  SLUICE_CONNECTION_LOST: true,
  // A server that has gone silent shows in nothing else.
  SLUICE_QUERY_TIMEOUT: true,
  SLUICE_ABORTED: false,
  SLUICE_POOL_ENDED: false,
  SLUICE_TRANSACTION_TIMEOUT: false,
  SLUICE_BAD_OPTION: false,
}

/** SQLSTATEs of a server that goes, starts or takes no more connections. */
const SERVER = /^(08...|57P0.|53300)$/

/** What pg says without a code when a connection is lost. */
const LOST = /^(Connection terminated|Client has encountered a connection error|Client was closed)/

/** Whether an error says that a statement could not be run, or not in time, rather than what the server thinks of it. */
export function isUnserved(error: unknown): boolean {
  if (SluiceError.is(error)) return UNSERVED[error.code]
  const code = codeOf(error)
  if (code === undefined) return LOST.test(messageOf(error))
  // Node's errors of sockets and names carry the call that failed.
  return SERVER.test(code) || typeof (error as { syscall?: unknown }).syscall === 'string'
}
