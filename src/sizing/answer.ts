/** What every formula returns: the number, how it came about, and what it does not know. */

export type Formula =
  | 'agents'
  | 'traffic'
  | 'workers'
  | 'nested'
  | 'hardware'
  | 'instances'
  | 'tier'
  | 'allocation'
  | 'memory'

/** Both ends belong to it. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** One formula's answer. */
export interface Answer {
  readonly formula: Formula
  /** Connections; megabytes where the formula is `memory`. */
  readonly value: number
  /** The formula with its numbers: `50 × 3 + 30 = 180`. */
  readonly arithmetic: string
  /** What the number does not know, and when not to believe it. */
  readonly caveat: string
  /** Where the formula comes from. */
  readonly source: string
}

/** A number as people read it: `1,000`, `7.5`. */
export function said(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 3 })
}

/** `20–200`, or one number where both ends are the same. */
export function saidSpan({ from, to }: Span): string {
  return from === to ? said(from) : `${said(from)}–${said(to)}`
}
