/** What can go wrong on the way to a dashboard, in words: what happened, and what to do about it. */
import { codeOf, messageOf } from '../../base/errors.ts'
import { harmless } from '../../base/harmless.ts'
import { exitCodes, Refusal } from '../refusal.ts'
import type { Address } from './address.ts'
import { EventTooLong } from './events.ts'
import { NotADashboard } from './message.ts'

/** The dashboard has said nothing for longer than it ever would. */
export class Silence extends Error {}

/** One trouble. */
export interface Trouble {
  readonly kind:
    | 'refused'
    | 'unknown-host'
    | 'unreachable'
    | 'timeout'
    | 'tls'
    | 'closed'
    | 'token'
    | 'forbidden'
    | 'full'
    | 'not-a-dashboard'
    | 'other'
  /** What happened, in a sentence. */
  readonly what: string
  /** What to do about it, in another. */
  readonly advice: string
  /** Trying again would not help. */
  readonly isFinal: boolean
}

/** Ends a command that has met a trouble. */
export class AtDashboard extends Refusal {
  readonly trouble: Trouble

  constructor(trouble: Trouble, { place }: Address, code?: string) {
    const { kind, what, advice } = trouble
    super(`${what} ${advice}`, exitCodes.failed, { url: place, kind, code, what, advice })
    this.trouble = trouble
  }
}

const theUrl = 'Check host and port: the dashboard prints its URL when it starts.'

/** Why an answer is no feed; undefined where it is one. */
export function refusalOf(response: Response, address: Address): AtDashboard | undefined {
  const { status, headers } = response
  const { place, token } = address
  const type = harmless(headers.get('content-type') ?? '')
  const is = (kind: Trouble['kind'], what: string, advice: string, isFinal = true) =>
    new AtDashboard({ kind, what, advice, isFinal }, address, String(status))
  if (status === 200 && type.startsWith('text/event-stream')) return undefined
  if (status === 401 && token === undefined)
    return is(
      'token',
      `The dashboard at ${place} wants a token.`,
      'Set SLUICE_DASHBOARD_TOKEN, or give --token.',
    )
  if (status === 401)
    return is('token', `The dashboard at ${place} did not accept the token.`, 'Check how it is spelt.')
  if (status === 403 || status === 421)
    return is(
      'forbidden',
      `The dashboard at ${place} does not answer to this host name.`,
      'Use the URL that it prints, or add the name to its allowedHosts.',
    )
  if (status === 503)
    return is(
      'full',
      `The dashboard at ${place} has no place for another viewer.`,
      'Close one, or try again later.',
      false,
    )
  const said =
    status === 200 ? `answers with ${type.split(';', 1)[0] || 'no content type'}` : `answers ${status}`
  return is('not-a-dashboard', `${place} is not a dashboard of Sluice: it ${said}.`, theUrl, false)
}

type Entry = readonly [
  kind: Trouble['kind'],
  codes: RegExp,
  what: (place: string, code: string) => string,
  advice: string,
]

/** What the parser of HTTP says: its code where it gives one, else its name (Node 24.21). */
const NO_HTTP = /^HPE_|^HTTPParserError$/

// In this order: the first entry that fits speaks.
const entries: readonly Entry[] = [
  ['refused', /^ECONNREFUSED$/, (place) => `Nothing accepts connections at ${place}.`, theUrl],
  [
    'unknown-host',
    /^(?:ENOTFOUND|EAI_AGAIN)$/,
    (place) => `The host of ${place} has no address.`,
    'Check how it is spelt.',
  ],
  [
    'unreachable',
    /^(?:EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/,
    (place) => `There is no way from here to ${place}.`,
    'Check network, VPN and firewall.',
  ],
  [
    'timeout',
    /^(?:ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/,
    (place) => `${place} did not answer in time.`,
    'Check host and port, and the firewall.',
  ],
  [
    'closed',
    /^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)$/,
    (place) => `${place} closed the connection.`,
    'Check that a dashboard listens there.',
  ],
  [
    'tls',
    /^(?:CERT_|ERR_TLS|ERR_SSL|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|EPROTO)/,
    (place, code) => `The TLS connection to ${place} failed (${code}).`,
    'Check that the dashboard is served with https, and its certificate.',
  ],
  ['not-a-dashboard', NO_HTTP, (place) => `${place} does not speak HTTP.`, theUrl],
]

/** What ended a connection, or kept it from being made. */
export function troubleOf(error: unknown, address: Address): AtDashboard {
  if (error instanceof AtDashboard) return error
  const { place } = address
  // What fetch throws says nothing itself.
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  const code = codeOf(cause)
  const sign = code ?? (cause instanceof Error ? cause.name : '')
  const isFinal = error instanceof EventTooLong
  const is = (kind: Trouble['kind'], what: string, advice: string) =>
    new AtDashboard({ kind, what, advice, isFinal }, address, code)
  if (error instanceof NotADashboard || error instanceof EventTooLong)
    return is('not-a-dashboard', `${place} is not a dashboard of this version: ${error.message}.`, theUrl)
  if (error instanceof Silence)
    return is('timeout', `The dashboard at ${place} does not answer.`, 'Check whether its process is stuck.')
  const entry = entries.find(([, codes]) => codes.test(sign))
  if (entry === undefined)
    return is('other', `${place} cannot be watched: ${harmless(messageOf(cause))}.`, theUrl)
  const [kind, , what, advice] = entry
  return is(kind, what(place, code ?? ''), advice)
}
