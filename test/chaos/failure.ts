/** Why a statement failed, in words that both pools share. */
import type pg from 'pg'
import { SluiceError } from '../../src/index.ts'

/** A statement that failed. */
export class Failure extends Error {
  /** The error's code, or its text where it has none. */
  readonly kind: string
  /** Whether a write may have taken effect all the same. */
  readonly effect: 'none' | 'unknown'

  constructor(kind: string, effect: 'none' | 'unknown', cause: unknown) {
    super(kind, { cause })
    this.kind = kind
    this.effect = effect
  }
}

/** Kinds that say no more than that the caller gave up. */
export const GIVEN_UP = new Set(['ABORTED', 'SLUICE_ABORTED'])

/** What only an open can fail with. */
const NEVER_CONNECTED = new Set(['ECONNREFUSED', '53300', '28P01', '28000', '3D000', '57P03'])

/** Reads an error; `effect` is what the caller knows of it, where it does. */
export function failureOf(error: unknown, effect: 'none' | 'unknown' = effectOf(error)): Failure {
  if (error instanceof Failure) return error
  const { code, message } = error as { code?: unknown; message?: string }
  const kind = typeof code === 'string' ? code : (message ?? String(error)).slice(0, 40)
  return new Failure(kind, effect, error)
}

function effectOf(error: unknown): 'none' | 'unknown' {
  if (SluiceError.is(error)) {
    if (error.outcome !== undefined) return error.outcome === 'not-sent' ? 'none' : 'unknown'
    return error.phase === 'query' ? 'unknown' : 'none'
  }
  const { severity, code = '' } = error as pg.DatabaseError
  // The server has refused the statement, and says so in the statement's own place.
  return severity === 'ERROR' || NEVER_CONNECTED.has(code) ? 'none' : 'unknown'
}
