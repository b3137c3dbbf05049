/** More is asked than can be answered. */
import { expect, test } from 'vitest'
import { overload } from '../chaos/overload.ts'
import { spike } from '../chaos/spike.ts'
import { noted, run } from './rows.ts'

test('a spike of 50 callers whose statements are shorter than an open ends with 8 connections at most', async () => {
  const row = await run(spike, 1, 8)
  expect(row.answered).toBe(50)
  expect(row.lost).toEqual({})
}, 60_000)

test('at twice the capacity nearly all of high priority is answered in time, and most of the capacity is of use', async () => {
  const row = await run(overload(2), 4, 5)
  expect(noted(row, 'high %')).toBeGreaterThanOrEqual(80)
  expect(noted(row, 'goodput %')).toBeGreaterThanOrEqual(50)
}, 60_000)
