import { expect, test } from 'vitest'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import { Allowance } from './allowance.ts'

function scene(first = 2, windowMillis = 1_000) {
  const clock = new ManualClock()
  const summaries: number[] = []
  const allowance = new Allowance({ clock, first, windowMillis }, (leftOut) => summaries.push(leftOut))
  const take = (times: number) => Array.from({ length: times }, () => allowance.take()).filter(Boolean).length
  return { allowance, clock, summaries, take }
}

test('the first lines are written, and the end of the window says how many were not', async () => {
  const { clock, summaries, take } = scene()
  expect(take(5)).toBe(2)
  await clock.advance(999)
  expect(summaries).toEqual([])
  await clock.advance(1)
  expect(summaries).toEqual([3])
})

test('while it goes on, one line a window is all there is', async () => {
  const { clock, summaries, take } = scene()
  const written: number[] = []
  for (let window = 0; window < 4; window++) {
    written.push(take(5))
    await clock.advance(1_000)
  }
  expect(written).toEqual([2, 0, 0, 0])
  expect(summaries).toEqual([3, 5, 5, 5])
})

test('after a quiet window the first lines are written again', async () => {
  const { clock, take } = scene()
  take(5)
  await clock.advance(2_000)
  expect(take(5)).toBe(2)
})

test('a window that left nothing out says nothing, and arms no timer', async () => {
  const { clock, summaries, take } = scene()
  expect(take(2)).toBe(2)
  expect(clock.armed()).toBe(0)
  await clock.advance(1_000)
  expect(take(2)).toBe(2)
  expect(summaries).toEqual([])
})

test('its timer does not keep the process up', () => {
  const { clock, take } = scene()
  take(3)
  expect([clock.armed(), clock.armed('held')]).toEqual([1, 0])
})

test('what a frozen process left out is said before the next line', () => {
  const { clock, summaries, take } = scene()
  take(5)
  clock.jump(5_000)
  expect(take(1)).toBe(1)
  expect(summaries).toEqual([3])
})

test('a flush says what was left out so far, once', async () => {
  const { allowance, clock, summaries, take } = scene()
  take(3)
  allowance.flush()
  allowance.flush()
  await clock.advance(1_000)
  expect(summaries).toEqual([1])
  expect(clock.armed()).toBe(0)
})
