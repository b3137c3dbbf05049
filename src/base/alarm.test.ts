import { expect, test } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import { Alarm } from './alarm.ts'

function alarm(held = true) {
  const clock = new ManualClock()
  const rings: number[] = []
  return { clock, rings, alarm: new Alarm(clock, () => rings.push(clock.now()), held) }
}

test('an alarm fires once, by the earliest time that was asked for', async () => {
  const { alarm: subject, clock, rings } = alarm()
  subject.by(50, 0)
  subject.by(20, 0)
  subject.by(80, 0)
  expect(clock.armed()).toBe(1)
  await clock.advance(100)
  expect(rings).toEqual([20])
})

test('an alarm that has fired is silent until it is asked again', async () => {
  const { alarm: subject, clock, rings } = alarm()
  subject.by(10, 0)
  await clock.advance(30)
  subject.by(40, clock.now())
  await clock.advance(30)
  expect(rings).toEqual([10, 40])
})

test('what is due already fires a millisecond later, not in this turn', async () => {
  const { alarm: subject, clock, rings } = alarm()
  clock.jump(5)
  subject.by(2, clock.now())
  expect(rings).toEqual([])
  await clock.advance(1)
  expect(rings).toEqual([6])
})

test('a stopped alarm does not fire, and may be asked again', async () => {
  const { alarm: subject, clock, rings } = alarm()
  subject.by(10, 0)
  subject.stop()
  subject.stop()
  expect(clock.armed()).toBe(0)
  await clock.advance(20)
  subject.by(30, clock.now())
  await clock.advance(20)
  expect(rings).toEqual([30])
})

test('never is not a time to fire at', () => {
  const { alarm: subject, clock } = alarm()
  subject.by(Number.POSITIVE_INFINITY, 0)
  expect(clock.armed()).toBe(0)
})

test.each([
  [true, 1],
  [false, 0],
])('an alarm that is held: %s keeps the process up: %i', (held, armed) => {
  const { alarm: subject, clock } = alarm(held)
  subject.by(10, 0)
  expect(clock.armed('held')).toBe(armed)
})
