import { expect, test } from 'vitest'
import type { DashboardStats } from '../pool.ts'
import { changesOf } from './changes.ts'

const BEFORE = { state: 'running', max: 10, generation: 0, breaker: { state: 'closed' } }
const change = (after: object) =>
  changesOf(BEFORE as unknown as DashboardStats, { ...BEFORE, ...after } as unknown as DashboardStats)

test('where nothing has changed nothing is told', () => {
  expect(change({})).toEqual([])
})

test.each([
  [{ state: 'paused' }, 'warn', 'The pool is paused'],
  [{ state: 'draining' }, 'info', 'The pool is draining: it takes no new callers'],
  [{ state: 'ending' }, 'info', 'The pool is ending'],
  [{ state: 'ended' }, 'info', 'The pool has ended'],
  [{ max: 20 }, 'info', 'Resized from 10 to 20 connections'],
  [{ generation: 1 }, 'warn', 'All connections are being replaced'],
  [{ breaker: { state: 'open' } }, 'error', 'The circuit breaker is open: calls are refused'],
  [{ breaker: { state: 'half-open' } }, 'warn', 'The circuit breaker is half-open: it lets probes through'],
])('%j is told', (after, level, text) => {
  expect(change(after)).toEqual([{ level, text }])
})

test('what is as it was again is told too', () => {
  const now = { ...BEFORE } as unknown as DashboardStats
  const before = { ...BEFORE, state: 'paused', breaker: { state: 'open' } } as unknown as DashboardStats
  expect(changesOf(before, now)).toEqual([
    { level: 'info', text: 'The circuit breaker is closed' },
    { level: 'info', text: 'The pool serves its callers again' },
  ])
})
