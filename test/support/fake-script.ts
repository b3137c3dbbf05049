/** What the fake Postgres does wrong, and where. */

/**
 * Where something happens: `connect` before anything is read, `startup` after the startup message and before the server says
 * anything, `authenticated` right after AuthenticationOk, `ready` before the first ReadyForQuery, `statement` before a
 * statement's answer, `row` in the middle of it.
 */
export type Place = 'connect' | 'startup' | 'authenticated' | 'ready' | 'statement' | 'row'

/**
 * What ends a conversation. `stall`: nothing is read or said any more; `garbage`: bytes that are no protocol; `half-close`: the
 * server ends what it says and hears no more; `reset`: RST; `shutdown`: FATAL 57P01, then FIN.
 */
export type SuddenFault = 'stall' | 'garbage' | 'half-close' | 'reset' | 'shutdown'

/**
 * What happens at a place. `error`: an ErrorResponse with this SQLSTATE, in the handshake fatal, else the statement's answer;
 * `pause`: milliseconds, then all goes on (a cancellation ends a statement's with 57014); `drip`: from there on so many bytes
 * a second.
 */
export type Fault =
  | SuddenFault
  | { readonly error: string; readonly message?: string }
  | { readonly pause: number }
  | { readonly drip: number }

export interface Step {
  readonly at: Place
  readonly fault: Fault
}

/** What happens to a connection; nothing (`[]`) is a server that is well. */
export type Script = Step | readonly Step[]

/** Connections are taken and nothing is ever read or said. */
export const silence: Script = { at: 'connect', fault: 'stall' }
