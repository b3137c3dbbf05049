/** `explain()`: asks the server how it would run a statement, and says what is wrong with that. */
import { SluiceError } from '../base/errors.ts'
import { readBoolean, readMillis, readOptions, requireMethods } from '../base/options.ts'
import type { Learned } from './explain/lookups.ts'
import { repeatedLookups } from './explain/lookups.ts'
import type { Plan, PlanNode } from './explain/plan.ts'
import { everyNode, outline, readPlan } from './explain/plan.ts'
import { scanFindings } from './explain/scans.ts'
import { estimateFindings, loopFindings, memoryFindings } from './explain/steps.ts'
import { lookUp } from './explain/tables.ts'
import type { Finding } from './finding.ts'
import { ranked } from './rank.ts'

/** What `explain()` needs of a connection. */
export interface ExplainClient {
  query(config: { text: string; values?: unknown[]; queryMode?: string }): Promise<{ rows: unknown[] }>
  release(error?: Error | boolean): void
}

/** What `explain()` needs of a pool: Sluice's and pg's have it. */
export interface ExplainSource {
  connect(): Promise<ExplainClient>
  /** What the pool has learned of the statements that ran through it. */
  statements?(): readonly Learned[]
}

/** Options of `explain()`. */
export interface ExplainOptions {
  /** What the parameters stand for. Without them the plan is the one for any value. */
  readonly values?: readonly unknown[]
  /** Runs the statement and measures it, in a transaction that is rolled back. Default false. */
  readonly analyze?: boolean
  /** Also analyses what writes. What it did is rolled back, but sequences move, and its locks are held meanwhile. Default false. */
  readonly writes?: boolean
  /** How long each step may take at the server, in milliseconds from 1. Default 10,000. */
  readonly timeoutMillis?: number
}

/** What `explain()` found. Nothing in it holds a value or a literal of the statement. */
export interface Explanation {
  /** The plan as indented lines, without conditions. */
  readonly plan: readonly string[]
  /** The planner's cost units of the whole statement. */
  readonly cost: number
  /** Rows that the planner expects. */
  readonly rows: number
  /** The tables that are read or written, `schema.table`. */
  readonly tables: readonly string[]
  /** Milliseconds of the run; only with `analyze`. */
  readonly millis: number | undefined
  /** Worst first. */
  readonly findings: readonly Finding[]
}

interface Settings {
  values: readonly unknown[] | undefined
  analyze: boolean
  writes: boolean
  timeoutMillis: number
}

const NAME = 'sluice_explain'

/**
 * How the server would run one statement, and what is wrong with that: sequential scans that throw most of a large table
 * away, indexes that are missing, sorts that do not fit into memory, estimates that are far off, nested loops over many
 * rows, and lookups by key that the pool has seen again and again. Plans only, unless `analyze` is said, in a read-only
 * transaction that is rolled back. More than one statement is refused by the server itself, which is only ever asked to
 * prepare the text.
 *
 * @throws SLUICE_BAD_OPTION; what the server says of the statement
 */
export async function explain(
  pool: ExplainSource,
  sql: string,
  options: ExplainOptions = {},
): Promise<Explanation> {
  requireMethods(pool, 'explain()', ['connect'])
  const settings = readSettings(sql, options)
  const client = await pool.connect()
  // What was run may have left something in its session that no rollback takes back, such as an advisory lock.
  let broken: Error | boolean | undefined = settings.analyze
  try {
    return await examine(client, sql, settings, pool.statements?.() ?? [])
  } catch (error) {
    broken = (await restored(client)) ?? broken
    throw error
  } finally {
    client.release(broken)
  }
}

function readSettings(sql: string, options: ExplainOptions): Settings {
  const given = readOptions(options, 'explain()', ['values', 'analyze', 'writes', 'timeoutMillis'])
  if (typeof sql !== 'string' || sql.trim() === '')
    throw new SluiceError('SLUICE_BAD_OPTION', 'explain() takes the text of one statement')
  const { values } = options
  if (values !== undefined && !Array.isArray(values))
    throw new SluiceError('SLUICE_BAD_OPTION', 'values must be a list, one value for each parameter')
  return {
    values,
    analyze: readBoolean(given, 'analyze') ?? false,
    writes: readBoolean(given, 'writes') ?? false,
    timeoutMillis: readMillis(given, 'timeoutMillis', 1) ?? 10_000,
  }
}

