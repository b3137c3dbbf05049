/** From what was seen to what is wrong. */
import type { Finding, Severity } from '../../monitor/finding.ts'
import { ranked } from '../../monitor/rank.ts'
import type { Facts } from './facts.ts'
import { ageFindings, preparedFindings, tableFindings, wallFindings } from './server.ts'
import { blockedFindings, crowdFindings, hoardFindings, idlerFindings, longFindings } from './sessions.ts'

// Causes before what follows from them: within one severity this is the order in which they are told.
const rules: readonly ((facts: Facts) => readonly Finding[])[] = [
  preparedFindings,
  blockedFindings,
  idlerFindings,
  hoardFindings,
  ({ configured }) => configured,
  crowdFindings,
  longFindings,
  tableFindings,
  ageFindings,
  wallFindings,
]

/** Everything that is wrong, the worst first. */
export function diagnose(facts: Facts): Finding[] {
  return ranked(rules.flatMap((rule) => rule(facts)))
}

/** The severity of the worst finding. */
export function worst(findings: readonly Finding[]): Severity | undefined {
  return findings[0]?.severity
}
