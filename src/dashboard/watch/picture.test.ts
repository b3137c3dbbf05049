import { expect, test } from 'vitest'
import { Tally, takeStats } from '../../core/stats.ts'
import type { DashboardConnection, DashboardPool, DashboardStats } from '../pool.ts'
import { pictureOf } from './picture.ts'

const NUMBERS = {
  ...{ max: 10, opening: 1, idle: 2, checking: 0, leased: 3, shared: 1, cancelling: 0, closing: 1 },
  waiting: 4,
}

function statsOf(changed: Partial<DashboardStats> = {}): DashboardStats {
  const stats = takeStats({ max: 10, min: 2, maxOverflow: 5 }, new Tally(), {
    ...{ numbers: NUMBERS, total: 8, state: 'running', generation: 0, waitingByPriority: [4] },
    ...{ overloaded: false, oldestWaitMillis: 12.34, waitShare: 0, ageMillis: 1 },
    ...{ lastOpenFailure: undefined, budget: undefined },
  })
  return { ...stats, ...changed }
}

function rowOf(changed: Partial<DashboardConnection> = {}): DashboardConnection {
  return {
    ...{ id: 1, state: 'leased', sinceMillis: 7.8, createdAt: new Date(1_000), uses: 3, agent: undefined },
    ...{ leasedForMillis: 7.8, limited: false, stack: undefined, reason: undefined },
    ...changed,
  }
}

function picture(pool: Partial<DashboardPool> = {}, stats = statsOf(), leakMillis = 0) {
  const whole = { stats: () => stats, attach: () => () => undefined, ...pool }
  const perSecond = { answered: 0, failed: 0 }
  return pictureOf({
    name: 'p',
    pool: whole,
    stats,
    epoch: 5_000,
    perSecond,
    classes: [],
    latency: { p50: null, p95: null, p99: null },
    wait: { mean: null, p95: null, p99: null },
    leakMillis,
  })
}

test('a pool that has only numbers is shown without slots and queue', () => {
  expect(picture()).toMatchObject({
    ...{
      name: 'p',
      state: 'running',
      max: 10,
      min: 2,
      maxOverflow: 5,
      utilization: 40,
      oldestWaitMillis: 12,
    },
    counts: { total: 8, opening: 1, idle: 2, leased: 3, shared: 1, closing: 1, waiting: 4, lost: 0 },
    ...{ queue: { rows: [], more: 0 }, slots: [], breaker: null, lastOpenFailure: null },
  })
})

test('a slot has its age, its agent and its depth', () => {
  const rows = [rowOf({ agent: 'web', processId: 77 }), rowOf({ id: 2, state: 'shared', depth: 9 })]
  const { slots } = picture({ connections: () => rows })
  expect(slots).toMatchObject([
    { id: 1, agent: 'web', processId: 77, sinceMillis: 8, ageMillis: 4_000, depth: null, stack: null },
    { id: 2, agent: null, processId: null, state: 'shared', depth: 9 },
  ])
  const opening = rowOf({ state: 'opening', createdAt: undefined })
  expect(picture({ connections: () => [opening] }).slots[0]?.ageMillis).toBeNull()
})

test('a stack is shown of what is held for longer than leak detection allows, and cut', () => {
  const stack = `Error\n    at leak (app.js:1:1)${'\n    at x'.repeat(10_000)}`
  const slots = (leasedForMillis: number) =>
    picture({ connections: () => [rowOf({ stack, leasedForMillis })] }, statsOf(), 1_000).slots
  expect(slots(999)[0]?.stack).toBeNull()
  expect(slots(1_000)[0]?.stack).toMatch(/^Error\n {4}at leak/)
  expect(slots(1_000)[0]?.stack?.length).toBe(4_000)
})

test('however many slots, agents and letters there are, a frame is bounded', () => {
  const rows = Array.from({ length: 2_000 }, (_, id) => rowOf({ id, agent: 'a'.repeat(10_000) }))
  const queue = Array.from({ length: 1_000 }, (_, n) => ({
    ...{ priority: (n % 3) + 1, agent: `agent-${n}`, waiting: n + 1, oldestMillis: 1.5 },
  }))
  const frame = picture({ connections: () => rows, queue: () => queue })
  expect(frame.slots.length).toBe(500)
  expect(frame.queue.rows.length).toBe(50)
  // Those with most callers, by priority.
  expect(frame.queue.rows.map(({ priority }) => priority)).toEqual(
    frame.queue.rows.map(({ priority }) => priority).sort((a, b) => a - b),
  )
  expect(Math.min(...frame.queue.rows.map(({ waiting }) => waiting))).toBe(951)
  expect(frame.queue.more).toBe((950 * 951) / 2)
  expect(JSON.stringify(frame).length).toBeLessThan(200_000)
})

test('why an open failed is told by its code: the text may repeat values', () => {
  const message = 'syntax error at or near "s3cr3t"'
  const lastOpenFailure = { message, code: '28P01', ageMillis: 5.5 }
  expect(picture({}, statsOf({ lastOpenFailure })).lastOpenFailure).toEqual({
    ...{ message: '28P01: wrong password', ageMillis: 6 },
  })
  const without = { ...lastOpenFailure, code: undefined }
  expect(picture({}, statsOf({ lastOpenFailure: without })).lastOpenFailure?.message).not.toContain('s3cr3t')
})

test('a breaker that says no more than its state is shown with zeros', () => {
  expect(picture({}, statsOf({ breaker: { state: 'open' } })).breaker).toEqual({
    ...{ state: 'open', failures: 0, calls: 0, retryAfterMillis: 0 },
  })
})
