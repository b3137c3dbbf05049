import { expect, test } from 'vitest'
import { SluiceError } from './errors.ts'
import {
  closest,
  readBoolean,
  readFunction,
  readGroup,
  readMillis,
  readNumber,
  readOptions,
  readString,
  readWord,
  readWordOfAnyCase,
  requireMethods,
} from './options.ts'

const size = { min: 1, max: 10_000 }

test.each([
  [7, 7],
  ['7', 7],
  [' 7 ', 7],
  [undefined, undefined],
])('a number may come as %j', (value, read) => {
  expect(readNumber({ max: value }, 'max', size)).toBe(read)
})

test.each([
  [0, '0'],
  [10_001, '10001'],
  [2.5, '2.5'],
  ['2.5', '"2.5"'],
  ['many', '"many"'],
  ['', '""'],
  [null, 'null'],
  [Number.NaN, 'NaN'],
  [true, 'true'],
  [{}, 'an object'],
  [() => 5, 'a function'],
])('the number %j is refused with its name, value and range', (value, shown) => {
  const read = () => readNumber({ max: value }, 'max', size)
  expect(read).toThrow(`max must be a whole number from 1 to 10,000; it is ${shown}`)
  expect(SluiceError.is(caught(read), 'SLUICE_BAD_OPTION')).toBe(true)
})

test('a number without an upper end says so', () => {
  const read = () => readNumber({ maxUses: 0 }, 'maxUses', { min: 1, max: Number.POSITIVE_INFINITY })
  expect(read).toThrow('maxUses must be a whole number 1 or more; it is 0')
})

test('a number may have fractions where that is said', () => {
  expect(readNumber({ share: 0.5 }, 'share', { min: 0, max: 1, whole: false })).toBe(0.5)
})

test('milliseconds are what a timer can take', () => {
  expect(readMillis({ t: 2_147_483_647 }, 't')).toBe(2_147_483_647)
  expect(() => readMillis({ t: 2_147_483_648 }, 't')).toThrow(
    't must be a number from 0 to 2,147,483,647 (milliseconds); it is 2147483648',
  )
  expect(() => readMillis({ t: 0 }, 't', 1)).toThrow(
    't must be a number from 1 to 2,147,483,647 (milliseconds)',
  )
})

test('a boolean is true or false', () => {
  expect([readBoolean({ b: true }, 'b'), readBoolean({}, 'b')]).toEqual([true, undefined])
  expect(() => readBoolean({ b: 'yes' }, 'b')).toThrow('b must be true or false; it is "yes"')
})

test('a string that is none is refused without being repeated', () => {
  expect(readString({ s: 'x' }, 's')).toBe('x')
  expect(() => readString({ s: 5 }, 's')).toThrow('s must be a string; it is of type number')
})

test('a function is a function', () => {
  const f = () => undefined
  expect([readFunction({ f }, 'f'), readFunction({}, 'f')]).toEqual([f, undefined])
  expect(() => readFunction({ f: 1 }, 'f')).toThrow('f must be a function; it is 1')
})

test('a word is one of a few', () => {
  expect(readWord({ w: 'a' }, 'w', ['a', 'b'])).toBe('a')
  expect(() => readWord({ w: 'c' }, 'w', ['a', 'b'])).toThrow(`w must be one of 'a', 'b'; it is "c"`)
})

test.each([
  ['idleTimeoutMilis', 'idleTimeoutMillis'],
  ['idle_timeout_millis', 'idleTimeoutMillis'],
  ['IdleTimeoutMillis', 'idleTimeoutMillis'],
  ['mx', 'max'],
  ['maxs', 'max'],
  ['mni', undefined],
  ['user', undefined],
  ['password', undefined],
  ['statementTimeout', undefined],
])('%s is closest to %s', (name, known) => {
  expect(closest(name, ['max', 'min', 'maxUses', 'idleTimeoutMillis'])).toBe(known)
})

test('options in an object are read under their full names', () => {
  const group = readGroup({ attempts: '4', jitter: undefined }, 'retry', ['attempts', 'jitter']) ?? {}
  expect(readNumber(group, 'retry.attempts', size)).toBe(4)
  expect(() => readNumber(group, 'retry.attempts', { min: 1, max: 3 })).toThrow(
    'retry.attempts must be a whole number from 1 to 3; it is "4"',
  )
  expect(readGroup(true, 'retry', ['attempts'])).toEqual({})
  expect([undefined, false].map((value) => readGroup(value, 'retry', ['attempts']))).toEqual([
    undefined,
    undefined,
  ])
})

test.each([
  [5, 'retry must be true, false or an object of attempts, jitter; it is 5'],
  [[3], 'retry must be true, false or an object of attempts, jitter; it is a list'],
  [{ atempts: 3 }, 'retry.atempts is not an option of Sluice; did you mean retry.attempts?'],
  [{ colour: 3 }, 'retry.colour is not an option of Sluice; it has attempts, jitter'],
])('the group %j is refused in one sentence', (value, sentence) => {
  const read = () => readGroup(value, 'retry', ['attempts', 'jitter'])
  expect(read).toThrow(sentence)
  expect(SluiceError.is(caught(read), 'SLUICE_BAD_OPTION')).toBe(true)
})

test('the options of a call are what it knows, or nothing', () => {
  expect(readOptions(undefined, 'health()', ['checks'])).toEqual({})
  expect(readOptions({ checks: 1, other: undefined }, 'health()', ['checks'])).toMatchObject({ checks: 1 })
})

test.each([
  [{ check: 1 }, 'check is not an option of health(); did you mean checks?'],
  [{ colour: 1 }, 'colour is not an option of health(); it has checks, timeoutMillis'],
  [null, 'health() takes an object of checks, timeoutMillis; it got null'],
  [[], 'health() takes an object of checks, timeoutMillis; it got a list'],
])('the options %j of a call are refused in one sentence', (value, sentence) => {
  expect(() => readOptions(value, 'health()', ['checks', 'timeoutMillis'])).toThrow(sentence)
})

test.each([
  [undefined, 'adapt() takes a pool; it got undefined'],
  ['pool', 'adapt() takes a pool; it got "pool"'],
  [{ stats: () => 1 }, 'adapt() takes a pool; what it got has no resize()'],
])('%j in the place of a pool is refused in one sentence', (value, sentence) => {
  expect(() => requireMethods(value, 'adapt()', ['stats', 'resize'])).toThrow(sentence)
})

test('a word in a variable is the same in upper and lower case', () => {
  expect(readWordOfAnyCase({ MODE: ' Session ' }, 'MODE', ['session', 'transaction'])).toBe('session')
  expect(() => readWordOfAnyCase({ MODE: 'Tx' }, 'MODE', ['session'])).toThrow(
    `MODE must be one of 'session'; it is "Tx"`,
  )
})

function caught(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}
