/** What comes of a client that has hung up: nobody reads the answer, and it is no fault that anybody need be told of. */
import { SluiceError } from '../base/errors.ts'
import { LEASE_OVER, RELEASED_TWICE } from '../core/lease.ts'
import { causesOf } from './causes.ts'

/** The status that nginx made customary for a client that closed its request. Nobody receives it; logs show it. */
export const CLIENT_CLOSED_REQUEST = 499

/** What a request is told that is over, and asks for a connection. */
export class RequestOver extends Error {}

/** What a handler hears that goes on with a lease which went back with its request. */
const TAKEN_BACK: readonly string[] = [LEASE_OVER, RELEASED_TWICE]

/**
 * Whether a handler failed because its client has hung up: what it waited for was aborted, or what it held was taken back.
 * Any other error of such a handler is a mistake as ever.
 * @param gone the signal of the request's database
 */
export function comesOfHangUp(error: unknown, gone: AbortSignal): boolean {
  if (!gone.aborted) return false
  return [...causesOf(error)].some(
    (each) =>
      each === gone.reason ||
      each instanceof RequestOver ||
      SluiceError.is(each, 'SLUICE_ABORTED') ||
      (each instanceof Error && (each.name === 'AbortError' || TAKEN_BACK.includes(each.message))),
  )
}
