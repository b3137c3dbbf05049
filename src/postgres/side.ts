/** What is asked of the server on a connection beside a client's own. */
import type { Clock } from '../base/clock.ts'
import { codeOf } from '../base/errors.ts'
import { DeadlineExceeded } from '../base/within.ts'
import { hasAddress, openBeside } from './driver.ts'

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
  /** it could not be asked: nothing is learnt about the server */
  | { readonly is: 'unknown'; readonly why: string }

/** Failures of this side: no name service, no file descriptor, no port left. What is connected does not need them. */
const OWN_FAULT = /^(ENOTFOUND|EAI_.*|EMFILE|ENFILE|ENOBUFS|ENOMEM|EADDRNOTAVAIL|EACCES|EPERM)$/

/** A deadline that is noticed so much too late says more of this process than of the server. */
const STALL_MILLIS = 500

/**
 * Finds out whether the server of a client can be reached: connects, asks for TLS, whatever the answer to that is, and leaves.
 * It needs no session and no right, and any server, pooler or proxy of Postgres answers it with its first byte. It never keeps
 * the process up.
 */
export async function reach(client: object, stream: unknown, clock: Clock, millis: number): Promise<Reach> {
  if (!hasAddress(client)) return { is: 'unknown', why: 'this client does not say where it is connected to' }
  const controller = new AbortController()
  const due = clock.now() + millis
  const timer = clock.setTimeout(() => {
    // An answer that has come while the process was busy is read before the end of this turn.
    clock.endOfTurn(() => controller.abort(new DeadlineExceeded(millis)))
  }, millis)
  timer.unref()
  try {
    await ask(client, stream, controller.signal)
    return { is: 'answers' }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    if (error instanceof DeadlineExceeded)
      return clock.now() - due > STALL_MILLIS
        ? { is: 'unknown', why: 'the process stood still meanwhile' }
        : { is: 'silent', why }
    return { is: OWN_FAULT.test(codeOf(error) ?? '') ? 'unknown' : 'refused', why }
  } finally {
    clock.clearTimeout(timer)
  }
}

async function ask(client: object, stream: unknown, signal: AbortSignal): Promise<void> {
  const wire = openBeside(client, stream, true)
  wire.stream.unref()
  await new Promise<void>((resolve, reject) => {
    let asked = false
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
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
