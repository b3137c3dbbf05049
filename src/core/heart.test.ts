import { expect, test } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import { Heart } from './heart.ts'

function heart(beats = Number.POSITIVE_INFINITY) {
  const clock = new ManualClock()
  const told: string[] = []
  const made = new Heart(clock, {
    beat: (now) => {
      told.push(`beat ${now}`)
      return told.length < beats
    },
    stalled: (now) => told.push(`stalled ${now}`),
  })
  return { clock, told, heart: made }
}

test('it beats once a second until it is told that nothing is left, and never keeps the process up', async () => {
  const house = heart(2)
  house.heart.start(0)
  house.heart.start(0)
  expect([house.clock.armed(), house.clock.armed('held')]).toEqual([1, 0])
  await house.clock.advance(5_000)
  expect(house.told).toEqual(['beat 1000', 'beat 2000'])
  expect(house.clock.armed()).toBe(0)
})

test('a standstill is told once, by whoever notices it first', async () => {
  const house = heart()
  house.heart.start(0)
  house.clock.jump(5_000)
  house.heart.look(5_000)
  house.heart.look(5_001)
  await house.clock.advance(1)
  expect(house.told).toEqual(['stalled 5000', 'beat 5000'])
})

test('a beat that is late by less than two seconds is no standstill', async () => {
  const house = heart()
  house.heart.start(0)
  house.clock.jump(3_000)
  await house.clock.advance(1)
  expect(house.told).toEqual(['beat 3000'])
})

test('a machine that was suspended shows on the wall clock alone', async () => {
  const house = heart()
  house.heart.start(0)
  const epoch = house.clock.epoch.bind(house.clock)
  house.clock.epoch = () => epoch() + 60_000
  await house.clock.advance(2_000)
  expect(house.told).toEqual(['stalled 1000', 'beat 1000', 'beat 2000'])
})

test('a heart that does not beat misses nothing', () => {
  const house = heart()
  house.heart.look(60_000)
  house.heart.start(60_000)
  house.heart.stop()
  house.heart.look(120_000)
  expect([house.told, house.clock.armed()]).toEqual([[], 0])
})
