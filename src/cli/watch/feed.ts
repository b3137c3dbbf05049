/** Follows a dashboard's feed, and comes back to it whenever it is lost. */
import { setTimeout as sleep } from 'node:timers/promises'
import { equalJitter } from '../../base/backoff.ts'
import type { Address } from './address.ts'
import { EventReader } from './events.ts'
import type { Message } from './message.ts'
import { readMessage } from './message.ts'
import type { AtDashboard } from './trouble.ts'
import { refusalOf, Silence, troubleOf } from './trouble.ts'

/** What the dashboard says, and when it cannot be heard. */
export type Heard =
  | Message
  | { readonly kind: 'lost'; readonly why: AtDashboard; readonly nextTryMillis: number }

/** A frame is due four times a second: who says nothing for so long has gone, whatever the network says. */
const PATIENCE_MILLIS = 10_000
const FIRST_RETRY_MILLIS = 250
const LAST_RETRY_MILLIS = 10_000

/**
 * All that is said, without end.
 * @param patienceMillis how long the dashboard may say nothing; default 10,000
 * @throws AtDashboard when there is no dashboard at first, or it does not want this viewer; the reason of `signal`
 */
export async function* follow(
  address: Address,
  signal: AbortSignal,
  patienceMillis: number = PATIENCE_MILLIS,
): AsyncGenerator<Heard, never> {
  let hasAnswered = false
  for (let attempt = 0; ; attempt += 1) {
    let why: AtDashboard
    try {
      for await (const message of connection(address, signal, patienceMillis)) {
        hasAnswered = true
        attempt = 0
        yield message
      }
      why = ended(address)
    } catch (error) {
      signal.throwIfAborted()
      why = troubleOf(error, address)
    }
    if (!hasAnswered || why.trouble.isFinal) throw why
    const nextTryMillis = equalJitter(attempt, FIRST_RETRY_MILLIS, LAST_RETRY_MILLIS, Math.random)
    yield { kind: 'lost', why, nextTryMillis }
    await sleep(nextTryMillis, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

function ended(address: Address): AtDashboard {
  return troubleOf(Object.assign(new Error('ended'), { code: 'ECONNRESET' }), address)
}

/** One connection, up to its end. */
async function* connection(
  { events, token, ...address }: Address,
  signal: AbortSignal,
  patienceMillis: number,
): AsyncGenerator<Message> {
  const over = new AbortController()
  const stuck = setTimeout(() => over.abort(new Silence()), patienceMillis)
  try {
    const response = await fetch(events, {
      headers: {
        accept: 'text/event-stream',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      // The token is for nobody else.
      redirect: 'manual',
      signal: AbortSignal.any([signal, over.signal]),
    })
    const refusal = refusalOf(response, { events, token, ...address })
    if (refusal !== undefined) throw refusal
    const reader = new EventReader()
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) {
      stuck.refresh()
      for (const event of reader.read(decoder.decode(bytes, { stream: true }))) {
        const message = readMessage(event)
        if (message !== undefined) yield message
      }
    }
  } finally {
    clearTimeout(stuck)
    // Nobody reads the rest.
    over.abort()
  }
}
