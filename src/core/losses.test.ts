import { expect, test } from 'vitest'
import { Losses } from './losses.ts'
import type { Connection } from './slot.ts'

function connection(generation = 0): Connection<object> {
  return { resource: {}, openedAt: 0, createdAt: 0, expiresAt: 0, generation, uses: 0, askedAt: 0 }
}

test('one loss casts doubt on the others, and is told once however often it is noticed', () => {
  const losses = new Losses()
  const lost = connection()
  expect([losses.note(lost, 0, 9, false, 0), losses.note(lost, 0, 9, false, 1)]).toEqual([
    'doubtful',
    'known',
  ])
})

test('once as many are lost within a second as are left, the server is gone', () => {
  const losses = new Losses()
  const outlooks = [4, 3, 2].map((left, at) => losses.note(connection(), 0, left, false, at))
  expect(outlooks).toEqual(['doubtful', 'doubtful', 'gone'])
})

test('losses that lie apart are accidents', () => {
  const losses = new Losses()
  const outlooks = [0, 1_001, 2_002].map((at) => losses.note(connection(), 0, 1, false, at))
  expect(outlooks).toEqual(['doubtful', 'doubtful', 'doubtful'])
})

test('a server that says that it goes is believed at once', () => {
  expect(new Losses().note(connection(), 0, 9, true, 0)).toBe('gone')
})

test('connections of before the last renewal say nothing new', () => {
  const losses = new Losses()
  expect(losses.note(connection(0), 1, 5, true, 0)).toBe('known')
  expect(losses.note(connection(1), 1, 5, false, 0)).toBe('doubtful')
})
