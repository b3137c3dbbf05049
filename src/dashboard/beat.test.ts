import { expect, test } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import { Beat } from './beat.ts'

test('it beats at equal distances until it is stopped, and keeps no process up', async () => {
  const clock = new ManualClock()
  const beats: number[] = []
  const beat = new Beat(clock, 250, () => beats.push(clock.now()))
  beat.start()
  beat.start()
  await clock.advance(1_000)
  expect([beats, clock.armed('held')]).toEqual([[250, 500, 750, 1_000], 0])
  beat.stop()
  await clock.advance(1_000)
  expect([beats.length, clock.armed(), beat.isRunning]).toEqual([4, 0, false])
})

test('what a standstill has swallowed is not made up for', async () => {
  const clock = new ManualClock()
  let beats = 0
  const beat = new Beat(clock, 250, () => beats++)
  beat.start()
  clock.jump(10_000)
  await clock.advance(100)
  expect(beats).toBeLessThanOrEqual(2)
  const before = beats
  await clock.advance(1_000)
  expect(beats - before).toBe(4)
})

test('it may be stopped by what it calls', async () => {
  const clock = new ManualClock()
  let beats = 0
  const beat = new Beat(clock, 250, () => {
    beats += 1
    beat.stop()
  })
  beat.start()
  await clock.advance(1_000)
  expect([beats, clock.armed()]).toEqual([1, 0])
})
