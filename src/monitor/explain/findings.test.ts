/** The rules of `explain()` on plans, at each threshold and just below. */
import { expect, test } from 'vitest'
import { repeatedLookups } from './lookups.ts'
import type { PlanNode } from './plan.ts'
import { readPlan } from './plan.ts'
import { LARGE_ROWS, scanFindings } from './scans.ts'
import { estimateFindings, loopFindings, memoryFindings } from './steps.ts'
import type { Table } from './tables.ts'

type Fields = Record<string, unknown>
const node = (kind: string, fields: Fields = {}, ...children: Fields[]): Fields => ({
  'Node Type': kind,
  'Total Cost': 1,
  'Plan Rows': 1,
  'Plan Width': 100,
  ...fields,
  ...(children.length > 0 && { Plans: children }),
})
const plan = (fields: Fields): PlanNode => readPlan([{ Plan: fields }]).root
const came = (rows: number, loops = 1): Fields => ({ 'Actual Rows': rows, 'Actual Loops': loops })

const table = (rows: number | undefined, leading: string[] = ['id']): Table => ({
  schema: 'public',
  name: 'big',
  rows,
  bytes: 8 * 2 ** 20,
  columns: ['id', 'a', 'at'],
  leading,
})
const scan = (rows: number, fields: Fields = {}): PlanNode =>
  plan(
    node('Seq Scan', {
      ...{ Schema: 'public', 'Relation Name': 'big', Alias: 'b', 'Plan Rows': rows },
      ...{ Filter: '((b.at > $1) AND (b.a = 4711))' },
      ...fields,
    }),
  )

test('a scan of a large table for a tenth of its rows lacks an index', () => {
  const [finding] = scanFindings(scan(LARGE_ROWS / 10), [table(LARGE_ROWS)])
  expect(finding).toMatchObject({
    code: 'missing-index',
    severity: 'advice',
    title: 'No index of public.big leads with a or at',
    evidence: '10,000 rows (8 MB) are read and 1,000 of them expected to be kept, by a, at.',
    change: 'CREATE INDEX CONCURRENTLY ON "public"."big" ("a", "at")',
  })
  expect(JSON.stringify(finding)).not.toContain('4711')
})

test('from 100,000 rows on that is a warning', () => {
  const severity = (rows: number): unknown => scanFindings(scan(1), [table(rows)])[0]?.severity
  expect([severity(99_999), severity(100_000)]).toEqual(['advice', 'warning'])
})

test('a small table may be read through, and so may one of which more than a tenth is wanted', () => {
  expect(scanFindings(scan(1), [table(LARGE_ROWS - 1)])).toEqual([])
  expect(scanFindings(scan(LARGE_ROWS / 10 + 1), [table(LARGE_ROWS)])).toEqual([])
  expect(scanFindings(scan(1, { Filter: undefined }), [table(LARGE_ROWS)])).toEqual([])
})

test('an index that is there is not proposed again', () => {
  const [finding] = scanFindings(scan(1), [table(LARGE_ROWS, ['id', 'a'])])
  expect(finding).toMatchObject({ code: 'sequential-scan', change: expect.stringContaining('was not used') })
})

test('a filter that no index could serve says so', () => {
  const [finding] = scanFindings(scan(1, { Filter: '(abs(b.a) = 1)' }), [table(LARGE_ROWS)])
  expect(finding).toMatchObject({ code: 'sequential-scan', change: expect.stringContaining('expression') })
})

test('a table that was never analysed is judged by what came', () => {
  const measured = { ...came(5), 'Rows Removed by Filter': LARGE_ROWS }
  expect(scanFindings(scan(1), [table(undefined)])).toEqual([])
  expect(scanFindings(scan(1, measured), [table(undefined)])[0]?.code).toBe('missing-index')
})

test('a sort that went to disk says what it needs', () => {
  const sort = plan(node('Sort', { ...came(9), 'Sort Space Type': 'Disk', 'Sort Space Used': 5_000 }))
  expect(memoryFindings(sort, 4 * 2 ** 20)[0]).toMatchObject({
    code: 'spilled',
    severity: 'warning',
    evidence: '5,000 kB on disk for 9 rows; work_mem is 4 MB.',
    change: expect.stringContaining("work_mem = '16MB'"),
  })
})

