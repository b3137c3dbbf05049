/** Reads what EXPLAIN (FORMAT JSON) answers into a tree of our own words. */
import { count } from '../words.ts'

/** One step of a plan. Rows are those of all loops and workers together, as far as the plan tells. */
export interface PlanNode {
  /** The server's own name: `Seq Scan`, `Hash Join`, … */
  readonly kind: string
  readonly schema: string | undefined
  readonly relation: string | undefined
  readonly alias: string | undefined
  readonly index: string | undefined
  /** The server's cost units, this step and all below it. */
  readonly cost: number
  /** Rows that the planner expects of one loop, over all workers. */
  readonly rows: number
  /** Bytes of a row. */
  readonly width: number
  /** What rows are tested against; with the literals and values of the statement. */
  readonly filter: string | undefined
  readonly joinFilter: string | undefined
  /** Only of an analysed plan. */
  readonly actual: Actual | undefined
  readonly children: readonly PlanNode[]
}

/** What a step has really done. */
export interface Actual {
  /** Rows of one loop, over all workers. */
  readonly rows: number
  readonly loops: number
  readonly millis: number
  readonly removedByFilter: number
  /** Kilobytes written to disk because memory was short; 0 for none. */
  readonly spilledKb: number
}

/** A plan and the times that came with it. */
export interface Plan {
  readonly root: PlanNode
  /** Milliseconds; only of an analysed plan. */
  readonly planningMillis: number | undefined
  readonly executionMillis: number | undefined
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads the one value that EXPLAIN (FORMAT JSON) returns, parsed or as text.
 *
 * @throws Error when it is not a plan
 */
export function readPlan(value: unknown): Plan {
  const document: unknown = typeof value === 'string' ? JSON.parse(value) : value
  const first = Array.isArray(document) ? (document[0] as unknown) : undefined
  if (!isFields(first) || !isFields(first.Plan)) throw new Error('BUG: EXPLAIN has not answered with a plan')
  return {
    root: readNode(first.Plan, 1),
    planningMillis: numberOf(first['Planning Time']),
    executionMillis: numberOf(first['Execution Time']),
  }
}

/** Every step, a parent before its children. */
export function everyNode(node: PlanNode): PlanNode[] {
  return [node, ...node.children.flatMap(everyNode)]
}

/** The plan as indented lines, without conditions: those hold the values of the statement. */
export function outline(node: PlanNode, depth = 0): string[] {
  const on = node.relation === undefined ? '' : ` on ${nameOf(node)}`
  const by = node.index === undefined ? '' : ` using ${node.index}`
  const actual = node.actual === undefined ? '' : `, ${count(node.actual.rows)} came in ${node.actual.loops}×`
  const line = `${'  '.repeat(depth)}${node.kind}${by}${on}  (cost ${count(node.cost)}, ${count(node.rows)} rows expected${actual})`
  return [line, ...node.children.flatMap((child) => outline(child, depth + 1))]
}

/** The table of a step, with its schema. */
export function nameOf({ schema, relation = '?' }: PlanNode): string {
  return schema === undefined ? relation : `${schema}.${relation}`
}

/** @param processes how many share the rows of a parallel step */
function readNode(fields: Fields, processes: number): PlanNode {
  const workers = numberOf(fields['Workers Planned'])
  const below = workers === undefined ? processes : workers + 1
  const children = Array.isArray(fields.Plans) ? fields.Plans.filter(isFields) : []
  return {
    kind: textOf(fields['Node Type']) ?? '?',
    schema: textOf(fields.Schema),
    relation: textOf(fields['Relation Name']),
    alias: textOf(fields.Alias),
    index: textOf(fields['Index Name']),
    cost: numberOf(fields['Total Cost']) ?? 0,
    // Below a Gather the planner counts for one process.
    rows: (numberOf(fields['Plan Rows']) ?? 0) * processes,
    width: numberOf(fields['Plan Width']) ?? 0,
    filter: textOf(fields.Filter),
    joinFilter: textOf(fields['Join Filter']),
    actual: readActual(fields, processes),
    children: children.map((child) => readNode(child, below)),
  }
}

function readActual(fields: Fields, processes: number): Actual | undefined {
  const rows = numberOf(fields['Actual Rows'])
  const loops = numberOf(fields['Actual Loops'])
  if (rows === undefined || loops === undefined) return undefined
  // A worker counts as a loop of its own, and the rows are those of a mean loop.
  const together = Math.min(processes, Math.max(1, loops))
  return {
    rows: rows * together,
    loops: Math.max(loops === 0 ? 0 : 1, Math.round(loops / together)),
    millis: numberOf(fields['Actual Total Time']) ?? 0,
    removedByFilter: (numberOf(fields['Rows Removed by Filter']) ?? 0) * together,
    spilledKb: spilled(fields),
  }
}

function spilled(fields: Fields): number {
  if (fields['Sort Space Type'] === 'Disk') return numberOf(fields['Sort Space Used']) ?? 0
  const disk = numberOf(fields['Disk Usage'])
  if (disk !== undefined) return disk
  // A hash says only in how many batches it had to go; what is not in the first one was on disk.
  const batches = numberOf(fields['Hash Batches']) ?? 1
  return batches > 1 ? (batches - 1) * (numberOf(fields['Peak Memory Usage']) ?? 0) : 0
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
