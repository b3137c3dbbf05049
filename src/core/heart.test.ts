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
  await house.clock.advance(500)
  expect(house.told).toEqual(['stalled 5000', 'beat 5500'])
})

test('a standstill of a little more than a second is told whenever it begins', async () => {
  for (let at = 0; at < 1_000; at += 100) {
    const house = heart()
    house.heart.start(0)
    await house.clock.advance(at)
    house.clock.jump(1_001)
    house.heart.look(at + 1_001)
    expect(house.told.at(-1)).toBe(`stalled ${at + 1_001}`)
  }
})

test('a look that is late by half a second is no standstill', async () => {
  const house = heart()
  house.heart.start(0)
  house.clock.jump(1_000)
  house.heart.look(1_000)
  await house.clock.advance(500)
  expect(house.told).toEqual(['beat 1500'])
})

/** A machine that is suspended now: the wall clock alone goes on. */
function suspend(clock: ManualClock, millis: number): void {
  const epoch = clock.epoch.bind(clock)
  clock.epoch = () => epoch() + millis
}

test('a machine that was suspended shows on the wall clock alone, at the next tick', async () => {
  const house = heart()
  house.heart.start(0)
  suspend(house.clock, 60_000)
  await house.clock.advance(2_000)
  expect(house.told).toEqual(['stalled 500', 'beat 1000', 'beat 2000'])
})

test('a machine that was suspended is noticed by whoever comes before that', async () => {
  const house = heart()
  house.heart.start(0)
  house.heart.look(0)
  suspend(house.clock, 60_000)
  house.heart.look(1)
  house.heart.look(2)
  await house.clock.advance(1_000)
  expect(house.told).toEqual(['stalled 1', 'beat 1000'])
})

test('a wall clock that is set by and by is no standstill', async () => {
  const house = heart()
  house.heart.start(0)
  for (let n = 0; n < 10; n++) {
    suspend(house.clock, 400)
    await house.clock.advance(500)
  }
  expect(house.told.filter((word) => word.startsWith('stalled'))).toEqual([])
})

test('a heart that does not beat misses nothing', () => {
  const house = heart()
  house.heart.look(60_000)
  house.heart.start(60_000)
  house.heart.stop()
  house.heart.look(120_000)
  expect([house.told, house.clock.armed()]).toEqual([[], 0])
})
