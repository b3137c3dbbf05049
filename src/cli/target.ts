/** The database a command is pointed at: a connection string, read with care for the password in it. */
import { redact, secretsOf } from '../base/redact.ts'
import { badInput } from './refusal.ts'

/** A connection string and what of it may be said aloud. */
export interface Target {
  /** With the password: for the driver only. */
  readonly url: string
  /** A host name, an address, or the folder of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly user: string | undefined
  readonly database: string | undefined
  /** Takes the password out of a text that came from elsewhere. */
  readonly redact: (text: string) => string
}

// Without a password: it would be hidden like a real one.
const shape = 'postgres://user@host:5432/database'

/**
 * Reads a connection string.
 *
 * @param source what to call it in a message, such as `DATABASE_URL`
 * @throws Refusal in one sentence that repeats nothing of the text
 */
export function readTarget(text: string, source: string): Target {
  const refuse = (why: string): never => {
    throw badInput(`${source} ${why}`)
  }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) return refuse(`is not a connection string like ${shape}.`)
  if (scheme !== 'postgres' && scheme !== 'postgresql') {
    return refuse('must begin with postgres:// or postgresql://, since Postgres is what Sluice speaks here.')
  }
  if (hasStrayPassword(text)) return refuse(encodeIt)
  if (/%(?![0-9a-f]{2})/i.test(text)) {
    return refuse('has a % that is not followed by two hexadecimal digits; write a plain % as %25.')
  }
  const url = parse(text) ?? refuse(whyNotParsed(text))
  // Decoding is the driver's next step, and it fails there with a stack.
  const part = (name: 'username' | 'password' | 'hostname' | 'pathname'): string =>
    decode(url[name]) ?? refuse('has percent-encoded bytes that are no UTF-8 text.')
  const password = part('password')
  const host = url.searchParams.get('host') ?? part('hostname').replace(/^\[(.+)\]$/, '$1')
  if (host === '') refuse(`names no host; it should look like ${shape}.`)
  const secrets = [...secretsOf(text), password].filter((secret) => secret !== '')
  return {
    url: text,
    host,
    port: readPort(url, refuse),
    user: (url.searchParams.get('user') ?? part('username')) || undefined,
    database: part('pathname').slice(1) || undefined,
    redact: (said) => redact(said, secrets),
  }
}

const encodeIt =
  'has characters in its password that a URL gives another meaning; write # as %23, / as %2F, ? as %3F and @ as %40.'

/**
 * Whether an unencoded # / or ? has torn the password apart. What comes before it then passes for the host and
 * what follows for the rest, and both would be shown.
 */
function hasStrayPassword(text: string): boolean {
  const [, authority = '', rest = ''] = /^[^:]+:\/\/([^/?#]*)(.*)$/s.exec(text) ?? []
  return rest.includes('#') || (rest.includes('@') && !authority.includes('@'))
}

function parse(text: string): URL | undefined {
  if (URL.canParse(text)) return new URL(text)
  // Credentials without a host are fine where a parameter names a socket's folder.
  const withHost = text.replace('@/', '@localhost/')
  return /[?&]host=./.test(text) && URL.canParse(withHost) ? new URL(withHost) : undefined
}

function whyNotParsed(text: string): string {
  if (/^[^:]+:\/\/([^/?#]*@)?(?:[/?#:]|$)/.test(text)) return `names no host; it should look like ${shape}.`
  const port = /:([^:@/?#\]]*)(?:[/?#]|$)/.exec(text.replace(/^[^:]+:\/\//, ''))?.[1]
  if (port !== undefined && !text.includes('@')) {
    return 'has something other than a port number after the host; if that is a password, an @ and a host must follow it.'
  }
  if (port !== undefined && !/^\d+$/.test(port)) return 'has a port that is not a number.'
  if (Number(port) > 65_535) return 'has a port above 65,535.'
  return `is not a connection string like ${shape}.`
}

function readPort(url: URL, refuse: (why: string) => never): number {
  const text = url.searchParams.get('port') ?? (url.port || '5432')
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    return refuse('must have a port from 1 to 65,535.')
  return port
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Where a target is, for a message: `db.example:5432`. */
export function placeOf({ host, port }: Target): string {
  if (host.startsWith('/')) return `the socket in ${host}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * The target of a command: its argument, else DATABASE_URL.
 *
 * @throws Refusal
 */
export function targetFrom(url: string | undefined, command: string): Target {
  if (url !== undefined) return readTarget(url, 'The URL')
  const { DATABASE_URL } = process.env
  if (!DATABASE_URL)
    throw badInput(`Set DATABASE_URL, or give a connection string: sluice ${command} postgres://…`)
  return readTarget(DATABASE_URL, 'DATABASE_URL')
}

/** `url` without an application name: it would win over ours, and the sessions could not be told apart. */
export function withoutName(url: string): string {
  const [path = '', query] = url.split('?', 2)
  if (query === undefined) return url
  const kept = query.split('&').filter((parameter) => !parameter.startsWith('application_name='))
  return kept.length === 0 ? path : `${path}?${kept.join('&')}`
}
