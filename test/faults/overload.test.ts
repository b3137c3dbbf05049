/** More is asked than can be answered. */
import { expect, test } from 'vitest'
import { noisyAgent } from '../chaos/agents.ts'
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

test('a quiet agent beside one with a thousand queued statements waits two service times at most, as a rule', async () => {
  const row = await run(noisyAgent, 3, 5)
  expect(noted(row, 'quiet asked')).toBeGreaterThan(5)
  expect(noted(row, 'quiet wait p50 ms')).toBeLessThanOrEqual(2 * noted(row, 'service ms') + 10)
}, 60_000)
