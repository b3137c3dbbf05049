/** The server, or our own process, stands still. */
import { expect, test } from 'vitest'
import { stalledLoop } from '../chaos/client-stalls.ts'
import { memory } from '../chaos/memory.ts'
import { frozenServer } from '../chaos/server-states.ts'
import { lost, noted, run } from './rows.ts'

test('a server that is stopped and goes on costs nobody a statement', async () => {
  const row = await run(frozenServer, 3)
  expect(row.lost).toEqual({})
  expect(row.recoveryMillis).toBeLessThan(3_000)
}, 60_000)

test('after a stall of the event loop in which every session ended, each caller loses one statement at most', async () => {
  const row = await run(stalledLoop, 4)
  expect(lost(row)).toBeLessThanOrEqual(20)
  expect(row.recoveryMillis).toBeLessThan(3_000)
  expect(row.lastFailureMillis ?? 0).toBeLessThan(2_000)
}, 60_000)

test('memory is flat over 50,000 statements with faults', async () => {
  const row = await run(memory, 0.4)
  expect(noted(row, 'statements')).toBe(50_000)
  expect(noted(row, 'heap at end MB') - noted(row, 'heap at begin MB')).toBeLessThan(5)
}, 60_000)
