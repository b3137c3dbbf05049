/** Which statements Sluice sends itself, read from the forms in which pg takes them. */
import { serialize } from '../driver.ts'
import type { Statement } from './flight.ts'
import type { Serialised } from './packet.ts'

/** What a config object may say besides text and values for its statement to be understood here. */
interface Config {
  readonly text?: unknown
  readonly values?: unknown
  readonly name?: unknown
  readonly rowMode?: unknown
  readonly types?: unknown
}

/** Keys that make pg do something of its own with a statement. */
const PGS_OWN = ['submit', 'rows', 'portal', 'binary', 'query_timeout', 'queryMode', 'callback'] as const

/** The protocol counts values, and a name's characters, in fields of this size. */
const MOST_VALUES = 65_535
const LONGEST_NAME = 63

/**
 * Reads a statement and serialises its values. Undefined for one that pg is to send as it was given: query objects, portals,
 * and what pg refuses in words of its own.
 * @throws what pg throws for a value that it cannot send
 */
export function readStatement(given: {
  readonly statement: unknown
  readonly values: unknown
}): Statement | undefined {
  const config =
    typeof given.statement === 'string' ? { text: given.statement } : (given.statement as Config | null)
  if (typeof config !== 'object' || config === null) return undefined
  if (config !== given.statement) return read(config, given.values)
  return PGS_OWN.some((key) => key in config) ? undefined : read(config, given.values || config.values)
}

function read({ text, name, rowMode, types }: Config, values: unknown): Statement | undefined {
  if (typeof text !== 'string' || text === '') return undefined
  if (name !== undefined && (typeof name !== 'string' || name === '' || name.length > LONGEST_NAME))
    return undefined
  if (rowMode !== undefined && rowMode !== 'array') return undefined
  if (values === undefined || values === null) return { text, values: undefined, name, rowMode, types }
  if (!Array.isArray(values) || values.length > MOST_VALUES) return undefined
  return { text, values: values.map(serialised), name, rowMode, types }
}

function serialised(value: unknown): Serialised {
  return serialize(value) ?? null
}