/** Leaves no transaction behind; an error means that the connection cannot be trusted any more. */
async function restored(client: ExplainClient): Promise<Error | undefined> {
  try {
    await client.query({ text: 'ROLLBACK' })
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

async function examine(
  client: ExplainClient,
  sql: string,
  settings: Settings,
  learned: readonly Learned[],
): Promise<Explanation> {
  await client.query({ text: 'BEGIN TRANSACTION READ ONLY' })
  await client.query({
    text: `SELECT set_config('statement_timeout', $1, true), set_config('plan_cache_mode', 'force_generic_plan', true)`,
    values: [String(Math.ceil(settings.timeoutMillis))],
  })
  const planned = await planOf(client, sql, settings.values, settings.analyze)
  const nodes = everyNode(planned.root)
  const names = tablesOf(nodes)
  const tables = await lookUp((text, values) => client.query({ text, values: [...values] }), names)
  const memory = await client.query({
    text: `SELECT pg_size_bytes(current_setting('work_mem'))::float8 AS bytes`,
  })
  const plan = settings.analyze ? await analysed(client, sql, settings, nodes) : planned
  await client.query({ text: 'ROLLBACK' })
  const { root } = plan
  const workMem = (memory.rows[0] as { bytes: number }).bytes
  return {
    plan: outline(root),
    cost: root.cost,
    rows: root.rows,
    tables: names.map(({ schema, name }) => `${schema}.${name}`),
    millis: plan.executionMillis,
    findings: ranked([
      ...scanFindings(root, tables),
      ...memoryFindings(root, workMem),
      ...estimateFindings(root),
      ...loopFindings(root),
      ...repeatedLookups({ text: sql, rows: root.actual?.rows ?? root.rows }, learned),
    ]),
  }
}

/** The plan for the values, or for any values where none were given. */
async function planOf(
  client: ExplainClient,
  sql: string,
  values: readonly unknown[] | undefined,
  analyze: boolean,
): Promise<Plan> {
  if (values !== undefined) return ask(client, `EXPLAIN (FORMAT JSON, VERBOSE) ${sql}`, values)
  // A prepared statement outlives the transaction, but not if it is taken back; in a failed one that needs the savepoint.
  await client.query({ text: `SAVEPOINT ${NAME}` })
  let made = false
  try {
    await client.query({ text: `PREPARE ${NAME} AS ${sql}`, queryMode: 'extended' })
    made = true
    const { rows } = await client.query({
      text: 'SELECT cardinality(parameter_types) AS n FROM pg_catalog.pg_prepared_statements WHERE name = $1',
      values: [NAME],
    })
    const { n } = rows[0] as { n: number }
    if (analyze && n > 0) {
      throw new SluiceError(
        'SLUICE_BAD_OPTION',
        `analyze runs the statement, so values must have ${n} of them, one for each parameter`,
      )
    }
    const nulls = n === 0 ? '' : `(${Array.from({ length: n }, () => 'NULL').join(', ')})`
    return await ask(client, `EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE ${NAME}${nulls}`, [])
  } finally {
    await client.query({ text: `ROLLBACK TO SAVEPOINT ${NAME}` })
    if (made) await client.query({ text: `DEALLOCATE ${NAME}` })
  }
}

/** Runs the statement; what writes only if that was said, and then without the read-only wall, which would stop it. */
async function analysed(
  client: ExplainClient,
  sql: string,
  { values = [], writes, timeoutMillis }: Settings,
  nodes: readonly PlanNode[],
): Promise<Plan> {
  if (!writes && nodes.some(({ kind }) => kind === 'ModifyTable' || kind === 'LockRows')) {
    throw new SluiceError(
      'SLUICE_BAD_OPTION',
      'analyze runs the statement, and this one writes or locks rows: say writes: true to have it run and rolled back, or leave analyze away',
    )
  }
  if (writes) {
    await client.query({ text: 'ROLLBACK' })
    await client.query({ text: 'BEGIN TRANSACTION READ WRITE' })
    await client.query({
      text: `SELECT set_config('statement_timeout', $1, true)`,
      values: [String(Math.ceil(timeoutMillis))],
    })
  }
  return ask(client, `EXPLAIN (FORMAT JSON, VERBOSE, ANALYZE) ${sql}`, values)
}

// The extended protocol takes one statement and no more: text that tries to end it and begin another is refused.
async function ask(client: ExplainClient, text: string, values: readonly unknown[]): Promise<Plan> {
  const { rows } = await client.query({ text, values: [...values], queryMode: 'extended' })
  return readPlan((rows[0] as Record<string, unknown>)['QUERY PLAN'])
}

function tablesOf(nodes: readonly PlanNode[]): { schema: string; name: string }[] {
  const names = new Map<string, { schema: string; name: string }>()
  for (const { schema, relation: name } of nodes) {
    if (schema !== undefined && name !== undefined) names.set(`${schema}.${name}`, { schema, name })
  }
  return [...names.values()]
}
