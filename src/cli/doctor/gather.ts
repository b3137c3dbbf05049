/** Sees what there is to see, one thing after another. What cannot be seen is said, and ends nothing. */
import { messageOf } from '../../base/errors.ts'
import { fingerprint } from '../../base/fingerprint.ts'
import { activity } from '../../monitor/activity.ts'
import { explain } from '../../monitor/explain.ts'
import type { Finding } from '../../monitor/finding.ts'
import { health } from '../../monitor/health.ts'
import { count, millis } from '../../monitor/words.ts'
import type { EndpointFacts } from '../../postgres/knowledge.ts'
import { crop } from '../paint.ts'
import type { Target } from '../target.ts'
import type { Patient } from './ask.ts'
import { configuredBy } from './environment.ts'
import type { Facts, Hoard, PreparedTransaction, TableUse, TransactionAge, Walls } from './facts.ts'
import { AGE, costliest, EXTENSION, HOARDS, PREPARED, STRANGE, TABLES, WALLS } from './questions.ts'

/** Idle for longer, a pool with pg-pool's defaults would have closed it. */
const HOARD_MILLIS = 10_000

/** How many statements are explained at most, and from how many calls on. */
const STATEMENTS = 20
const CALLS = 20
const EXPLAIN_MILLIS = 2_000

/** What else there is to judge by. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly endpoint: EndpointFacts
  readonly timeoutMillis: number
  readonly instances: number
}

/**
 * Gathers the facts.
 *
 * @throws what the first question throws: then nothing can be seen at all
 */
export async function gather(
  patient: Patient,
  target: Target,
  { env, endpoint, instances, timeoutMillis }: Surroundings,
): Promise<Facts> {
  const seen = await activity(patient, { timeoutMillis: 30_000 })
  const unseen = [...seen.unseen, ...unknown(endpoint)]
  const rows = async <R>(what: string, text: string, values: readonly unknown[] = []): Promise<R[]> => {
    try {
      return await patient.ask<R>(text, values)
    } catch (error) {
      unseen.push(`${what}: ${target.redact(messageOf(error))}`)
      return []
    }
  }
  const [walls] = await rows<Walls>('time limits of the role', WALLS)
  const hoards = await rows<Hoard>('idle sessions', HOARDS, [HOARD_MILLIS])
  const prepared = await rows<PreparedTransaction>('prepared transactions', PREPARED)
  const [lent] = isShared(endpoint)
    ? await rows<{ statements: number }>('prepared statements in lent sessions', STRANGE)
    : []
  const [age] = await rows<TransactionAge>('the age of the databases', AGE)
  const tables = await rows<TableUse>('the use of tables', TABLES)
  const configured = await configuredBy(env, endpoint)
  const costly = await explainCostliest(patient, rows, unseen)
  const well = await health(patient, { timeoutMillis })
  const { database } = well.checks
  if (database !== undefined && database.status !== 'healthy')
    unseen.push(`how long SELECT 1 takes: ${target.redact(database.message)}`)
  const server = { walls, hoards, prepared, strange: lent?.statements ?? 0, age, tables, ...costly }
  return { activity: seen, health: well, endpoint, instances, ...server, configured, unseen }
}

/** Whether sessions go from one client to another with whatever was prepared in them. */
function isShared({ endpoint, preparedStatements }: EndpointFacts): boolean {
  return endpoint === 'transaction' && !preparedStatements
}

function unknown({ mode, pooler }: EndpointFacts): string[] {
  if (pooler === undefined || mode !== undefined) return []
  return ['for how long the pooler lends a session: it neither said nor showed it']
}

interface Costly {
  text: string
  calls: number
  millis: number
}

async function explainCostliest(
  patient: Patient,
  rows: <R>(what: string, text: string, values?: readonly unknown[]) => Promise<R[]>,
  unseen: string[],
): Promise<Pick<Facts, 'explained' | 'plans'>> {
  const what = 'which statements cost most'
  const [extension] = await rows<{ schema: string; renamed: boolean }>(what, EXTENSION)
  if (extension === undefined) {
    unseen.push(`${what}: pg_stat_statements is not installed in this database`)
    return { explained: [], plans: 0 }
  }
  const text = costliest(extension.schema, extension.renamed)
  const statements = await rows<Costly>(what, text, [CALLS, STATEMENTS])
  const findings: Finding[] = []
  let failed = 0
  for (const statement of statements) {
    try {
      findings.push(...(await explained(patient, statement)))
    } catch {
      // A table that is gone, one that this role may not read, a parameter whose type is not clear: no plan, and said below.
      failed++
    }
  }
  if (failed > 0) unseen.push(`the plans of ${failed} of the ${statements.length} statements that cost most`)
  return { explained: distinct(findings), plans: statements.length - failed }
}

async function explained(patient: Patient, { text, calls, millis: total }: Costly): Promise<Finding[]> {
  const { findings, tables } = await explain(patient, text, { timeoutMillis: EXPLAIN_MILLIS })
  if (tables.every((table) => /^(?:pg_catalog|information_schema)\./.test(table))) return []
  const told = `${crop(fingerprint(text), 160)} ran ${count(calls)} times, ${millis(total / calls)} each.`
  return findings.map((finding) => ({ ...finding, evidence: `${finding.evidence} ${told}` }))
}

/** Several statements may lack the same index. */
function distinct(findings: readonly Finding[]): Finding[] {
  const known = new Map<string, Finding>()
  for (const finding of findings) {
    const key = `${finding.code} ${finding.change}`
    if (!known.has(key)) known.set(key, finding)
  }
  return [...known.values()]
}
