import { expect, test } from 'vitest'
import { calm } from '../../../test/support/dashboard-story.ts'
import type { History } from '../frame.ts'
import { PAST_SECONDS, Past } from './past.ts'

function see(past: Past, second: number, answered: number, classes: readonly string[] = []): void {
  const numbers = { perSecond: answered, p50: 1, p95: 2, p99: 3 }
  const frame = calm('p', {
    perSecond: { answered, failed: 0 },
    classes: classes.map((name) => ({ class: name, ...numbers })),
  })
  past.see(second * 1000, frame)
}

function history(seconds: readonly number[], p50: readonly (number | null)[]): History {
  const zeros = seconds.map(() => 0)
  const base = { failed: zeros, waiting: zeros, busy: zeros, total: zeros, p95: p50, p99: p50 }
  return { name: 'p', at: seconds.map((n) => n * 1000), answered: seconds.map((n) => n * 10), p50, ...base }
}

test('the first frame of each second becomes a point', () => {
  const past = new Past()
  for (const second of [10, 10.25, 10.75, 11]) see(past, second, second)
  expect(past.throughput()).toEqual([
    [10, 11],
    [10, 11],
    [0, 0],
  ])
})

test('no more than five minutes are kept, however long the page is open', () => {
  const past = new Past()
  for (let second = 1; second <= 1_000; second++) see(past, second, second)
  const [times] = past.throughput()
  expect(times).toHaveLength(PAST_SECONDS)
  expect(times[0]).toBe(1_001 - PAST_SECONDS)
})

test('where the server was away the curve is broken, not drawn through', () => {
  const past = new Past()
  for (const second of [10, 11, 30]) see(past, second, 5)
  expect(past.throughput().slice(0, 2)).toEqual([
    [10, 11, 12, 30],
    [5, 5, null, 5],
  ])
})

test('after a clock was set back the curve goes on from there, and what was in the future is gone', () => {
  const past = new Past()
  for (const second of [10, 70, 71, 11, 11.25, 12]) see(past, second, second)
  expect(past.throughput().slice(0, 2)).toEqual([
    [10, 11, 12],
    [10, 11, 12],
  ])
})

test('so it is with what a server remembers whose clock was set back', () => {
  const past = new Past()
  past.recall(history([9, 70, 71, 10, 11], [1, 2, 3, 4, 5]))
  see(past, 12, 120)
  expect(past.throughput().slice(0, 2)).toEqual([
    [9, 10, 11, 12],
    [90, 100, 110, 120],
  ])
})

test('what the server remembers takes the place of what was seen, but for the classes, which it does not know', () => {
  const past = new Past()
  see(past, 20, 1, ['simple'])
  past.recall(history([19, 20], [7, null]))
  expect(past.throughput()[1]).toEqual([190, 200])
  expect(past.latency('')[1]).toEqual([7, null])
  expect(past.latency('simple')[1]).toEqual([null, 1])
  expect(past.classes()).toEqual(['', 'simple'])
})
