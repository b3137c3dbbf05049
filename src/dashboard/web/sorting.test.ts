import { expect, test } from 'vitest'
import { sorted } from './sorting.ts'

const rows = [
  { name: 'b', held: 2 },
  { name: 'a', held: null },
  { name: 'c', held: 9 },
  { name: 'd', held: 2 },
]
const names = (by: 'name' | 'held', isDescending: boolean): string =>
  sorted(rows, (row) => row[by], isDescending)
    .map(({ name }) => name)
    .join('')

test('rows without a value come last, whichever way the column is turned', () => {
  expect([names('held', true), names('held', false)]).toEqual(['cbda', 'bdca'])
})

test('words sort as words, and equal rows stay as they were', () => {
  expect([names('name', true), names('name', false)]).toEqual(['dcba', 'abcd'])
})