test('a sort of more than work_mem is expected to go there', () => {
  const codes = (rows: number): string[] =>
    memoryFindings(plan(node('Sort', { 'Plan Rows': rows })), 100_000).map(({ code }) => code)
  expect([codes(1_000), codes(1_001)]).toEqual([[], ['spill-expected']])
})

test('an estimate that is off by ten and by a thousand rows is told, where it begins', () => {
  const off = (expected: number, rows: number): string | undefined =>
    estimateFindings(plan(node('Seq Scan', { 'Plan Rows': expected, ...came(rows) })))[0]?.evidence
  expect(off(112, 1_111)).toBeUndefined()
  expect(off(111, 1_110)).toBeUndefined()
  expect(off(111, 1_111)).toBe('111 rows were expected and 1,111 came: off by 10×.')
  expect(off(20_000, 2_000)).toBeDefined()
  const joined = node('Hash Join', came(90_000), node('Seq Scan', { ...came(50_000), 'Relation Name': 'x' }))
  expect(estimateFindings(plan(joined)).map(({ title }) => title)).toEqual([
    'The planner is wrong about how many rows Seq Scan on x returns',
  ])
})

test('what a LIMIT did not read is no wrong estimate', () => {
  const limited = node('Limit', came(1), node('Seq Scan', { 'Plan Rows': 50_000, ...came(1) }))
  expect(estimateFindings(plan(limited))).toEqual([])
})

test('a nested loop over 10,000 rows is told', () => {
  const loop = (fields: Fields): unknown[] =>
    loopFindings(plan(node('Nested Loop', {}, node('Seq Scan', fields), node('Index Scan'))))
  expect(loop({ 'Plan Rows': 9_999 })).toEqual([])
  expect(loop({ 'Plan Rows': 10_000 })).toMatchObject([{ code: 'nested-loop' }])
  expect(loop({ 'Plan Rows': 1, ...came(10_000) })).toMatchObject([{ code: 'nested-loop' }])
})

const list = { text: 'select * from orders where day = ?', calls: 100 }
const lookup = (calls: number): { text: string; calls: number } => ({
  text: 'select name from customer where id = $1',
  calls,
})

test('lookups that ran about once for each row of a list are repeated lookups', () => {
  const codes = (calls: number): unknown =>
    repeatedLookups({ text: "SELECT * FROM orders WHERE day = '2024-01-01'", rows: 20 }, [
      list,
      lookup(calls),
    ]).map(({ code }) => code)
  expect([codes(999), codes(1_000), codes(4_000), codes(4_001)]).toEqual([
    [],
    ['repeated-lookup'],
    ['repeated-lookup'],
    [],
  ])
})

test('a lookup that ran ten times as often as any list is repeated', () => {
  const found = (calls: number): readonly unknown[] =>
    repeatedLookups({ text: lookup(0).text, rows: 1 }, [list, lookup(calls)])
  expect(found(999)).toEqual([])
  expect(found(1_000)).toMatchObject([{ change: expect.stringContaining('WHERE id = ANY ($1)') }])
})

test.each([
  ['select name from customer where id = $1 and region = $2'],
  ['select name from customer c join region r on r.id = c.region where c.id = $1'],
  ['update customer set name = $2 where id = $1'],
  ['select name from customer where id > $1'],
])('%s is no lookup by one key', (text) => {
  expect(repeatedLookups({ text: list.text, rows: 20 }, [list, { text, calls: 2_000 }])).toEqual([])
})

test('a lookup may name its table with quotes and a schema', () => {
  const text = 'select name from "my ""schema""".customer c where c."the id" = $1 limit 1'
  const known = [list, { text, calls: 2_000 }]
  const [finding] = repeatedLookups({ text: list.text.replace('?', '5'), rows: 20 }, known)
  expect(finding?.title).toContain('"my ""schema""".customer')
  expect(finding?.change).toContain('WHERE c."the id" = ANY ($1)')
})

test('a statement that the pool has not learned says nothing about others', () => {
  expect(repeatedLookups({ text: 'select 1', rows: 20 }, [list, lookup(2_000)])).toEqual([])
})
