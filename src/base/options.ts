/** Reads options that people give: numbers, numeric strings and `undefined`; everything else is refused in one sentence. */
import { SluiceError } from './errors.ts'
import { redact } from './redact.ts'

/** Options as they came in. */
export type Given = Readonly<Record<string, unknown>>

/** The largest delay that a timer of the platform takes: 2^31 − 1 ms, 24.8 days. */
const LONGEST_MILLIS = 2_147_483_647

function refuse(name: string, value: unknown, range: string): never {
  throw new SluiceError('SLUICE_BAD_OPTION', `${name} must be ${range}; it is ${show(value)}`)
}

/** Of a longer text the beginning tells what it is. */
const LONGEST_SHOWN = 60

function show(value: unknown): string {
  if (typeof value === 'string') {
    // What stands in the wrong place may be a connection string.
    const text = redact(value)
    return JSON.stringify(text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text)
  }
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

function group(value: number): string {
  return value.toLocaleString('en-US')
}

/** The number that a text spells in plain decimals, blanks around it allowed; undefined for any other text, also what only a program takes for a number (`0x10`, `1e3`). */
export function numberIn(text: string): number | undefined {
  return /^\s*-?(?:\d+\.?\d*|\.\d+)\s*$/.test(text) ? Number(text) + 0 : undefined
}

/** A number from `min` to `max`, or a string that spells one. @throws SLUICE_BAD_OPTION */
export function readNumber(
  given: Given,
  name: string,
  bounds: { min: number; max: number; whole?: boolean; unit?: string },
): number | undefined {
  const value = given[name]
  if (value === undefined) return undefined
  const number = typeof value === 'string' ? numberIn(value) : value
  const { min, max, whole = true, unit = '' } = bounds
  const inRange = typeof number === 'number' && number >= min && number <= max
  if (inRange && (!whole || Number.isInteger(number))) return number
  const range =
    max === Number.POSITIVE_INFINITY ? `${group(min)} or more` : `from ${group(min)} to ${group(max)}`
  return refuse(name, value, `a ${whole ? 'whole ' : ''}number ${range}${unit}`)
}

/** A duration in milliseconds from `min` (0 by default) to 24.8 days. @throws SLUICE_BAD_OPTION */
export function readMillis(given: Given, name: string, min = 0): number | undefined {
  return readNumber(given, name, { min, max: LONGEST_MILLIS, whole: false, unit: ' (milliseconds)' })
}

/** A boolean. @throws SLUICE_BAD_OPTION */
export function readBoolean(given: Given, name: string): boolean | undefined {
  const value = given[name]
  return value === undefined || typeof value === 'boolean' ? value : refuse(name, value, 'true or false')
}

/** A string. The value is not repeated in the error, since it may be a connection string. @throws SLUICE_BAD_OPTION */
export function readString(given: Given, name: string): string | undefined {
  const value = given[name]
  if (value === undefined || typeof value === 'string') return value
  throw new SluiceError('SLUICE_BAD_OPTION', `${name} must be a string; it is of type ${typeof value}`)
}

/** A function. @throws SLUICE_BAD_OPTION */
export function readFunction<F>(given: Given, name: string): F | undefined {
  const value = given[name]
  return value === undefined || typeof value === 'function'
    ? (value as F | undefined)
    : refuse(name, value, 'a function')
}

/** One of a few words. @throws SLUICE_BAD_OPTION */
export function readWord<W extends string>(given: Given, name: string, words: readonly W[]): W | undefined {
  const value = given[name]
  if (value === undefined || words.includes(value as W)) return value as W | undefined
  return refuse(name, value, `one of ${words.map((word) => `'${word}'`).join(', ')}`)
}

/** One of a few words, as people write them in variables: space around it and its case do not count. @throws SLUICE_BAD_OPTION */
export function readWordOfAnyCase<W extends string>(
  given: Given,
  name: string,
  words: readonly W[],
): W | undefined {
  const value = given[name]
  const plain = typeof value === 'string' ? value.trim().toLowerCase() : undefined
  return words.find((word) => word === plain) ?? readWord(given, name, words)
}

/**
 * Options that stand together in an object, under their full names (`retry.attempts`), for the readers above. `true` is an
 * empty object; `undefined` and `false` are none at all. @throws SLUICE_BAD_OPTION also for a name that is not `known`
 */
export function readGroup(value: unknown, name: string, known: readonly string[]): Given | undefined {
  if (value === undefined || value === false) return undefined
  if (value === true) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse(name, value, `true, false or an object of ${known.join(', ')}`)
  const group: Record<string, unknown> = {}
  for (const [key, option] of Object.entries(value)) {
    if (option === undefined) continue
    if (!known.includes(key)) {
      const meant = closest(key, known)
      const hint = meant === undefined ? `it has ${known.join(', ')}` : `did you mean ${name}.${meant}?`
      throw new SluiceError('SLUICE_BAD_OPTION', `${name}.${key} is not an option of Sluice; ${hint}`)
    }
    group[`${name}.${key}`] = option
  }
  return group
}

/**
 * The options of a call, for the readers above; `undefined` is none.
 *
 * @param what the call, as in `health()`
 * @throws SLUICE_BAD_OPTION for what is no object, and for a name that is not `known`
 */
export function readOptions(value: unknown, what: string, known: readonly string[]): Given {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SluiceError(
      'SLUICE_BAD_OPTION',
      `${what} takes an object of ${known.join(', ')}; it got ${show(value)}`,
    )
  for (const [name, option] of Object.entries(value)) {
    if (option === undefined || known.includes(name)) continue
    const meant = closest(name, known)
    const hint = meant === undefined ? `it has ${known.join(', ')}` : `did you mean ${meant}?`
    throw new SluiceError('SLUICE_BAD_OPTION', `${name} is not an option of ${what}; ${hint}`)
  }
  return value as Given
}

/**
 * What a call is made for, by the methods that it needs of it.
 * @param noun what it takes, where that is no pool
 * @throws SLUICE_BAD_OPTION for what has not all of them
 */
export function requireMethods(
  value: unknown,
  what: string,
  methods: readonly string[],
  noun = 'a pool',
): void {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
  if (!isObject) throw new SluiceError('SLUICE_BAD_OPTION', `${what} takes ${noun}; it got ${show(value)}`)
  const missing = methods.find((name) => typeof (value as Given)[name] !== 'function')
  if (missing === undefined) return
  throw new SluiceError('SLUICE_BAD_OPTION', `${what} takes ${noun}; what it got has no ${missing}()`)
}

/** The known name that a misspelt one most likely means: at most two edits away (one for short names), ignoring case and underscores. */
export function closest(name: string, known: Iterable<string>): string | undefined {
  const plain = fold(name)
  let best: string | undefined
  let fewest = plain.length <= 4 ? 2 : 3
  for (const candidate of known) {
    const edits = distance(plain, fold(candidate), fewest)
    if (edits < fewest) {
      best = candidate
      fewest = edits
    }
  }
  return best
}

function fold(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

/** Levenshtein distance, or `limit` when it is at least that. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return Math.min(limit, row[b.length] as number)
}
