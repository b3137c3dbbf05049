/** The spans of operations that are under way. */
import type { Operation, OperationEnd } from '../../core/operation.ts'
import type { Attributes, Span, Tracer } from './api.ts'
import { CLIENT, ERROR } from './api.ts'
import { errorAttributes, spanAttributes } from './attributes.ts'

/** One span an operation, from its being asked for to its caller's being told. */
export class Spans {
  readonly #tracer: Tracer
  readonly #queryText: boolean
  readonly #open = new Map<Operation, Span>()

  constructor(tracer: Tracer, queryText: boolean) {
    this.#tracer = tracer
    this.#queryText = queryText
  }

  /** Begins a span, in the caller's turn: the caller's span is its parent. Of one that nobody records nothing is kept. */
  begin(server: Attributes, operation: Operation): void {
    const attributes = spanAttributes(server, operation, this.#queryText)
    const span = this.#tracer.startSpan(operation.summary, { kind: CLIENT, attributes })
    if (span.isRecording()) this.#open.set(operation, span)
  }

  end(operation: Operation, { error }: OperationEnd): void {
    const span = this.#open.get(operation)
    if (span === undefined) return
    // First: whatever the span does, it is not kept.
    this.#open.delete(operation)
    if (error !== undefined) {
      // Without a message, which could only be the error's text.
      span.setStatus({ code: ERROR })
      span.setAttributes({ ...errorAttributes(error) })
    }
    span.end()
  }

  /** The spans of what is still under way, which nobody will end from now on. */
  takeAll(): Span[] {
    const spans = [...this.#open.values()]
    this.#open.clear()
    return spans
  }
}
