/** The variables and URL parameters that say something of a pool: what they are called, what they mean, what they may be. */
import { SluiceError } from '../base/errors.ts'
import { readNumber, readWord } from '../base/options.ts'
import { redact } from '../base/redact.ts'

/** Something that is read from a text of a name. */
export interface Variable {
  readonly name: string
  /** The option of the pool that it sets. */
  readonly option: string
  /** What it counts or is, for people. */
  readonly unit: string
  /** Its text where another variable of its family is set and nobody says anything else. */
  readonly fallback?: string
  /**
   * The value of the option; undefined where it says nothing.
   * @param where what to call it in an error
   * @throws SLUICE_BAD_OPTION naming it, its value and its range
   */
  read(text: string, where: string): unknown
}

/** Seconds that a timer of the platform takes, 24.8 days of them. */
const LONGEST_SECONDS = 2_147_483

function text(name: string, option: string): Variable {
  return { name, option, unit: 'text', read: (value) => value }
}

function host(name: string): Variable {
  const read = (value: string, where: string) => {
    if (value.startsWith('/') || /^[^\s,]+$/.test(value)) return value
    const range = 'one host: a name, an address, or the folder of a socket'
    throw new SluiceError(
      'SLUICE_BAD_OPTION',
      `${where} must be ${range}; it is ${JSON.stringify(redact(value))}`,
    )
  }
  return { ...text(name, 'host'), read }
}

function count(name: string, option: string, unit: string, bounds: { min: number; max: number }): Variable {
  return { name, option, unit, read: (value, where) => readNumber({ [where]: value }, where, bounds) }
}

/** Seconds there, milliseconds here. */
function seconds(name: string, option: string, min: number): Variable {
  const bounds = { min, max: LONGEST_SECONDS, whole: false, unit: ' (seconds)' }
  const read = (value: string, where: string) => {
    const given = { [where]: value }
    const said = readNumber(given, where, bounds) as number
    // 0 may mean never; what is less than a millisecond does not.
    if (said !== 0) readNumber(given, where, { ...bounds, min: Math.max(min, 0.001) })
    return Math.round(said * 1_000)
  }
  return { name, option, unit: 'seconds', read }
}

function flag(name: string, option: string, on: unknown, off: unknown): Variable {
  return { name, option, unit: 'true or false', read: (value, where) => (isTrue(where, value) ? on : off) }
}

function isTrue(where: string, value: string): boolean {
  const word = value.trim().toLowerCase()
  if (['true', '1', 'yes', 'on'].includes(word)) return true
  if (['false', '0', 'no', 'off'].includes(word)) return false
  throw new SluiceError(
    'SLUICE_BAD_OPTION',
    `${where} must be true or false; it is ${JSON.stringify(redact(value))}`,
  )
}

/** A word that stands for a value. */
function word(name: string, option: string, values: Readonly<Record<string, unknown>>): Variable {
  const words = Object.keys(values)
  const read = (value: string, where: string) => values[readWord({ [where]: value }, where, words) as string]
  return { name, option, unit: words.join(', '), read }
}

const MODES = { transaction: 'transaction', session: 'session', statement: 'transaction' }
const NO_WORD = { transaction: undefined, session: undefined }
const SIZE = { min: 1, max: 10_000 }
const MORE = { min: 0, max: 10_000 }

/** Where the database is. */
export const ADDRESS: readonly Variable[] = [
  host('DB_HOST'),
  count('DB_PORT', 'port', 'port', { min: 1, max: 65_535 }),
  text('DB_NAME', 'database'),
  text('DB_USERNAME', 'user'),
  text('DB_PASSWORD', 'password'),
]

/**
 * Families of variables: whoever sets one of a family speaks its language, in which the others mean their fallback where
 * nothing else is said. Of two variables for one option the first wins.
 */
export const FAMILIES: readonly (readonly Variable[])[] = [
  [
    { ...count('DB_POOL_SIZE', 'max', 'connections', SIZE), fallback: '10' },
    { ...count('DB_MAX_OVERFLOW', 'maxOverflow', 'connections', MORE), fallback: '20' },
    { ...seconds('DB_POOL_TIMEOUT', 'acquireTimeoutMillis', 0.001), fallback: '30' },
    { ...seconds('DB_POOL_RECYCLE', 'maxLifetimeMillis', 0), fallback: '3600' },
    { ...flag('DB_POOL_PRE_PING', 'prePing', 30_000, false), fallback: 'true' },
    { ...flag('DB_ECHO', 'echo', true, false), fallback: 'false' },
  ],
  [
    { ...count('POOL_SIZE', 'max', 'connections', SIZE), fallback: '10' },
    { ...seconds('POOL_TIMEOUT', 'acquireTimeoutMillis', 0.001), fallback: '60' },
    { ...word('POOL_MODE', 'endpoint', MODES), fallback: 'transaction' },
    // A pooler of statements is one of transactions without any of more than one statement.
    word('POOL_MODE', 'transactions', { ...NO_WORD, statement: false }),
  ],
]

/** Parameters of a connection string. `sslmode` and what is not named here is left to pg. */
export const PARAMETERS: readonly Variable[] = [
  count('connection_limit', 'max', 'connections', SIZE),
  seconds('pool_timeout', 'acquireTimeoutMillis', 0.001),
  seconds('connect_timeout', 'connectionTimeoutMillis', 0.001),
  flag('pgbouncer', 'endpoint', 'transaction', undefined),
  count('statement_cache_size', 'preparedStatementCacheSize', 'statements', MORE),
  word(
    'sslmode',
    'ssl',
    Object.fromEntries(
      ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'].map((mode) => [
        mode,
        mode,
      ]),
    ),
  ),
  text('application_name', 'applicationName'),
]
