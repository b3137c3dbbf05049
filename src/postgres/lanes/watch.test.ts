import { expect, test } from 'vitest'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import { Watch } from './watch.ts'

/** How often it ticks. */
const TICK_MILLIS = 4

function watch() {
  const clock = new ManualClock()
  const seen: number[] = []
  const subject = new Watch(clock, (seenAt) => seen.push(seenAt))
  return { clock, seen, subject }
}

test('time in which the loop came round is the server’s', async () => {
  const { clock, subject } = watch()
  subject.begin(0)
  await clock.advance(500)
  expect(subject.own(0, 500)).toBe(500)
  expect(subject.own(300, 500)).toBe(200)
})

test('time in which the process was busy is not the server’s, but for two ticks', () => {
  const { clock, subject } = watch()
  subject.begin(0)
  clock.jump(500)
  expect(subject.own(0, 500)).toBe(2 * TICK_MILLIS)
})

test('what the server took before the process became busy still counts', async () => {
  const { clock, subject } = watch()
  subject.begin(0)
  await clock.advance(100)
  clock.jump(500)
  // The tick at 100 has read what had come by 96.
  expect(subject.own(0, 600)).toBe(96 + 2 * TICK_MILLIS)
  expect(subject.own(50, 600)).toBe(46 + 2 * TICK_MILLIS)
})

test('no time is more than what has passed, nor less than nothing', async () => {
  const { clock, subject } = watch()
  subject.begin(0)
  await clock.advance(20)
  expect([subject.own(19, 20), subject.own(25, 20)]).toEqual([1, 0])
})

test('each tick tells up to when every answer was read: until the tick before', async () => {
  const { clock, seen, subject } = watch()
  subject.begin(0)
  await clock.advance(3 * TICK_MILLIS)
  expect(seen).toEqual([0, TICK_MILLIS, 2 * TICK_MILLIS])
})

test('a late tick says nothing of the time it came late', async () => {
  const { clock, seen, subject } = watch()
  subject.begin(0)
  clock.jump(300)
  await clock.advance(TICK_MILLIS)
  expect(seen).toEqual([0, 300])
})

test('it ticks while anything is under way, once more after that, and then rests', async () => {
  const { clock, seen, subject } = watch()
  subject.begin(0)
  subject.begin(0)
  await clock.advance(2 * TICK_MILLIS)
  subject.end()
  await clock.advance(5 * TICK_MILLIS)
  expect([seen.length, clock.armed()]).toEqual([7, 1])
  subject.end()
  await clock.advance(10 * TICK_MILLIS)
  expect([seen.length, clock.armed()]).toEqual([8, 0])
})

test('work that begins and ends between two ticks does not stop and start it', async () => {
  const { clock, seen, subject } = watch()
  for (let n = 0; n < 10; n++) {
    subject.begin(clock.now())
    subject.end()
    await clock.advance(TICK_MILLIS)
  }
  expect([seen.length, clock.armed()]).toEqual([10, 1])
})

test('after a rest it begins with the moment at hand', async () => {
  const { clock, seen, subject } = watch()
  subject.begin(0)
  subject.end()
  await clock.advance(1_000)
  seen.length = 0
  subject.begin(1_000)
  await clock.advance(2 * TICK_MILLIS)
  expect(seen).toEqual([1_000, 1_000 + TICK_MILLIS])
  expect(subject.own(1_000, 1_008)).toBe(8)
})

test('its ticks do not keep the process up', () => {
  const { clock, subject } = watch()
  subject.begin(0)
  expect([clock.armed(), clock.armed('held')]).toEqual([1, 0])
})

test('it can be stopped', async () => {
  const { clock, seen, subject } = watch()
  subject.begin(0)
  subject.stop()
  await clock.advance(100)
  expect([seen, clock.armed()]).toEqual([[], 0])
  subject.begin(100)
  expect(clock.armed()).toBe(1)
})
