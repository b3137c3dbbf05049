import { expect, test } from 'vitest'
import { everyNode, outline, readPlan } from './plan.ts'

const scan = {
  'Node Type': 'Seq Scan',
  'Parallel Aware': true,
  'Relation Name': 'big',
  Schema: 'public',
  Alias: 'b',
  'Total Cost': 2584,
  'Plan Rows': 100,
  'Plan Width': 73,
  Filter: "(b.name = 'secret'::text)",
}
const gather = {
  'Node Type': 'Gather',
  'Workers Planned': 2,
  'Total Cost': 3000,
  'Plan Rows': 240,
  Plans: [scan],
}

test('a plan is read as a tree, from a value or its text', () => {
  const document = [{ Plan: gather, 'Planning Time': 0.2 }]
  const plan = readPlan(document)
  expect(readPlan(JSON.stringify(document))).toEqual(plan)
  expect(everyNode(plan.root).map(({ kind }) => kind)).toEqual(['Gather', 'Seq Scan'])
  expect(plan).toMatchObject({ planningMillis: 0.2, executionMillis: undefined })
})

test('rows below a Gather are counted over all processes', () => {
  const [, inner] = everyNode(readPlan([{ Plan: gather }]).root)
  expect(inner?.rows).toBe(300)
})

test('rows that came are counted over workers, rounds are not', () => {
  const actual = { ...scan, 'Actual Rows': 50, 'Actual Loops': 3, 'Rows Removed by Filter': 1_000 }
  const parallel = readPlan([{ Plan: { ...gather, Plans: [actual] } }])
  expect(everyNode(parallel.root)[1]?.actual).toMatchObject({ rows: 150, loops: 1, removedByFilter: 3_000 })
  const looped = readPlan([{ Plan: actual }])
  expect(looped.root.actual).toMatchObject({ rows: 50, loops: 3, removedByFilter: 1_000 })
})

test.each([
  ['a sort', { 'Sort Space Type': 'Disk', 'Sort Space Used': 7 }, 7],
  ['a sort in memory', { 'Sort Space Type': 'Memory', 'Sort Space Used': 7 }, 0],
  ['an aggregate', { 'Disk Usage': 9 }, 9],
  ['a hash', { 'Hash Batches': 4, 'Peak Memory Usage': 100 }, 300],
  ['a hash in memory', { 'Hash Batches': 1, 'Peak Memory Usage': 100 }, 0],
])('what %s wrote to disk is known', (_, fields, kilobytes) => {
  const { root } = readPlan([{ Plan: { 'Actual Rows': 1, 'Actual Loops': 1, ...fields } }])
  expect(root.actual?.spilledKb).toBe(kilobytes)
})

test('the outline has no conditions, since they hold values', () => {
  const text = outline(readPlan([{ Plan: gather }]).root)
  expect(text).toEqual([
    'Gather  (cost 3,000, 240 rows expected)',
    '  Seq Scan on public.big  (cost 2,584, 300 rows expected)',
  ])
})

test.each([[undefined], [[]], [[{}]], ['{}']])('%j is no plan', (value) => {
  expect(() => readPlan(value)).toThrow('BUG: EXPLAIN has not answered with a plan')
})
