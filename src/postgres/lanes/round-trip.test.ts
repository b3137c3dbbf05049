import { expect, test } from 'vitest'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import { RoundTrip } from './round-trip.ts'

function roundTrip() {
  const clock = new ManualClock()
  return { clock, subject: new RoundTrip(clock) }
}

test('without a greeting the way counts as nothing, whatever was measured', () => {
  const { subject } = roundTrip()
  expect([subject.millis, subject.measured(5), subject.millis]).toEqual([0, 0, 0])
})

test('the way is at most what a greeting took', () => {
  const { subject } = roundTrip()
  subject.bound(3)
  expect([subject.millis, subject.measured(40)]).toEqual([3, 3])
})

test('the way is the least that anything has taken lately', () => {
  const { subject } = roundTrip()
  subject.bound(100)
  expect([8, 5, 9].map((millis) => subject.measured(millis))).toEqual([8, 5, 5])
})

test('a later greeting takes the place of an earlier one', () => {
  const { subject } = roundTrip()
  subject.bound(3)
  subject.bound(30)
  expect(subject.measured(40)).toBe(30)
})

test('a measurement counts for half a minute to a minute: a way may become longer', async () => {
  const { clock, subject } = roundTrip()
  subject.bound(100)
  subject.measured(5)
  await clock.advance(29_999)
  expect(subject.measured(9)).toBe(5)
  await clock.advance(1)
  expect(subject.measured(9)).toBe(5)
  await clock.advance(29_999)
  expect(subject.measured(12)).toBe(5)
  await clock.advance(1)
  expect(subject.measured(20)).toBe(9)
})
