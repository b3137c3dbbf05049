/** What is asked of the server on a connection beside a client's own. */
import type { Clock } from '../base/clock.ts'
import { DeadlineExceeded, within } from '../base/within.ts'
import { openBeside } from './driver.ts'

/**
 * Asks the server to cancel what a client is running, over a connection of its own with the same TLS. Resolves when the
 * server has closed that connection: from then on no late cancellation can arrive.
 * @throws when the client has no key to cancel with, or the server cannot be reached
 */
export async function requestCancel(client: object, stream: unknown, signal: AbortSignal): Promise<void> {
  const wire = openBeside(client, stream)
  const { key, tls } = wire
  if (key === undefined) {
    wire.on('error', () => undefined)
    wire.stream.destroy()
    throw new Error('this client cannot cancel: the server gave it no key')
  }
  await new Promise<void>((resolve, reject) => {
    let sent = false
    const send = () => {
      sent = true
      wire.cancel(key.processId, key.secret)
    }
    wire.on('connect', () => {
      if (tls === 'none') send()
      else if (tls === 'asked') wire.requestSsl()
    })
    wire.on('sslconnect', send)
    // A server that resets the connection has taken the request as much as one that closes it.
    wire.on('error', (error: Error) => !sent && reject(error))
    wire.on('end', () =>
      sent ? resolve() : reject(new Error('the server closed the connection before the cancel request')),
    )
    giveUpOn(signal, wire)
  })
}

/** What a question to the server's address has brought. */
export type Reach =
  /** somebody is there and speaks */
  | { readonly is: 'answers' }
  /** nothing came back in time */
  | { readonly is: 'silent'; readonly why: string }
  /** the address refuses, or there is no way to it */
  | { readonly is: 'refused'; readonly why: string }

/**
 * Finds out whether the server of a client can be reached: connects, asks for TLS, whatever the answer to that is, and leaves.
 * It needs no session and no right, and any server, pooler or proxy of Postgres answers it with its first byte.
 */
export async function reach(client: object, stream: unknown, clock: Clock, millis: number): Promise<Reach> {
  try {
    await within(clock, millis, (signal) => ask(client, stream, signal))
    return { is: 'answers' }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { is: error instanceof DeadlineExceeded ? 'silent' : 'refused', why }
  }
}

function ask(client: object, stream: unknown, signal: AbortSignal): Promise<void> {
  const wire = openBeside(client, stream, true)
  return new Promise((resolve, reject) => {
    let asked = false
    wire.on('connect', () => {
      asked = true
      wire.requestSsl()
      wire.stream.once('data', () => {
        resolve()
        wire.stream.destroy()
      })
    })
    // Whoever hangs up on the question is there.
    wire.on('error', (error: Error) => (asked ? resolve() : reject(error)))
    wire.on('end', () =>
      asked ? resolve() : reject(new Error('the connection was closed before it was open')),
    )
    giveUpOn(signal, wire)
  })
}

function giveUpOn(signal: AbortSignal, wire: ReturnType<typeof openBeside>): void {
  const giveUp = () => wire.stream.destroy()
  signal.addEventListener('abort', giveUp, { once: true })
  wire.on('end', () => signal.removeEventListener('abort', giveUp))
}
