/** From what was seen to what is wrong. */
import { draftsOf, serverDrafts } from '../../monitor/advise.ts'
import type { Finding, Severity } from '../../monitor/finding.ts'
import type { Draft } from '../../monitor/rank.ts'
import { ranked } from '../../monitor/rank.ts'
import type { Facts } from './facts.ts'
import {
  ageFindings,
  hoardFindings,
  preparedFindings,
  strangeFindings,
  tableFindings,
  wallFindings,
} from './server.ts'

/** Everything that is wrong, the worst first. */
export function diagnose(facts: Facts): readonly Finding[] {
  return ranked([
    ...facts.configured.findings,
    ...advice(facts),
    ...strangeFindings(facts),
    ...preparedFindings(facts),
    ...hoardFindings(facts),
    ...tableFindings(facts),
    ...ageFindings(facts),
    ...wallFindings(facts),
  ])
}

/** What is said of the sessions, and of the pool that the environment describes where there could be one. */
function advice({ activity, configured, instances }: Facts): readonly Draft[] {
  return configured.snapshot === undefined
    ? serverDrafts(activity)
    : draftsOf(configured.snapshot, activity, { instances })
}

/** The severity of the worst finding. */
export function worst(findings: readonly Finding[]): Severity | undefined {
  return findings[0]?.severity
}
