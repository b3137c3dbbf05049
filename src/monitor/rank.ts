/** Puts findings in order. */
import type { Finding, Severity } from './finding.ts'

const order: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, advice: 2 }

/** The worst first; among equals those that were said first, so that a cause may stand before its symptoms. */
export function ranked(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => order[a.severity] - order[b.severity])
}
