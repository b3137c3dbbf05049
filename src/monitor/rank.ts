/** Puts findings in order. */
import type { Finding, Severity } from './finding.ts'

/** A finding, and the codes of those that follow from it. */
export interface Draft extends Finding {
  readonly explains?: readonly string[]
}

const SEVERITIES: readonly Severity[] = ['critical', 'warning', 'advice']

interface Place {
  readonly severity: number
  readonly position: number
}

/**
 * The worst first; among equals those that were said first. A cause is never less severe than what follows from it, and comes
 * before it.
 */
export function ranked(drafts: readonly Draft[]): readonly Finding[] {
  const own = drafts.map(
    ({ code, severity }, position) => ({ code, severity: SEVERITIES.indexOf(severity), position }) as const,
  )
  const placeOf = ({ code, explains = [] }: Draft, index: number): Place =>
    own
      .filter((other) => other.code !== code && explains.includes(other.code))
      .map(({ severity, position }) => ({ severity, position: position - 0.5 }))
      .concat(own[index] as Place)
      .toSorted(compare)[0] as Place
  return Object.freeze(
    drafts
      .map((draft, index) => ({ draft, place: placeOf(draft, index) }))
      .toSorted((a, b) => compare(a.place, b.place))
      .map(({ draft: { explains: _, ...finding }, place }) =>
        Object.freeze({ ...finding, severity: SEVERITIES[place.severity] as Severity }),
      ),
  )
}

function compare(a: Place, b: Place): number {
  return a.severity - b.severity || a.position - b.position
}
