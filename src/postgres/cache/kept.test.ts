import { expect, test } from 'vitest'
import type { QueryResult } from '../driver.ts'
import { copyOf, isResult, sizeOf } from './kept.ts'

class Result {
  rows: unknown[] = [{ id: 1, tags: ['a'] }]
  fields = [{ name: 'id' }]
  rowCount = 1
}

const result = () => new Result() as unknown as QueryResult

test('a copy has rows and fields of its own, and is of the same class', () => {
  const kept = result()
  const copy = copyOf(kept, 'fresh', 5)
  expect(copy).toBeInstanceOf(Result)
  expect(copy).toMatchObject({ rowCount: 1, rows: [{ id: 1 }], cached: 'fresh', ageMillis: 5 })
  Object.assign(copy.rows[0] ?? {}, { id: 2 })
  copy.rows.push({ id: 3 })
  ;(copy.fields[0] as { name: string }).name = 'else'
  expect(kept).toMatchObject({ rows: [{ id: 1 }], fields: [{ name: 'id' }] })
  expect(kept.rows).toHaveLength(1)
})

test('rows that are arrays stay arrays', () => {
  const kept = Object.assign(result(), { rows: [[1, 'a']] })
  const copy = copyOf(kept, undefined, 0)
  expect(copy.rows).toEqual([[1, 'a']])
  expect(copy.rows[0]).not.toBe(kept.rows[0])
})

test('a result is one object with rows', () => {
  expect([result(), [result()], undefined, null, {}].map(isResult)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ])
})

test('a size counts characters, bytes and values, however deep', () => {
  expect(sizeOf('abc', 1_000)).toBe(16 + 3)
  expect(sizeOf([{ a: 1, b: 'xy' }], 1_000)).toBe(16 + 16 + 16 + 18)
  expect(sizeOf(Buffer.alloc(100), 1_000)).toBe(116)
  let deep: unknown = 1
  for (let n = 0; n < 50_000; n++) deep = [deep]
  expect(sizeOf(deep, 1e9)).toBe(16 * 50_001)
})

test('a size above the limit is not counted to the end', () => {
  const looped: unknown[] = []
  looped.push(looped, 'x')
  expect(sizeOf(looped, 1_000)).toBeLessThan(1_100)
})
