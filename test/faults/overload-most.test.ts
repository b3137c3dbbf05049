/** The far end of overload, and fairness between agents. */
import { expect, test } from 'vitest'
import { noisyAgent } from '../chaos/agents.ts'
import { overload } from '../chaos/overload.ts'
import { noted, run } from './rows.ts'

test('at ten times the capacity nearly all of high priority is answered in time, and most of the capacity is of use', async () => {
  const row = await run(overload(10), 4, 5)
  expect(noted(row, 'high %')).toBeGreaterThanOrEqual(80)
  expect(noted(row, 'goodput %')).toBeGreaterThanOrEqual(50)
}, 60_000)

test('a quiet agent beside one with a thousand queued statements waits two service times at most, as a rule', async () => {
  const row = await run(noisyAgent, 3, 5)
  expect(noted(row, 'quiet asked')).toBeGreaterThan(0)
  expect(noted(row, 'quiet wait p50 ms')).toBeLessThanOrEqual(2 * noted(row, 'service ms') + 10)
}, 60_000)
