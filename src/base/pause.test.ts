import { expect, test } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import { pause } from './pause.ts'

function scene(signal?: AbortSignal) {
  const clock = new ManualClock()
  const said: number[] = []
  const go = pause(clock, 100, signal, () => said.push(clock.now()))
  return { clock, go, said }
}

test('a pause is as long as it was asked for, and leaves no listener', async () => {
  const controller = new AbortController()
  const { clock, go, said } = scene(controller.signal)
  await clock.advance(1_000)
  controller.abort()
  go()
  expect(said).toEqual([100])
})

test('a pause ends with an abort, in its turn, and leaves no timer', async () => {
  const controller = new AbortController()
  const { clock, said } = scene(controller.signal)
  await clock.advance(30)
  controller.abort()
  expect([said, clock.armed()]).toEqual([[30], 0])
})

test('a pause that begins aborted is none', async () => {
  const { clock, said } = scene(AbortSignal.abort())
  expect(said).toEqual([])
  await clock.advance(0)
  expect(said).toEqual([0])
})

test('a pause can be ended from outside, once', async () => {
  const { clock, go, said } = scene()
  go()
  go()
  await clock.advance(1_000)
  expect([said, clock.armed()]).toEqual([[0], 0])
})
