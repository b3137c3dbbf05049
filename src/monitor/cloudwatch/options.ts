/** What `cloudWatch()` takes besides pools and client. */
import { SluiceError } from '../../base/errors.ts'
import { readFunction, readMillis, readNumber, readOptions, readString } from '../../base/options.ts'

/** Options of `cloudWatch()`. */
export interface CloudWatchOptions {
  /** The namespace of the metrics: 1 to 255 printable ASCII characters, the first no colon, not beginning with `AWS/`. */
  readonly namespace: string
  /** How often the pools are looked at, in milliseconds. 1,000 to 3,600,000; default 60,000. */
  readonly everyMillis?: number | undefined
  /** Further dimensions of each metric besides `PoolName`: 29 at most. */
  readonly dimensions?: Readonly<Record<string, string>> | undefined
  /** How long one request may take, and how long `flush()` and `stop()` wait, in milliseconds. 1 or more; default 10,000. */
  readonly timeoutMillis?: number | undefined
  /** Told when data cannot be sent, at most once a minute, in a turn of its own. The pool never hears of it. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** {@link CloudWatchOptions}, read. */
export interface CloudWatchSettings {
  readonly namespace: string
  readonly everyMillis: number
  /** Those of each pool, by its name. */
  readonly dimensions: ReadonlyMap<string, readonly Dimension[]>
  readonly timeoutMillis: number
  readonly onError: ((error: unknown) => void) | undefined
}

/** A name and a value that tell one metric from another. */
export interface Dimension {
  readonly Name: string
  readonly Value: string
}

const POOL_NAME = 'PoolName'

/** What a metric may have. Source: the API's Dimension and MetricDatum. */
const MOST_DIMENSIONS = 30
const LONGEST_NAME = 255
const LONGEST_VALUE = 1_024

/** Printable ASCII, of which something is not blank. */
const PRINTABLE = /^(?=.*[!-~])[ -~]+$/

/** Reads options. @throws SLUICE_BAD_OPTION */
export function readCloudWatchOptions(
  options: CloudWatchOptions,
  pools: Iterable<string>,
): CloudWatchSettings {
  const known = ['namespace', 'everyMillis', 'dimensions', 'timeoutMillis', 'onError']
  const given = readOptions(options, 'cloudWatch()', known)
  const bounds = { min: 1_000, max: 3_600_000, whole: false, unit: ' (milliseconds)' }
  const further = readDimensions(given.dimensions)
  return {
    namespace: readNamespace(readString(given, 'namespace')),
    everyMillis: readNumber(given, 'everyMillis', bounds) ?? 60_000,
    dimensions: new Map([...pools].map((name) => [name, [dimension(POOL_NAME, name), ...further]])),
    timeoutMillis: readMillis(given, 'timeoutMillis', 1) ?? 10_000,
    onError: readFunction(given, 'onError'),
  }
}

function readNamespace(namespace: string | undefined): string {
  if (namespace === undefined) refuse('namespace is missing: what the metrics stand under')
  if (!isFit(namespace, LONGEST_NAME))
    refuse(
      `namespace must be 1 to 255 printable ASCII characters, the first no colon; it is ${show(namespace)}`,
    )
  if (namespace.startsWith('AWS/'))
    refuse(`namespace must not begin with AWS/, which is kept for AWS; it is ${show(namespace)}`)
  return namespace
}

function readDimensions(value: unknown): Dimension[] {
  if (value === undefined) return []
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuse('dimensions must be an object of names and texts')
  const entries = Object.entries(value)
  if (entries.length >= MOST_DIMENSIONS)
    refuse(`dimensions must be at most ${MOST_DIMENSIONS - 1}; they are ${entries.length}`)
  if (Object.hasOwn(value, POOL_NAME)) refuse(`dimensions has ${POOL_NAME}, which is the name of the pool`)
  return entries.map(([name, each]) => dimension(name, each))
}

function dimension(name: string, value: unknown): Dimension {
  if (!isFit(name, LONGEST_NAME))
    refuse(
      `the name of a dimension must be 1 to 255 printable ASCII characters, the first no colon; it is ${show(name)}`,
    )
  if (typeof value !== 'string' || value.length > LONGEST_VALUE || !PRINTABLE.test(value))
    refuse(`the dimension ${name} must be 1 to 1,024 printable ASCII characters`)
  return { Name: name, Value: value }
}

function isFit(name: string, longest: number): boolean {
  return name.length <= longest && !name.startsWith(':') && PRINTABLE.test(name)
}

function show(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}

function refuse(sentence: string): never {
  throw new SluiceError('SLUICE_BAD_OPTION', sentence)
}
