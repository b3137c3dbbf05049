import { expect, test } from 'vitest'
import { SluiceError } from '../base/errors.ts'
import type { PoolOptions } from './options.ts'
import { levelOf, readPoolOptions, readSize } from './options.ts'

const never = Number.POSITIVE_INFINITY

test('the defaults are the ones that are documented', () => {
  expect(readPoolOptions({})).toEqual({
    max: 10,
    min: 0,
    maxOverflow: 0,
    acquireTimeoutMillis: 30_000,
    connectionTimeoutMillis: 10_000,
    checkTimeoutMillis: 5_000,
    cancelTimeoutMillis: 5_000,
    closeTimeoutMillis: 5_000,
    endTimeoutMillis: 30_000,
    queueLimit: 100_000,
    rejectOnFull: false,
    agents: undefined,
    sharedDepth: 100,
    fifo: false,
    priorityLevels: 3,
    ageMillis: 1_000,
    idleTimeoutMillis: 10_000,
    softIdleTimeoutMillis: never,
    maxLifetimeMillis: never,
    maxUses: never,
    evictionRunIntervalMillis: 0,
    prePingMillis: 30_000,
    leakDetectionMillis: 0,
    limitedShare: 0.9,
    allowExitOnIdle: false,
  })
})

test('numeric strings are numbers and undefined is the default', () => {
  const given = { max: '5', idleTimeoutMillis: '250', maxUses: undefined } as unknown as PoolOptions
  expect(readPoolOptions(given)).toMatchObject({ max: 5, idleTimeoutMillis: 250, maxUses: never })
})

test('zero means never where that is documented', () => {
  const settings = readPoolOptions({ idleTimeoutMillis: 0, softIdleTimeoutMillis: 0, maxLifetimeMillis: 0 })
  expect(settings).toMatchObject({
    idleTimeoutMillis: never,
    softIdleTimeoutMillis: never,
    maxLifetimeMillis: never,
  })
})

test('what counts may be without limit', () => {
  expect(readPoolOptions({ maxUses: never, queueLimit: never })).toMatchObject({
    maxUses: never,
    queueLimit: never,
  })
})

test.each<[PoolOptions['prePing'], number]>([
  [true, 0],
  [false, never],
  [undefined, 30_000],
  [500, 500],
])('prePing %s checks from %s ms on', (prePing, millis) => {
  expect(readPoolOptions({ prePing }).prePingMillis).toBe(millis)
})

const millis = 'a number from 1 to 2,147,483,647 (milliseconds)'
const orNever = 'a number from 0 to 2,147,483,647 (milliseconds)'

test.each<[string, unknown, string]>([
  ['max', 0, 'a whole number from 1 to 10,000'],
  ['max', 10_001, 'a whole number from 1 to 10,000'],
  ['min', -1, 'a whole number from 0 to 10,000'],
  ['maxOverflow', 1.5, 'a whole number from 0 to 10,000'],
  ['acquireTimeoutMillis', 0, millis],
  ['connectionTimeoutMillis', -5, millis],
  ['checkTimeoutMillis', 0, millis],
  ['cancelTimeoutMillis', 0, millis],
  ['closeTimeoutMillis', 1e12, millis],
  ['endTimeoutMillis', -1, orNever],
  ['queueLimit', -1, 'a whole number 0 or more'],
  ['rejectOnFull', 1, 'true or false'],
  ['fifo', 1, 'true or false'],
  ['priorityLevels', 0, 'a whole number from 1 to 100'],
  ['priorityLevels', 101, 'a whole number from 1 to 100'],
  ['ageMillis', 0, millis],
  ['idleTimeoutMillis', -1, orNever],
  ['softIdleTimeoutMillis', Number.NaN, orNever],
  ['maxLifetimeMillis', never, orNever],
  ['maxUses', 0, 'a whole number 1 or more'],
  ['evictionRunIntervalMillis', -1, orNever],
  ['prePing', -1, orNever],
  ['leakDetectionMillis', -1, orNever],
  ['allowExitOnIdle', 0, 'true or false'],
])('%s: %s is refused with its range', (name, value, range) => {
  const read = () => readPoolOptions({ [name]: value })
  expect(read).toThrow(`${name} must be ${range}; it is ${String(value)}`)
  expect(read).toThrow(SluiceError)
})

test('min must fit into max, also against the size that is kept', () => {
  expect(() => readPoolOptions({ min: 11 })).toThrow('min must not exceed max; min is 11 and max is 10')
  expect(() => readSize({ max: 2 }, { max: 5, min: 3 })).toThrow(
    'min must not exceed max; min is 3 and max is 2',
  )
  expect(readSize({ max: 4 }, { max: 5, min: 3 })).toEqual({ max: 4, min: 3 })
})

test.each([
  [3, 'high', 0],
  [3, 'medium', 1],
  [3, 'low', 2],
  [3, undefined, 1],
  [3, 1, 0],
  [3, 3, 2],
  [1, 'low', 0],
  [1, 'medium', 0],
  [2, 'medium', 1],
  [5, 'medium', 2],
] as const)('of %i levels priority %s is level %i', (levels, priority, level) => {
  expect(levelOf(priority, levels)).toBe(level)
})

test.each([0, 4, 1.5, 'urgent'])('priority %s is refused', (priority) => {
  expect(() => levelOf(priority as number, 3)).toThrow(/^priority must be a whole number from 1 to 3; it is/)
})
