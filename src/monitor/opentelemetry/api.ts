/** What is needed of OpenTelemetry's API: a meter, and for spans a tracer. Those of `@opentelemetry/api` fit. */

/** Attributes of a measurement or a span. */
export type Attributes = Record<string, string | number>

/** How an instrument is described. */
export interface InstrumentOptions {
  description?: string
  unit?: string
  advice?: { explicitBucketBoundaries?: number[] }
}

/** An instrument that values are recorded with. */
export interface HistogramInstrument {
  record(value: number, attributes?: Attributes): void
}

/** An instrument that is asked for its values. */
export interface ObservableInstrument {
  addCallback(callback: (result: unknown) => void): void
}

/** Where the values of several instruments are told, when somebody collects. */
export interface BatchResult {
  observe(instrument: ObservableInstrument, value: number, attributes?: Attributes): void
}

/** OpenTelemetry's `Meter`, as far as it is needed. */
export interface Meter {
  createHistogram(name: string, options?: InstrumentOptions): HistogramInstrument
  createObservableCounter(name: string, options?: InstrumentOptions): ObservableInstrument
  createObservableUpDownCounter(name: string, options?: InstrumentOptions): ObservableInstrument
  addBatchObservableCallback(
    callback: (result: BatchResult) => void,
    instruments: ObservableInstrument[],
  ): void
  removeBatchObservableCallback(
    callback: (result: BatchResult) => void,
    instruments: ObservableInstrument[],
  ): void
}

/** OpenTelemetry's `Span`, as far as it is needed. */
export interface Span {
  isRecording(): boolean
  setAttributes(attributes: Attributes): unknown
  setStatus(status: { code: number }): unknown
  end(): void
}

/** OpenTelemetry's `Tracer`, as far as it is needed. */
export interface Tracer {
  startSpan(name: string, options?: { kind?: number; attributes?: Attributes }): Span
}

/** `SpanKind.CLIENT`, whose number the API has fixed. */
export const CLIENT = 2

/** `SpanStatusCode.ERROR`, likewise. */
export const ERROR = 2
