import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Window } from './window.ts'

test('a window counts what lies within it, and forgets the rest a tenth at a time', () => {
  const window = new Window(1_000)
  for (const now of [50, 150, 150]) window.call(now)
  window.mark(150)
  expect(window.sum(200)).toEqual({ calls: 3, marked: 1 })
  expect(window.sum(1_000)).toEqual({ calls: 2, marked: 1 })
  expect(window.sum(1_100)).toEqual({ calls: 0, marked: 0 })
})

test('a window that was not looked at for long starts anew', () => {
  const window = new Window(1_000)
  window.call(10)
  window.call(1_000_000)
  expect(window.sum(1_000_000)).toEqual({ calls: 1, marked: 0 })
})

test('a window never forgets what is younger than nine tenths of it, and keeps nothing that is older than all of it', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400 })), (pauses) => {
      const window = new Window(1_000)
      const seen: number[] = []
      let now = 0
      for (const pause of pauses) {
        now += pause
        window.call(now)
        seen.push(now)
        const young = seen.filter((at) => at > now - 900).length
        const kept = seen.filter((at) => at > now - 1_000).length
        expect(window.sum(now).calls).toBeGreaterThanOrEqual(young)
        expect(window.sum(now).calls).toBeLessThanOrEqual(kept)
      }
    }),
  )
})
