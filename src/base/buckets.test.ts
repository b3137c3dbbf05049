import { expect, test } from 'vitest'
import { Buckets } from './buckets.ts'

test('values count below every boundary that they do not exceed', () => {
  const buckets = new Buckets([1, 2, 5])
  expect([buckets.count, buckets.sum, buckets.cumulative()]).toEqual([0, 0, [0, 0, 0]])
  for (const value of [0, 1, 1.5, 2, 5, 5.1, 100]) buckets.record(value)
  expect(buckets.cumulative()).toEqual([2, 4, 5])
  expect([buckets.count, buckets.sum]).toEqual([7, 114.6])
})
