/** A connection string, taken apart and put together again: what stands in it can be overruled, and what is missing filled in. */
import { isIPv6 } from 'node:net'
import { parseConnectionString } from '../base/connection-string.ts'
import { SluiceError } from '../base/errors.ts'
import { numberIn } from '../base/options.ts'
import { redact } from '../base/redact.ts'
import type { Endpoint } from './endpoint.ts'
import { readEndpoint } from './endpoint.ts'

/** The parts of an address that options name too. */
export const PARTS = ['host', 'port', 'user', 'password', 'database'] as const

/** One of them. */
export type Part = (typeof PARTS)[number]

/** What a connection string says. */
export interface Address {
  /** What it was called where it was found: `DATABASE_URL`. */
  readonly source: string
  /** The string itself; undefined for the path of a socket, which says no more than its parts. */
  readonly url: URL | undefined
  readonly parts: Readonly<Partial<Record<Part, string | number>>>
}

/** Reads a connection string. @throws SLUICE_BAD_OPTION naming its source; the text is not repeated, for the password in it */
export function readAddress(text: string, source: string): Address {
  if (text.startsWith('/')) {
    const [host = text, database] = text.split(' ')
    return { source, url: undefined, parts: database === undefined ? { host } : { host, database } }
  }
  const url = parseConnectionString(text)
  if ('why' in url)
    throw namesHosts(text)
      ? severalHosts(source)
      : new SluiceError('SLUICE_BAD_OPTION', `${source} ${url.why}`)
  refuseTwice(url, source)
  return { source, url, parts: partsOf(url, source) }
}

/** pg takes one; libpq, and other drivers, several. */
function severalHosts(source: string): SluiceError {
  return new SluiceError('SLUICE_BAD_OPTION', `${source} must name one host; it names several`)
}

function namesHosts(text: string): boolean {
  return /^postgres(?:ql)?:\/\/(?:[^/?#]*@)?[^@/?#]*,/i.test(text)
}

/** Of two that say the same thing pg would take the last one, and others the first. */
function refuseTwice({ searchParams }: URL, source: string): void {
  const name = [...searchParams.keys()].find((each) => searchParams.getAll(each).length > 1)
  if (name === undefined) return
  const shown = redact(name).slice(0, 60)
  throw new SluiceError('SLUICE_BAD_OPTION', `${source} must say ${shown} once; it says it more often`)
}

function partsOf(url: URL, source: string): Address['parts'] {
  const said: Record<Part, string> = {
    host: url.searchParams.get('host') || decodeURIComponent(url.hostname).replace(/^\[(.+)\]$/, '$1'),
    port: url.searchParams.get('port') || url.port,
    user: url.searchParams.get('user') || decodeURIComponent(url.username),
    password: url.searchParams.get('password') || decodeURIComponent(url.password),
    database: decodeURI(url.pathname.slice(1)),
  }
  // A path of a socket may hold anything; the parts end with a zero in the protocol.
  if (!said.host.startsWith('/') && said.host.includes(',')) throw severalHosts(source)
  if (PARTS.some((part) => said[part].includes('\0')))
    throw new SluiceError(
      'SLUICE_BAD_OPTION',
      `${source} has a zero byte (%00) in it, which Postgres cannot take`,
    )
  const port = numberIn(said.port) ?? 0
  if (said.port !== '' && !(Number.isInteger(port) && port >= 1 && port <= 65_535))
    throw new SluiceError('SLUICE_BAD_OPTION', `${source} must have a port from 1 to 65,535`)
  return Object.fromEntries(
    PARTS.filter((part) => said[part] !== '').map((part) => [part, part === 'port' ? port : said[part]]),
  )
}

/** What a part of a URL is written as. */
const ENCODED: Readonly<Record<Part, (value: string) => string>> = {
  host: (value) => (value.includes(':') ? `[${value}]` : value),
  port: String,
  user: encodeURIComponent,
  password: encodeURIComponent,
  database: (value) => `/${encodeURI(value)}`,
}

const FIELD = {
  host: 'hostname',
  port: 'port',
  user: 'username',
  password: 'password',
  database: 'pathname',
} as const satisfies Record<Part, keyof URL>

/**
 * The connection string with other parts, and without the parameters named. It stays as it is where nothing changes.
 * @throws SLUICE_BAD_OPTION for what pg would read back as something else, such as a database named `what?`
 */
export function rewritten(
  address: Address & { readonly url: URL },
  parts: Readonly<Partial<Record<Part, string | number>>>,
  without: readonly string[],
): string {
  const url = new URL(address.url)
  for (const part of PARTS) {
    const value = parts[part]
    if (value === undefined || value === '' || value === address.parts[part]) continue
    if (part !== 'database' && (url.searchParams.has(part) || String(value).startsWith('/')))
      url.searchParams.set(part, String(value))
    else url[FIELD[part]] = ENCODED[part](String(value))
  }
  for (const name of without) if (url.searchParams.has(name)) url.searchParams.delete(name)
  const read = partsOf(url, address.source)
  const lost = PARTS.find((part) => parts[part] && !isSame(String(parts[part]), String(read[part])))
  if (lost === undefined) return url.href
  throw new SluiceError(
    'SLUICE_BAD_OPTION',
    `${lost} cannot stand in ${address.source} so that pg reads it as it is; give host, port, user, password and database without a connection string`,
  )
}

/** An address of IPv6 has several spellings. */
function isSame(wanted: string, read: string): boolean {
  return wanted === read || (wanted.includes(':') && isIPv6(wanted) && isIPv6(read))
}

/** Supabase tells what its addresses lead to by host and port. */
export function endpointTold({ parts: { host, port } }: Address): Endpoint | undefined {
  const isSupabase = typeof host === 'string' && /\.supabase\.(?:co|com)$/.test(host)
  return isSupabase ? readEndpoint({ host, port }).endpoint : undefined
}
