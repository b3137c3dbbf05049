import { expect, test } from 'vitest'
import { age, count, duration, NOTHING, rate, share, shortAge } from './format.ts'

test('a duration has as many digits as can be read, and the next unit where it would have more', () => {
  const millis = [0, 0.4, 9.96, 99.94, 99.96, 999.4, 999.6, 59_949, 59_950, 125_000]
  expect(millis.map(duration)).toEqual([
    '0.00 ms',
    '0.40 ms',
    '10.0 ms',
    '99.9 ms',
    '100 ms',
    '999 ms',
    '1.0 s',
    '59.9 s',
    '1 min 0 s',
    '2 min 5 s',
  ])
  expect(duration(null)).toBe(NOTHING)
})

test('an age counts whole seconds, so that it changes once a second', () => {
  const millis = [-5, 999, 1_000, 59_999, 60_000, 3_599_999, 3_600_000, 90_000_000]
  expect(millis.map(age)).toEqual([
    '0 s',
    '0 s',
    '1 s',
    '59 s',
    '1 min 0 s',
    '59 min 59 s',
    '1 h 0 min',
    '1 d 1 h',
  ])
  expect([900, 59_000, 61_000, 7_200_000, 200_000_000].map(shortAge)).toEqual(['0s', '59s', '1m', '2h', '2d'])
})

test('large numbers are grouped, small rates keep a digit, and a share is whole only where nothing is missing', () => {
  expect([count(12_345), count(1_234_567)]).toEqual(['12,345', '1.23 M'])
  expect([rate(0), rate(0.44), rate(9.96), rate(2_413.2)]).toEqual(['0', '0.4', '10', '2,413'])
  expect([share(1), share(0.9997), share(0.952)]).toEqual(['100 %', '99.9 %', '95 %'])
})
