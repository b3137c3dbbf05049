import { expect, test } from 'vitest'
import { calm, countsOf, manySlots } from '../../../test/support/dashboard-story.ts'
import { TARGETS } from '../../monitor/targets.ts'
import type { PoolFrame, SlowPoolFrame } from '../frame.ts'
import { BUSY_PERCENT, headline } from './headline.ts'
import { REUSE_TARGET, WAIT_TARGET } from './vitals.ts'
import { HELD_BAD_MILLIS, HELD_WARN_MILLIS } from './words.ts'

function said(change: Partial<PoolFrame>, slow?: SlowPoolFrame): string {
  const { text, tone } = headline(calm('p', change), slow)
  return `${tone}: ${text}`
}

function finding(severity: 'critical' | 'warning' | 'advice', title: string, code = 'x'): SlowPoolFrame {
  const advice = [{ code, severity, title, evidence: '', reason: '', change: '' }]
  return { name: 'p', advice, statements: [], endpoint: null }
}

const slots = manySlots(4, 0).map((slot) => ({ ...slot, state: 'leased' as const, sinceMillis: 100 }))
const full = (waiting: number, leaking = 0): Partial<PoolFrame> => ({
  slots,
  counts: countsOf(slots, waiting, leaking),
  oldestWaitMillis: 1_500,
})

test('a pool that is well, and one with nothing to do, are said to be', () => {
  expect(said({ slots, counts: countsOf(slots, 0, 0), utilization: 40 })).toBe(
    'good: All well: nobody waits, 4 of 10 at work',
  )
  expect(said({})).toBe('good: Nothing to do: no connection is open, none is asked for')
})

test('waiting with nothing idle is saturation, and with more than ten exhaustion', () => {
  expect(said(full(1))).toBe('warn: Saturated: no connection is idle, 1 caller waiting, the first for 1.5 s')
  expect(said(full(11))).toBe(
    'bad: Exhausted: no connection is idle, 11 callers waiting, the first for 1.5 s',
  )
})

test('causes come before what follows from them: breaker, opens, leaks, long leases', () => {
  const breaker = { state: 'open', failures: 5, calls: 5, retryAfterMillis: 2_000 } as const
  expect(said({ ...full(11, 2), breaker })).toBe(
    'bad: The circuit breaker is open: calls are refused for another 2.0 s',
  )
  const lastOpenFailure = { message: '28P01: wrong password', ageMillis: 10 }
  expect(said({ counts: countsOf([], 0, 0), breaker, lastOpenFailure })).toBe(
    'bad: The circuit breaker is open: calls are refused for another 2.0 s (28P01: wrong password)',
  )
  expect(
    said({ counts: countsOf([], 3, 0), lastOpenFailure: { message: 'ECONNREFUSED', ageMillis: 10 } }),
  ).toBe('bad: No connection can be opened: ECONNREFUSED')
  expect(said(full(11, 2))).toBe(
    'bad: 2 connections taken and not given back (see the stacks below), 11 callers waiting',
  )
  const held = slots.map((slot) => ({ ...slot, sinceMillis: 31_000 }))
  expect(said({ ...full(2), slots: held })).toBe('bad: 4 leases held for over 30.0 s, 2 callers waiting')
})

test('what callers went through in the last five minutes is not told as if they still did', () => {
  const late = finding('critical', 'Callers get no connection in time', 'acquire-timeouts')
  expect(said({}, late)).toBe('bad: Callers get no connection in time, but nobody waits now')
  expect(said({ counts: countsOf(slots, 2, 0), slots }, late)).toBe('bad: Callers get no connection in time')
})

test('what hurts now comes before advice, unless that is critical', () => {
  expect(said({}, finding('critical', 'It burns'))).toBe('bad: It burns')
  expect(said({}, finding('warning', 'It smells'))).toBe('warn: It smells')
  expect(said({}, finding('advice', 'It could be nicer'))).toMatch(/^good: Nothing to do/)
  expect(said(full(1), finding('warning', 'It smells'))).toMatch(/^warn: Saturated/)
  expect(said(full(1), finding('critical', 'It burns'))).toBe('bad: It burns')
})

test('a pool that does not run says so', () => {
  const states = ['paused', 'draining', 'ending', 'ended'] as const
  expect(states.map((state) => said({ state }))).toEqual([
    'warn: The pool is paused: 0 callers will wait until it is resumed',
    'warn: The pool drains: 0 connections still at work',
    'warn: The pool ends: 0 connections left',
    'warn: The pool has ended',
  ])
})

test('the targets that the page shows are those of health, advice and alerts', () => {
  expect({ wait: WAIT_TARGET, reuse: REUSE_TARGET, busy: BUSY_PERCENT }).toEqual({
    wait: TARGETS.wait,
    reuse: TARGETS.reuse,
    busy: TARGETS.utilization.alert,
  })
  expect({ target: HELD_WARN_MILLIS, alert: HELD_BAD_MILLIS }).toEqual(TARGETS.statement)
})
