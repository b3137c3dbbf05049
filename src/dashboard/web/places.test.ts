import { expect, test } from 'vitest'
import type { SlotFrame } from '../frame.ts'
import { MOST_PLACES, Places } from './places.ts'

function slot(id: number): SlotFrame {
  return {
    id,
    state: 'idle',
    sinceMillis: 0,
    agent: null,
    processId: null,
    uses: 0,
    ageMillis: 0,
    depth: null,
    reason: null,
    stack: null,
  }
}

/** The ids in their places, `.` for an empty one, and a mark on those of the overflow. */
function picture(places: Places, ids: readonly number[], max: number, maxOverflow = 0): string {
  return places
    .arrange(ids.map(slot), max, maxOverflow)
    .map(({ isOverflow, slot: one }) => `${one?.id ?? '.'}${isOverflow ? '+' : ''}`)
    .join(' ')
}

test('a slot keeps its place while others go, and a new one takes the first that is free', () => {
  const places = new Places()
  expect(picture(places, [1, 2, 3], 4)).toBe('1 2 3 .')
  expect(picture(places, [1, 3], 4)).toBe('1 . 3 .')
  expect(picture(places, [1, 3, 9], 4)).toBe('1 9 3 .')
})

test('what is above max is marked as overflow, and comes down as soon as there is room', () => {
  const places = new Places()
  expect(picture(places, [1, 2, 3], 2, 2)).toBe('1 2 3+ .+')
  expect(picture(places, [2, 3], 2, 2)).toBe('3 2 .+ .+')
})

test('a pool that was made smaller shows what it has not closed yet as overflow', () => {
  const places = new Places()
  expect(picture(places, [1, 2, 3], 3)).toBe('1 2 3')
  expect(picture(places, [1, 2, 3], 1)).toBe('1 2+ 3+')
})

test('after the start of another process the places are given anew', () => {
  const places = new Places()
  picture(places, [5, 6], 3)
  expect(picture(places, [6], 3)).toBe('. 6 .')
  places.forget()
  expect(picture(places, [6], 3)).toBe('6 . .')
})

test('no more places are drawn than can be told apart', () => {
  expect(new Places().arrange([], 10_000, 0)).toHaveLength(MOST_PLACES)
})
