/** What was looked at, one thing after another, and what is to be seen there. */
import type { Finding, Severity } from '../../monitor/finding.ts'
import { count, millis, several } from '../../monitor/words.ts'
import { inWords } from './environment.ts'
import type { Facts } from './facts.ts'

/** One thing that was looked at. */
export interface Look {
  readonly name: string
  /** What is there, in a clause. */
  readonly seen: string
  /** The worst that was found about it. */
  readonly worst: Severity | undefined
}

interface Area {
  readonly name: string
  /** Whether a finding is about it. */
  readonly holds: RegExp
  /** `undefined` where it could not be seen. */
  readonly see: (facts: Facts) => string | undefined
}

const AREAS: readonly Area[] = [
  {
    name: 'database',
    holds: /^transaction-age$/,
    see: ({ health: { checks } }) =>
      checks.database?.status === 'healthy'
        ? `${checks.database.message} in ${millis(checks.database.millis)}`
        : undefined,
  },
  {
    name: 'endpoint',
    holds: /^(endpoint-mismatch|prepared-through-pooler|pipelining-through-pooler|session-mode-serverless)$/,
    see: ({ endpoint }) => `${inWords(endpoint)}: ${endpoint.evidence}`,
  },
  {
    name: 'sessions',
    holds: /^(sessions-near-limit|role-limit|database-limit|hoarded-sessions)$/,
    see: ({ activity: { ofDatabase, ofRole }, health: { checks } }) =>
      checks.sessions &&
      `${checks.sessions.message}, ${count(ofRole)} by this role, ${count(ofDatabase)} in this database`,
  },
  {
    name: 'locks',
    holds: /^blocked$/,
    see: ({ activity: { blocked } }) =>
      blocked.length === 0 ? 'nobody waits for one' : `${several(blocked.length, 'session')} waiting`,
  },
  {
    name: 'transactions',
    holds: /^(idle-in-transaction|leak|prepared-transaction)$/,
    see: ({ activity: { hidden, idleInTransaction }, prepared }) =>
      `${count(idleInTransaction)} idle${visible(hidden)}, ${count(prepared.length)} prepared and not ended`,
  },
  {
    name: 'statements',
    holds:
      /^(long-statement|spilled|spill-expected|estimate-off|nested-loop|sequential-scan|repeated-lookup)$/,
    see: ({ activity: { active, hidden, longest }, plans }) => {
      const time = longest?.statementMillis
      const running = `${count(active)} running${visible(hidden)}${time === undefined ? '' : `, the longest for ${millis(time)}`}`
      return plans === 0 ? running : `${running}; ${several(plans, 'plan')} of those that cost most`
    },
  },
  {
    name: 'tables',
    holds: /^(missing-index|dead-rows)$/,
    see: ({ tables }) =>
      tables.length === 0 ? 'none' : `the statistics of ${several(tables.length, 'table')}`,
  },
  {
    name: 'time limits',
    holds: /^(no-timeouts|idle-beyond-server)$/,
    see: ({ walls }) =>
      walls && `statement ${limit(walls.statement)}, idle in transaction ${limit(walls.idleInTransaction)}`,
  },
  {
    name: 'pool',
    holds: /^(bad-configuration|above-share|wrong-profile|option-.*)$/,
    see: ({ configured: { snapshot }, instances }) => {
      if (snapshot === undefined) return 'the environment describes none that could be made'
      const { max, maxOverflow, min } = snapshot.settings
      const sizes = `min ${count(min)}, max ${count(max)}${maxOverflow === 0 ? '' : ` + ${count(maxOverflow)}`}`
      const processes = instances === 1 ? 'one process' : `each of ${count(instances)} processes`
      return `${sizes} in ${processes}, as the environment says`
    },
  },
]

/** What there is of others the role may not see. */
function visible(hidden: number): string {
  return hidden === 0 ? '' : ' as far as this role may see'
}

function limit(value: number): string {
  return value === 0 ? 'none' : millis(value)
}

/** What was looked at and could be seen. @param findings the worst first */
export function looked(facts: Facts, findings: readonly Finding[]): readonly Look[] {
  return AREAS.flatMap(({ name, holds, see }) => {
    const seen = see(facts)
    const worst = findings.find(({ code }) => holds.test(code))?.severity
    return seen === undefined ? [] : [{ name, seen, worst }]
  })
}
