/** The attributes of an operation: few values in the metric, as told in the span, never a value or a literal of the statement. */
import type { Operation } from '../../core/operation.ts'
import { errorType } from '../recorder.ts'
import type { Attributes } from './api.ts'
import { OTHER, Vocabulary } from './vocabulary.ts'

/** First words of statements, and codes of errors: there are fewer, unless somebody makes them up. */
const MOST_WORDS = 50

/** An SQLSTATE, told from the codes of system calls, some of which are as long (EPIPE). */
const SQLSTATE = /^(?!E[A-Z])[0-9A-Z]{5}$/

/** The attributes of one metric's measurements, over all its pools. */
export class MetricAttributes {
  readonly #names = new Vocabulary(MOST_WORDS)
  readonly #errors = new Vocabulary(MOST_WORDS)
  readonly #summaries: Vocabulary | undefined

  /** @param summaries how many distinct ones there may be; 0 for none */
  constructor(summaries: number) {
    this.#summaries = summaries === 0 ? undefined : new Vocabulary(summaries)
  }

  /** @param server those of the server */
  of(server: Attributes, operation: Operation, error: unknown): Attributes {
    const attributes: Attributes = { ...server, 'db.operation.name': this.#names.of(operation.name) }
    if (this.#summaries !== undefined) attributes['db.query.summary'] = this.#summaries.of(operation.summary)
    if (error === undefined) return attributes
    const { 'error.type': type, 'db.response.status_code': status } = errorAttributes(error)
    const known = this.#errors.of(type)
    attributes['error.type'] = known
    if (status === known) attributes['db.response.status_code'] = status
    return attributes
  }
}

/** What a span begins with. */
export function spanAttributes(server: Attributes, operation: Operation, queryText: boolean): Attributes {
  const attributes: Attributes = {
    ...server,
    'db.operation.name': operation.name,
    'db.query.summary': operation.summary,
  }
  if (queryText) attributes['db.query.text'] = operation.text
  return attributes
}

/** What is said of a failure: its code. Its text may repeat values. */
export function errorAttributes(error: unknown): {
  'error.type': string
  'db.response.status_code'?: string
} {
  const type = errorType(error)
  if (type === 'other') return { 'error.type': OTHER }
  return SQLSTATE.test(type)
    ? { 'error.type': type, 'db.response.status_code': type }
    : { 'error.type': type }
}
