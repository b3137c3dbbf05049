/** What was learned of statements while they ran, for people and for advice. */
import type { StatementClass } from '../config.ts'
import type { StatementKind } from './scan.ts'
import type { Family } from './texts.ts'
import { SHORT_MILLIS } from './times.ts'

/** One statement, its literals aside. Times are of the server, in milliseconds. */
export interface LearnedStatement {
  /** With literals replaced by `?`; of a long one the first 2,000 characters. */
  readonly text: string
  readonly kind: StatementKind
  /** Runs that were timed. It is forgotten with the statement, when more than 2,000 others were used since. */
  readonly calls: number
  /** Of the last 16 runs or so, those left out whose values are known to make it slow. */
  readonly meanMillis: number
  /** What few runs exceed, whatever their values. */
  readonly highMillis: number
  /** Characters of its results that few runs exceed; 0 where they are not known. */
  readonly size: number
  /** Whether it shares connections: `short` may, `slow` has taken too long lately, `mixed` does so for some values only. */
  readonly verdict: 'short' | 'mixed' | 'slow'
  /** The class that fits: `simple` below 100 ms, `moderate` below 1,000, `complex` below 60,000, else `analytical`. */
  readonly class: StatementClass
}

const LONGEST_TEXT = 2_000

/** The `limit` statements that took most time together. */
export function learnedFrom(families: Iterable<Family>, limit: number): readonly LearnedStatement[] {
  const rows: LearnedStatement[] = []
  for (const family of families) if (family.calls > 0) rows.push(rowOf(family))
  rows.sort((a, b) => b.calls * b.meanMillis - a.calls * a.meanMillis)
  return Object.freeze(rows.slice(0, limit))
}

function rowOf({ calls, fingerprint, kind, times, values }: Family): LearnedStatement {
  const valuesHigh = values?.high ?? 0
  const highMillis = Math.max(times.high, valuesHigh)
  return Object.freeze({
    text: fingerprint.slice(0, LONGEST_TEXT),
    kind,
    calls,
    meanMillis: times.mean,
    highMillis,
    size: times.size,
    verdict: times.isShort ? (valuesHigh > SHORT_MILLIS ? 'mixed' : 'short') : 'slow',
    class: classOf(highMillis),
  })
}

/** The class that fits, by what each is expected to take. */
export function classOf(millis: number): StatementClass {
  if (millis < 100) return 'simple'
  if (millis < 1_000) return 'moderate'
  return millis < 60_000 ? 'complex' : 'analytical'
}
