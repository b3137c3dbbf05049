/** Sequential scans that throw most of a large table away, and the index that would spare them. */
import type { Finding } from '../finding.ts'
import { count } from '../words.ts'
import { columnsOf, quoted } from './filter.ts'
import type { PlanNode } from './plan.ts'
import { everyNode, nameOf } from './plan.ts'
import type { Table } from './tables.ts'

/** From here on a table counts as large: below, reading all of it takes a millisecond or two. */
export const LARGE_ROWS = 10_000

/** A scan that keeps more than this share of its rows is done best by reading the table through. */
const KEPT_SHARE = 0.1

/** From here on it hurts now and not only when the table has grown. */
const HURTING_ROWS = 100_000

/** What is wrong with the scans of a plan. */
export function scanFindings(root: PlanNode, tables: readonly Table[]): Finding[] {
  return everyNode(root).flatMap((node) => {
    const table = tables.find(({ schema, name }) => schema === node.schema && name === node.relation)
    if (node.kind !== 'Seq Scan' || table === undefined || node.filter === undefined) return []
    const read = rowsRead(node, table)
    if (read < LARGE_ROWS || kept(node) > KEPT_SHARE * read) return []
    return [scanFinding(node, node.filter, table, read)]
  })
}

function rowsRead({ actual }: PlanNode, { rows }: Table): number {
  // A table that was never analysed has no number; one that was read through has shown it.
  return Math.max(rows ?? 0, actual === undefined ? 0 : actual.rows + actual.removedByFilter)
}

function kept({ actual, rows }: PlanNode): number {
  return actual?.rows ?? rows
}

function scanFinding(node: PlanNode, filter: string, table: Table, read: number): Finding {
  const { equal, ranged } = columnsOf(filter, node.alias ?? table.name, table.columns)
  const compared = [...equal, ...ranged]
  const name = nameOf(node)
  const verb = node.actual === undefined ? 'expected to be ' : ''
  const common = {
    severity: read >= HURTING_ROWS ? 'warning' : 'advice',
    evidence: `${count(read)} rows (${megabytes(table.bytes)}) are read and ${count(kept(node))} of them ${verb}kept${columnsInWords(compared)}.`,
    reason: 'The whole table is read for each run, and the connection is busy as long as that takes.',
  } as const
  // An equality comes first: behind a range an index sorts nothing any more.
  const columns = [...equal, ...ranged.slice(0, 1)]
  if (columns.length === 0 || compared.some((column) => table.leading.includes(column))) {
    return {
      code: 'sequential-scan',
      ...common,
      title: `Table ${name} is read from end to end for a few of its rows`,
      change:
        columns.length === 0
          ? `Compare a column itself, without a function around it, or make an index on that expression; then run EXPLAIN again.`
          : `An index leads with a column of the filter and was not used: run ANALYZE ${quoted(table.schema)}.${quoted(table.name)}, and compare values of the column's own type.`,
    }
  }
  return {
    code: 'missing-index',
    ...common,
    title: `No index of ${name} leads with ${columns.join(' or ')}`,
    change: createIndex(table, columns),
  }
}

function columnsInWords(columns: readonly string[]): string {
  return columns.length === 0 ? '' : `, by ${columns.join(', ')}`
}

/** The statement that makes an index without stopping those who write. */
function createIndex({ schema, name }: Table, columns: readonly string[]): string {
  return `CREATE INDEX CONCURRENTLY ON ${quoted(schema)}.${quoted(name)} (${columns.map(quoted).join(', ')})`
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toLocaleString('en-US', { maximumFractionDigits: 1 })} MB`
}
