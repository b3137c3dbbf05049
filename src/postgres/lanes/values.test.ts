import { expect, test } from 'vitest'
import type { Serialised } from './packet.ts'
import { Values } from './values.ts'

const SLOW = 50
const FAST = 1

function note(values: Values, millis: number, ...keys: Serialised[]): void {
  values.note(keys, millis, 0)
}

function isSlow(values: Values, ...keys: Serialised[]): boolean {
  return values.slow(keys) !== undefined
}

test('the value of a slow run is known to be slow, and no other', () => {
  const values = new Values()
  note(values, FAST, 'small')
  note(values, SLOW, 'large')
  expect([isSlow(values, 'large'), isSlow(values, 'small'), isSlow(values, 'new')]).toEqual([
    true,
    false,
    false,
  ])
  expect(values.slow(['large'])?.high).toBe(SLOW)
})

test('one slow value is enough among several', () => {
  const values = new Values()
  for (let n = 0; n < 8; n++) note(values, FAST, 'common', `${n}`)
  note(values, SLOW, 'common', 'large')
  expect([isSlow(values, 'rare', 'large'), isSlow(values, 'common', '3')]).toEqual([true, false])
})

test('a value is slow in its own place only', () => {
  const values = new Values()
  note(values, SLOW, '7', 'x')
  expect([isSlow(values, '7', 'y'), isSlow(values, 'y', '7')]).toEqual([true, false])
})

test('a value that was fast eight times is not what made a run slow', () => {
  const blamed = (fastRuns: number) => {
    const values = new Values()
    for (let n = 0; n < fastRuns; n++) note(values, FAST, 'usual')
    note(values, SLOW, 'usual')
    return isSlow(values, 'usual')
  }
  expect([blamed(7), blamed(8)]).toEqual([true, false])
})

test('null is a value like any other', () => {
  const values = new Values()
  note(values, SLOW, null)
  expect([isSlow(values, null), isSlow(values, 'x')]).toEqual([true, false])
})

test('buffers and long texts tell nothing', () => {
  const values = new Values()
  note(values, SLOW, Buffer.from('a'), 'x'.repeat(101), 'y'.repeat(100))
  expect(isSlow(values, Buffer.from('a'), 'x'.repeat(101), 'z')).toBe(false)
  expect(isSlow(values, null, null, 'y'.repeat(100))).toBe(true)
})

test('only the first eight parameters tell anything', () => {
  const values = new Values()
  const keys = Array.from({ length: 9 }, (_, n) => `${n}`)
  note(values, SLOW, ...keys)
  const only = (place: number) => keys.map((key, n) => (n === place ? key : 'else'))
  expect([isSlow(values, ...only(7)), isSlow(values, ...only(8))]).toEqual([true, false])
})

test('a slow value is remembered beside a hundred others, and forgotten in the end', () => {
  const values = new Values()
  note(values, SLOW, 'large')
  for (let n = 0; n < 120; n++) note(values, FAST, `${n}`)
  expect(isSlow(values, 'large')).toBe(true)
  for (let n = 0; n < 300; n++) note(values, FAST, `${n}`)
  expect(isSlow(values, 'large')).toBe(false)
})

test('two thousand fast runs on there is nothing left to know, unless a value is known to be slow', () => {
  const forgetful = new Values()
  const mindful = new Values()
  note(forgetful, SLOW, 'cold')
  note(mindful, SLOW, 'large')
  // Values that come once push the one of a cold start out; the one that comes again stays.
  const left = { forgetful: true, mindful: true }
  for (let n = 0; n < 2_000; n++) {
    left.forgetful &&= forgetful.note([`${n}`], FAST, 0)
    mindful.slow(['large'])
    left.mindful &&= mindful.note([`${n}`], FAST, 0)
  }
  expect(left).toEqual({ forgetful: false, mindful: true })
})
