import { expect, test } from 'vitest'
import { Rate } from './rate.ts'

test('a counter that grows evenly has one rate, however often it is read', () => {
  const often = new Rate(0, 100)
  for (let at = 50; at <= 5_000; at += 50) expect(often.read(at, 100 + at / 10)).toBe(100)
  const seldom = new Rate(0, 100)
  for (let at = 1_000; at <= 5_000; at += 1_000) expect(seldom.read(at, 100 + at / 10)).toBe(100)
})

test('what was more than a second ago counts no more', () => {
  const rate = new Rate(0, 0)
  for (let at = 250; at <= 1_000; at += 250) rate.read(at, 400)
  expect(rate.read(1_250, 400)).toBe(0)
})

test('two readings in one moment, and the first, are no division by zero', () => {
  const rate = new Rate(10, 5)
  expect([rate.read(10, 5), rate.read(10, 9)]).toEqual([0, 0])
  expect(rate.read(510, 15)).toBe(20)
})

test('after a standstill the rate is that of the standstill', () => {
  const rate = new Rate(0, 0)
  rate.read(250, 10)
  expect(rate.read(10_250, 20)).toBe(1)
})
