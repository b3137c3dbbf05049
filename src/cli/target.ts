/** The database a command is pointed at: a connection string, read with care for the password in it. */
import { parseConnectionString, SHAPE } from '../base/connection-string.ts'
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

/**
 * Reads a connection string.
 *
 * @param source what to call it in a message, such as `DATABASE_URL`
 * @throws Refusal in one sentence that repeats nothing of the text
 */
export function readTarget(text: string, source: string): Target {
  const refuse = (why: string): never => {
    throw badInput(`${source} ${why}.`)
  }
  const url = parseConnectionString(text)
  if ('why' in url) return refuse(url.why)
  const part = (name: 'username' | 'password' | 'hostname' | 'pathname'): string =>
    decodeURIComponent(url[name])
  const password = part('password')
  const host = url.searchParams.get('host') ?? part('hostname').replace(/^\[(.+)\]$/, '$1')
  if (host === '') refuse(`names no host; it should look like ${SHAPE}`)
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

function readPort(url: URL, refuse: (why: string) => never): number {
  const text = url.searchParams.get('port') ?? (url.port || '5432')
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return refuse('must have a port from 1 to 65,535')
  return port
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
