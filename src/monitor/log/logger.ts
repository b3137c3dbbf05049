/** The loggers that people have, and one way to write to each. */
import { requireMethods } from '../../base/options.ts'

/** How much a line matters. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** What a line says besides its message: flat, and nothing in it is a secret or a value of a statement. */
export type LogFields = Readonly<Record<string, string | number>>

/** A logger that takes the fields first, as pino and bunyan do. */
export type FieldsFirst = Readonly<Record<LogLevel, (fields: LogFields, message: string) => unknown>>

/** A logger that takes the message first, as winston and `console` do. */
export type MessageFirst = Readonly<Record<LogLevel, (message: string, fields: LogFields) => unknown>>

/** What comes first in the calls of a logger. */
export type LoggerShape = 'fields-first' | 'message-first'

export type Write = (level: LogLevel, message: string, fields: LogFields) => void

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** Every pino has the first, its children too; every bunyan the second. */
const MARKS = ['bindings', 'addStream']

/**
 * One way to write to a logger. A line that it refuses, at once or with a promise, is lost and told to `failed`.
 * @throws SLUICE_BAD_OPTION for what is no logger
 */
export function writerOf(
  logger: FieldsFirst | MessageFirst,
  shape: LoggerShape | undefined,
  failed: () => void,
): Write {
  requireMethods(logger, 'log()', LEVELS, 'a logger')
  const methods = logger as Readonly<Record<string, unknown>>
  const isFieldsFirst =
    (shape ?? (MARKS.some((mark) => isFunction(methods[mark])) ? 'fields-first' : 'message-first')) ===
    'fields-first'
  return (level, message, fields) => {
    try {
      // Looked up anew for each line: pino puts other functions there when its level is changed.
      const answer = isFieldsFirst
        ? (logger as FieldsFirst)[level](fields, message)
        : (logger as MessageFirst)[level](message, fields)
      if (answer instanceof Promise) answer.catch(failed)
    } catch {
      failed()
    }
  }
}

function isFunction(value: unknown): value is (...given: never[]) => unknown {
  return typeof value === 'function'
}
