import { expect, test } from 'vitest'
import type { SlotFrame } from '../frame.ts'
import { cellName, cellText, heldOf, STATES, say, signOf } from './words.ts'

const slot: SlotFrame = {
  id: 7,
  state: 'leased',
  sinceMillis: 3_400,
  agent: 'planner',
  processId: 4107,
  uses: 12,
  ageMillis: 65_000,
  depth: null,
  reason: null,
  stack: null,
}

test('every state has a sign of its own, so that colour is never all there is', () => {
  expect(new Set(STATES.map(signOf)).size).toBe(STATES.length)
})

test('a cell says how long a lease is held where it has room, and how many share a lane', () => {
  expect(cellText(slot, true)).toBe('3s')
  expect(cellText(slot, false)).toBe('L')
  expect(cellText({ ...slot, sinceMillis: 900 }, true)).toBe('L')
  expect(cellText({ ...slot, state: 'shared', depth: 13 }, false)).toBe('13')
})

test('only a lease stands out, after five and after thirty seconds', () => {
  const held = [4_999, 5_000, 30_000].map((sinceMillis) => heldOf({ ...slot, sinceMillis }))
  expect(held).toEqual([null, 'warn', 'bad'])
  expect(heldOf({ ...slot, state: 'idle', sinceMillis: 900_000 })).toBe(null)
})

test('the name of a cell holds nothing that changes all the time; what is read out does', () => {
  expect(cellName(slot, true)).toBe('Slot 7: leased, agent planner, overflow')
  expect(cellName({ ...slot, sinceMillis: 9_000, uses: 13 }, true)).toBe(cellName(slot, true))
  expect(say(slot)).toBe(
    'Slot 7: state leased, held for 3.4 s, agent planner, backend pid 4107, age 1 min 5 s, uses 12.',
  )
  expect(say({ ...slot, state: 'closing', agent: null, processId: null, reason: 'idle' })).toBe(
    'Slot 7: state closing (idle), for 3.4 s, agent none, backend not known, age 1 min 5 s, uses 12.',
  )
})
