import { expect, test } from 'vitest'
import { decades, evenly, tenfold } from './scale.ts'

test('a chart reaches from 0 to a little above its highest value, and never so low that noise is a mountain', () => {
  expect(
    evenly([
      [1, 2],
      [100, null],
      [3, 200],
    ]),
  ).toEqual({ min: 0, max: 200 * 1.1 })
  expect(evenly([[1], [0.1]])).toEqual({ min: 0, max: 4 * 1.1 })
})

test('one that grows tenfold reaches from a power of ten to another, and nothing measured is no value', () => {
  expect(
    tenfold([
      [1, 2, 3],
      [0.04, null, 0],
      [3_100, 2, 1],
    ]),
  ).toEqual({ min: 0.01, max: 10_000 })
  expect(tenfold([[1], [null]])).toEqual({ min: 1, max: 10 })
})

test('it has a line at each power of ten and none between', () => {
  expect(decades([0.01, 0.02, 0.1, 0.9, 1, 5, 10, 999, 1_000, 10_000])).toEqual([
    ...[0.01, null, 0.1, null, 1, null, 10, null, 1_000, 10_000],
  ])
})
