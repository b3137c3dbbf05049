/** Keeps passwords out of whatever is shown to a person or written to a log. */

const HIDDEN = '***'

/** What stands where a password stands, in text that nobody could parse: each keeps what comes before it. */
const SHAPES = [
  // scheme://user:password@, also when the password holds an @, a slash or a question mark
  /(\/\/[^\s:@/?#]*:)\S*(?=@)/g,
  // scheme://user:password with the rest missing; digits alone are a port
  /(\/\/[^\s:@/?#]*:)(?!\d+(?![^\s/?#'"]))[^\s/?#'"@*]+/g,
  // user:password@ without a scheme
  /((?:^|[\s'"])[\w.+-]+:)[^\s/]\S*(?=@)/g,
  // key=value, as in a query, a libpq connection string or a flag
  /((?:^|[\s?&'"])(?:(?:ssl)?password|(?:--)?token)\s*=\s*)(?:'[^']*'|[^\s&'"]+)/gi,
]

/**
 * The passwords in a connection string, well-formed or not, decoded and as written. Longest first, ready for
 * {@link redact}.
 */
export function secretsOf(connectionString: string): string[] {
  const written = [
    // Up to the last @ and up to the first one: which of them ends the password is known only where the string parses.
    /\/\/[^:@/?#]*:(.*)@/s.exec(connectionString)?.[1],
    /\/\/[^:@/?#]*:([^@]*)@/s.exec(connectionString)?.[1],
    URL.canParse(connectionString) ? new URL(connectionString).password : undefined,
    ...[...connectionString.matchAll(/(?:^|[\s?&])(?:ssl)?password=([^&#\s]*)/gi)].map((match) => match[1]),
  ]
  const secrets = new Set(written.flatMap((text = '') => [decoded(text), text]))
  secrets.delete('')
  return [...secrets].sort((a, b) => b.length - a.length)
}

/**
 * `text` without passwords: those in `secrets`, and whatever stands where a password would in anything that
 * looks like a connection string.
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  const known = secrets.reduce((rest, secret) => rest.replace(pattern(secret), HIDDEN), text)
  return SHAPES.reduce((rest, shape) => rest.replace(shape, `$1${HIDDEN}`), known)
}

/**
 * Finds a secret with any of its characters percent-encoded. A short one counts only as a word of its own:
 * cut out of other words it would show more than it hides.
 */
function pattern(secret: string): RegExp {
  const spelt = Array.from(secret, (letter) => `(?:${escaped(letter)}|${encoded(letter)})`).join('')
  return new RegExp(secret.length < 4 ? `(?<!\\w)${spelt}(?!\\w)` : spelt, 'gi')
}

function escaped(letter: string): string {
  return letter.replace(/[.*+?^${}()|[\]\\/-]/, '\\$&')
}

function encoded(letter: string): string {
  return Array.from(
    new TextEncoder().encode(letter),
    (byte) => `%${byte.toString(16).padStart(2, '0')}`,
  ).join('')
}

/** Percent signs that encode nothing are kept as they are. */
function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes)
    } catch {
      return bytes
    }
  })
}
