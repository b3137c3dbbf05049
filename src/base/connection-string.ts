/** What is wrong with a connection string, in words that repeat nothing of it: there is a password in it. */

/** Without a password: it would be hidden like a real one. */
export const SHAPE = 'postgres://user@host:5432/database'

const ENCODE_IT =
  'has characters in its password that a URL gives another meaning; write # as %23, / as %2F, ? as %3F and @ as %40'

/** A connection string that is none, and why: a clause that follows its name. */
export interface Fault {
  readonly why: string
}

/** Reads a connection string as a URL, or says why it is none that pg would understand. */
export function parseConnectionString(text: string): URL | Fault {
  const why = whyNotRead(text)
  if (why !== undefined) return { why }
  const url = parse(text)
  if (url === undefined) return { why: whyNotParsed(text) }
  // Decoding is the driver's next step, and it fails there with a stack.
  const parts = [url.username, url.password, url.hostname, url.pathname]
  return parts.every(isDecodable) ? url : { why: 'has percent-encoded bytes that are no UTF-8 text' }
}

function whyNotRead(text: string): string | undefined {
  if (/^\s*["'`]|["'`]\s*$/.test(text)) return 'stands in quotes; leave them out'
  if (/[\r\n]/.test(text)) return 'has a line break in it; leave it out'
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) return `is not a connection string like ${SHAPE}`
  if (scheme !== 'postgres' && scheme !== 'postgresql')
    return 'must begin with postgres:// or postgresql://, since Postgres is what Sluice speaks here'
  if (hasStrayPassword(text)) return ENCODE_IT
  if (/%(?![0-9a-f]{2})/i.test(text))
    return 'has a % that is not followed by two hexadecimal digits; write a plain % as %25'
  return undefined
}

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
  if (/^[^:]+:\/\/([^/?#]*@)?(?:[/?#:]|$)/.test(text)) return `names no host; it should look like ${SHAPE}`
  const port = /:([^:@/?#\]]*)(?:[/?#]|$)/.exec(text.replace(/^[^:]+:\/\//, ''))?.[1]
  if (port !== undefined && !text.includes('@'))
    return 'has something other than a port number after the host; if that is a password, an @ and a host must follow it'
  if (port !== undefined && !/^\d+$/.test(port)) return 'has a port that is not a number'
  if (Number(port) > 65_535) return 'has a port above 65,535'
  return `is not a connection string like ${SHAPE}`
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
