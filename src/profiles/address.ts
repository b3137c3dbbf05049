/** A connection string, taken apart and put together again: what stands in it can be overruled, and what is missing filled in. */
import { parseConnectionString } from '../base/connection-string.ts'
import { SluiceError } from '../base/errors.ts'

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
  if ('why' in url) throw new SluiceError('SLUICE_BAD_OPTION', `${source} ${url.why}`)
  return { source, url, parts: partsOf(url, source) }
}

function partsOf(url: URL, source: string): Address['parts'] {
  const said: Record<Part, string> = {
    host: url.searchParams.get('host') || decodeURIComponent(url.hostname).replace(/^\[(.+)\]$/, '$1'),
    port: url.searchParams.get('port') || url.port,
    user: url.searchParams.get('user') || decodeURIComponent(url.username),
    password: url.searchParams.get('password') || decodeURIComponent(url.password),
    database: decodeURI(url.pathname.slice(1)),
  }
  const port = Number(said.port)
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
  database: (value) => `/${encodeURI(value).replace(/[#?]/g, encodeURIComponent)}`,
}

const FIELD = {
  host: 'hostname',
  port: 'port',
  user: 'username',
  password: 'password',
  database: 'pathname',
} as const satisfies Record<Part, keyof URL>

/** The connection string with other parts, and without the parameters named. It stays as it is where nothing changes. */
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
  return url.href
}

/** Supabase tells what its addresses lead to by host and port. */
export function endpointTold({ parts: { host, port = 5_432 } }: Address): string | undefined {
  if (typeof host !== 'string' || !/\.supabase\.(?:co|com|in|net)$/.test(host)) return undefined
  if (port === 6_543) return 'transaction'
  if (port !== 5_432) return undefined
  if (host.startsWith('db.')) return 'direct'
  return host.includes('.pooler.') ? 'session' : undefined
}
