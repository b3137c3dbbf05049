/** What is wrong with the other steps of a plan: memory that is short, estimates that are off, loops that go round too often. */
import type { Finding } from '../finding.ts'
import { count } from '../words.ts'
import type { PlanNode } from './plan.ts'
import { everyNode, nameOf } from './plan.ts'

/** By which factor an estimate has to be off. PostgreSQL's own advice looks for an order of magnitude. */
const OFF_FACTOR = 10
/** Fewer rows too many or too few change no plan. */
const OFF_ROWS = 1_000

/** How many rounds of a nested loop are many. */
const MANY_LOOPS = 10_000

/** Sorts and hashes that wrote to disk, or are likely to. @param workMem bytes of `work_mem` */
export function memoryFindings(root: PlanNode, workMem: number): Finding[] {
  return everyNode(root).flatMap((node) => {
    const spilled = node.actual?.spilledKb ?? 0
    if (spilled > 0) return [spillFinding(node, spilled, workMem)]
    const bytes = node.rows * node.width
    const planned = node.kind === 'Sort' && node.actual === undefined && bytes > workMem
    return planned ? [likelyFinding(node, bytes, workMem)] : []
  })
}

function spillFinding({ kind, rows, width, actual }: PlanNode, kilobytes: number, workMem: number): Finding {
  // What is on disk is packed more tightly than the same rows are in memory.
  const needed = Math.max(2 * kilobytes * 1_024, (actual?.rows ?? rows) * width)
  return {
    code: 'spilled',
    severity: 'warning',
    title: `${kind === 'Sort' ? 'A sort' : `A step (${kind})`} did not fit into memory and went to disk`,
    evidence: `${count(kilobytes)} kB on disk for ${count(actual?.rows ?? rows)} rows; work_mem is ${inMemory(workMem)}.`,
    reason: 'Rows are written out and read again, which takes longer than the step itself.',
    change: raise(needed),
  }
}

function likelyFinding({ rows, width }: PlanNode, bytes: number, workMem: number): Finding {
  return {
    code: 'spill-expected',
    severity: 'advice',
    title: 'A sort is not expected to fit into memory',
    evidence: `${count(rows)} rows of ${count(width)} bytes are ${inMemory(bytes)}; work_mem is ${inMemory(workMem)}.`,
    reason: 'What does not fit is written to disk and read again.',
    change: raise(2 * bytes),
  }
}

function raise(bytes: number): string {
  const megabytes = 2 ** Math.ceil(Math.log2(Math.max(2, bytes / 2 ** 20)))
  return `Read fewer rows (LIMIT, or an index that has them in order), or give this statement alone more: SET LOCAL work_mem = '${megabytes}MB' in its transaction.`
}

/** The step nearest to the tables whose estimate is far off: what is above it is off because of it. */
export function estimateFindings(root: PlanNode): Finding[] {
  const found = deepestOff(root)
  if (found === undefined) return []
  const { node, actual } = found
  const on = node.relation === undefined ? '' : ` on ${nameOf(node)}`
  return [
    {
      code: 'estimate-off',
      severity: 'advice',
      title: `The planner is wrong about how many rows ${node.kind}${on} returns`,
      evidence: `${count(node.rows)} rows were expected and ${count(actual)} came: off by ${count(factor(node.rows, actual))}×.`,
      reason: 'The plan was chosen for another number of rows; all steps above this one rest on it.',
      change:
        node.relation === undefined
          ? 'Run ANALYZE on the tables below this step; for columns that depend on each other, CREATE STATISTICS.'
          : `Run ANALYZE on ${nameOf(node)}; if that does not help, CREATE STATISTICS on the columns of the filter, which depend on each other.`,
    },
  ]
}

/** @param limited below a LIMIT, which stops its children early: what they did not read is nobody's mistake */
function deepestOff(node: PlanNode, limited = false): { node: PlanNode; actual: number } | undefined {
  const stops = limited || node.kind === 'Limit'
  for (const child of node.children) {
    const found = deepestOff(child, stops)
    if (found !== undefined) return found
  }
  const { actual, rows } = node
  if (actual === undefined || actual.loops === 0 || (stops && actual.rows < rows)) return undefined
  const off = Math.abs(actual.rows - rows) * actual.loops
  return off >= OFF_ROWS && factor(rows, actual.rows) >= OFF_FACTOR
    ? { node, actual: actual.rows }
    : undefined
}

function factor(expected: number, came: number): number {
  const [less, more] = [Math.max(1, Math.min(expected, came)), Math.max(expected, came)]
  return more / less
}

/** Nested loops whose inner side is run for very many rows. */
export function loopFindings(root: PlanNode): Finding[] {
  return everyNode(root).flatMap((node) => {
    const [outer, inner] = node.children
    if (node.kind !== 'Nested Loop' || outer === undefined || inner === undefined) return []
    const analysed = outer.actual !== undefined
    const rounds = outer.actual === undefined ? outer.rows : outer.actual.rows * outer.actual.loops
    // Kept rows are looked at again and again without a run of their own.
    if (rounds < MANY_LOOPS || inner.rows * rounds === 0) return []
    return [
      {
        code: 'nested-loop',
        severity: 'warning',
        title: `A nested loop goes round ${count(rounds)} times`,
        evidence: `${outer.kind} ${analysed ? 'returned' : 'is expected to return'} ${count(rounds)} rows, and for each of them ${inner.kind}${inner.relation === undefined ? '' : ` on ${nameOf(inner)}`} runs.`,
        reason: 'The time grows with the product of both sides; a hash or merge join reads each side once.',
        change:
          node.joinFilter === undefined
            ? 'Narrow the outer side by a condition, and run ANALYZE on its tables: the planner takes a nested loop for a few rows.'
            : 'Join by equality of two columns instead of another condition, so that a hash join is possible, or narrow the outer side.',
      },
    ]
  })
}

function inMemory(bytes: number): string {
  return bytes < 2 ** 20 ? `${count(bytes / 1_024)} kB` : `${count(bytes / 2 ** 20)} MB`
}
