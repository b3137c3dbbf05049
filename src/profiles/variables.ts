/** The variables and URL parameters that say something of a pool: what they are called, what they mean, what they may be. */
import { SluiceError } from '../base/errors.ts'
import { closest, readNumber, readWord, readWordOfAnyCase } from '../base/options.ts'
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
function word(
  name: string,
  option: string,
  values: Readonly<Record<string, unknown>>,
  readOne: typeof readWord = readWordOfAnyCase,
): Variable {
  const words = Object.keys(values)
  const read = (value: string, where: string) => values[readOne({ [where]: value }, where, words) as string]
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

/** What pg reads itself where nobody says anything, for whoever has named nothing better. */
export const STANDARD: readonly Variable[] = [
  text('PGHOST', 'host'),
  count('PGPORT', 'port', 'port', { min: 1, max: 65_535 }),
  text('PGDATABASE', 'database'),
  text('PGUSER', 'user'),
  text('PGPASSWORD', 'password'),
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
    // Without a fallback: what an endpoint is can be asked, and a wrong guess costs lanes and LISTEN.
    word('POOL_MODE', 'endpoint', MODES),
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
    // pg, which reads it too, takes it as it is written.
    readWord,
  ),
  text('application_name', 'applicationName'),
]

/** Variables that choose a row of a table. */
const CHOOSING = ['POOL_TRAFFIC', 'SLUICE_PROFILE', 'SLUICE_ENVIRONMENT']

/** Variables that nobody else would give such a name. */
const OURS = /^(?:DB_POOL|POOL_|SLUICE_)/

/** Refuses variables that are ours but for their spelling. @throws SLUICE_BAD_OPTION naming all of them */
export function refuseMisspelt(env: Readonly<Record<string, string | undefined>>): void {
  const known = [...FAMILIES.flat().map(({ name }) => name), ...CHOOSING].filter((name) => OURS.test(name))
  const names = Object.keys(env).filter((name) => OURS.test(name) && env[name])
  refuseClose(names, known, (name) => `${name} is not a variable of Sluice`)
}

/** What stands in connection strings for pg and others, however much it looks like a parameter of ours. */
const OTHERS = new Set(['ssl', 'sslcert', 'sslkey', 'sslrootcert', 'fallback_application_name'])

/** The same for parameters of a connection string. @throws SLUICE_BAD_OPTION */
export function refuseMisspeltParameters(parameters: URLSearchParams, source: string): void {
  const known = PARAMETERS.map(({ name }) => name)
  const names = [...parameters.keys()].filter((name) => !OTHERS.has(name))
  refuseClose(names, known, (name) => `${name} of ${source} is not a parameter that Sluice knows`)
}

function refuseClose(
  names: readonly string[],
  known: readonly string[],
  isNot: (name: string) => string,
): void {
  const faults = names.flatMap((name) => {
    const meant = known.includes(name) ? undefined : closest(name, known)
    return meant === undefined ? [] : [`${isNot(name)}; did you mean ${meant}?`]
  })
  if (faults.length > 0) throw new SluiceError('SLUICE_BAD_OPTION', faults.join(' '))
}
