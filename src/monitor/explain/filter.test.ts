import { expect, test } from 'vitest'
import { columnsOf, quoted } from './filter.ts'

const known = ['id', 'a', 'name', 'created at', 'at', 'note', 'Big']

test.each([
  ['one comparison', '(t.a = 1)', ['a'], []],
  ['without the name of the table', '(a = $1)', ['a'], []],
  ['comparisons that all hold', "((t.a = 1) AND ((t.name)::text = 'x'::text))", ['a', 'name'], []],
  ['ranges apart', '((t.at > now()) AND (t.a = 5))', ['a'], ['at']],
  ['one column twice', '((t.at >= $1) AND (t.at < $2))', [], ['at']],
  ['a range of a column that is compared for equality too', '((t.a = 1) AND (t.a > 0))', ['a'], []],
  ['lists', "(t.a = ANY ('{1,2}'::integer[]))", ['a'], []],
  ['names in quotes', '((t."created at" = 1) AND (t."Big" = 2))', ['created at', 'Big'], []],
  ['a text that looks like a condition', "((t.name)::text = ') AND (t.a = 1'::text)", ['name'], []],
  ['a quote in a text', "((t.name = 'it''s (') AND (t.a = 1))", ['name', 'a'], []],
])('an index could find %s', (_, condition, equal, ranged) => {
  expect(columnsOf(condition, 't', known)).toEqual({ equal, ranged })
})

test.each([
  ['either of two', '((t.a = 1) OR (t.a = 2))'],
  ['a function of a column', "(lower((t.name)::text) = 'x'::text)"],
  ['what is not equal', '(t.a <> 1)'],
  ['a pattern', "((t.name)::text ~~ 'x%'::text)"],
  ['two columns of one table', '(t.a = t.id)'],
  ['arithmetic', '((t.a + 1) = 5)'],
  ['another table', '(other.a = 1)'],
  ['what is not understood', '((t.a'],
])('an index could not find %s', (_, condition) => {
  expect(columnsOf(condition, 't', known)).toEqual({ equal: [], ranged: [] })
})

test('an identifier in quotes stays one, whatever is in it', () => {
  expect(quoted('a"; DROP TABLE x; --')).toBe('"a""; DROP TABLE x; --"')
})
