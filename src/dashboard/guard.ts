/** Who may ask: the dashboard answers under its own names, to its own page, and to those who know the token. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { HostName } from './hosts.ts'
import { hostNameOf, inUrl, isLoopback } from './hosts.ts'

/** What a request says of itself; of each header all of its values. */
export interface Asked {
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>
  /** The address of this machine that it came in at. */
  readonly localAddress: string | undefined
}

/** `foreign`: another site asks, or the browser was led astray. `token`: brought in the address, to be kept as a cookie. */
export type Verdict = 'welcome' | 'foreign' | 'unknown' | 'token'

/** What a guard goes by. */
export interface GuardParts {
  readonly host: string
  readonly port: number
  readonly token: string | undefined
  readonly allowedHosts: readonly HostName[]
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

/** These listen on every address. */
const ANY_ADDRESS = ['0.0.0.0', '::']

const HTTP_PORT = 80

/** Judges requests. */
export class Guard {
  readonly #parts: GuardParts
  readonly #names: ReadonlySet<string>
  readonly #isAnywhere: boolean

  constructor(parts: GuardParts) {
    this.#parts = parts
    this.#isAnywhere = ANY_ADDRESS.includes(parts.host)
    const own = this.#isAnywhere ? [] : [inUrl(parts.host)]
    const isLocal = this.#isAnywhere || isLoopback(parts.host)
    this.#names = new Set([...own, ...(isLocal ? LOOPBACK_NAMES : [])])
  }

  judge(asked: Asked): Verdict {
    if (!this.#isOurName(asked) || !isOwnPage(asked)) return 'foreign'
    const { token } = this.#parts
    if (token === undefined) return 'welcome'
    if (asked.path === '/' && isSame(new URLSearchParams(asked.query).get('token') ?? '', token))
      return 'token'
    return this.#isKnown(asked, token) ? 'welcome' : 'unknown'
  }

  /** What a browser keeps instead of the token: it cannot be turned back into it, and is the same after a restart. */
  cookie(token: string): string {
    return `${this.#cookieName}=${cookieValue(token)}; Path=/; HttpOnly; SameSite=Strict`
  }

  /** Browsers send a cookie to all ports of a machine: two dashboards must not overwrite each other's. */
  get #cookieName(): string {
    return `sluice_dashboard_${this.#parts.port}`
  }

  /** A page of a name that was made to point here (DNS rebinding) asks under that name. */
  #isOurName({ headers, localAddress }: Asked): boolean {
    const host = only(headers.host)
    const asked = host === undefined ? undefined : hostNameOf(host)
    if (asked === undefined) return false
    const { allowedHosts, port } = this.#parts
    if (allowedHosts.some((each) => each.name === asked.name && (each.port ?? asked.port) === asked.port))
      return true
    if ((asked.port ?? HTTP_PORT) !== port) return false
    return this.#names.has(asked.name) || (this.#isAnywhere && asked.name === addressName(localAddress))
  }

  #isKnown({ headers }: Asked, token: string): boolean {
    const [, bearer = ''] = /^bearer +(\S+)$/i.exec(only(headers.authorization) ?? '') ?? []
    if (isSame(bearer, token)) return true
    const cookies = (headers.cookie ?? []).join('; ').split(/; */)
    const start = `${this.#cookieName}=`
    return cookies.some(
      (cookie) => cookie.startsWith(start) && isSame(cookie.slice(start.length), cookieValue(token)),
    )
  }
}

/** Whether the request comes from a page of ours, or from no page at all. To the page itself a link may lead. */
function isOwnPage({ headers, path }: Asked): boolean {
  const origins = headers.origin
  if (origins !== undefined) {
    const host = only(headers.host)?.toLowerCase()
    const origin = only(origins)?.toLowerCase()
    // A proxy in front may speak https.
    if (origin !== `http://${host}` && origin !== `https://${host}`) return false
  }
  const site = headers['sec-fetch-site']
  return path === '/' || site === undefined || ['same-origin', 'none'].includes(only(site) ?? '')
}

/** A header that is said twice says nothing. */
function only(values: readonly string[] | undefined): string | undefined {
  return values?.length === 1 ? values[0] : undefined
}

/** As in Host, without the prefix that an IPv4 address has on a socket for both. */
function addressName(address: string | undefined): string | undefined {
  return address === undefined ? undefined : inUrl(address.replace(/^::ffff:(?=\d+\.)/, ''))
}

function cookieValue(token: string): string {
  return createHmac('sha256', token).update('sluice dashboard').digest('hex')
}

/** In a time that tells nothing of where they differ, nor how long the right one is. */
function isSame(given: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(right))
}
