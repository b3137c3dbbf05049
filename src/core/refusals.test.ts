// The words in which the pool refuses. People match on the beginnings; the rest is for whoever is awake at night.
import { expect, test } from 'vitest'
import { numbersWith } from '../../test/support/numbers.ts'
import { SluiceError } from '../base/errors.ts'
import type { Scene } from './refusals.ts'
import {
  openCalledOff,
  openTimeout,
  waiterAborted,
  waiterEnded,
  waiterRefused,
  waiterShed,
  waiterTimeout,
} from './refusals.ts'

const numbers = numbersWith({ max: 4, leased: 4, waiting: 9 })
const last = { message: 'connect refused', code: 'ECONNREFUSED', ageMillis: 1_200 }

const full: Scene = {
  numbers,
  waitedMillis: 30_000,
  capacity: 4,
  openFailures: 0,
  lastOpenFailure: undefined,
  lastOpenError: undefined,
  longestLease: { millis: 61_000, agent: 'planner' },
  full: undefined,
  budget: undefined,
  hint: undefined,
}
const unreachable: Scene = {
  ...full,
  numbers: { ...numbers, leased: 0 },
  openFailures: 7,
  lastOpenFailure: last,
  lastOpenError: new Error('connect refused'),
}

test('a full pool says how full it is, who holds longest and what to do', () => {
  const error = waiterTimeout(full)
  expect(error.message).toBe(
    'timeout exceeded when trying to connect: waited 30,000 ms for a connection (4 of 4 slots leased, 9 waiting; ' +
      'the longest lease is out for 61,000 ms by agent "planner"); ' +
      'give connections back sooner, raise max if the server has room, or shorten what they run',
  )
  expect(error).toMatchObject({
    code: 'SLUICE_ACQUIRE_TIMEOUT',
    phase: 'queue',
    numbers,
    retryAfterMillis: 1_000,
  })
})

test('a hint takes the place of the general advice', () => {
  expect(waiterTimeout({ ...full, hint: 'do that' }).message).toMatch(/; do that$/)
})

test('a server out of reach is told apart from a full pool, with the driver’s error as the cause', () => {
  const error = waiterTimeout(unreachable)
  expect(error.message).toBe(
    'timeout exceeded when trying to connect: no connection could be opened in 30,000 ms ' +
      '(0 of 4 slots leased, 9 waiting; the last open failed 1,200 ms ago: connect refused (ECONNREFUSED))',
  )
  expect(error).toMatchObject({ code: 'SLUICE_OPEN_FAILED', phase: 'open', lastOpenFailure: last })
  expect(error.cause).toBe(unreachable.lastOpenError)
})

test('opens that time out are told in pg’s words', () => {
  const lastOpenError = openTimeout(10_000, numbers)
  expect(lastOpenError.message).toMatch(
    /^Connection terminated due to connection timeout: not open after 10,000 ms/,
  )
  expect(lastOpenError).toMatchObject({ code: 'SLUICE_OPEN_TIMEOUT', phase: 'open', numbers })
  const error = waiterTimeout({ ...unreachable, lastOpenError })
  expect(error.message).toMatch(
    /^Connection terminated due to connection timeout: no connection could be opened/,
  )
  expect(error.code).toBe('SLUICE_OPEN_TIMEOUT')
})

test('an open under way for longer than its caller waits is told in pg’s words too', () => {
  const error = waiterTimeout({ ...full, numbers: { ...numbers, leased: 0, opening: 1, waiting: 0 } })
  expect(error.message).toMatch(/^Connection terminated due to connection timeout: the connection on its way/)
  expect(error).toMatchObject({ code: 'SLUICE_OPEN_TIMEOUT', phase: 'open' })
  expect(error.cause).toBeInstanceOf(Error)
})

test('failures of long ago do not make a full pool unreachable', () => {
  const error = waiterTimeout({ ...unreachable, numbers })
  expect(error.code).toBe('SLUICE_ACQUIRE_TIMEOUT')
  expect(error.message).toContain('the last open failed 1,200 ms ago')
})

test('who waits while connections are checked is told that phase', () => {
  const error = waiterTimeout({ ...full, numbers: { ...numbers, checking: 1, leased: 3, waiting: 0 } })
  expect([error.code, error.phase]).toEqual(['SLUICE_ACQUIRE_TIMEOUT', 'check'])
})

test('an abort keeps the caller’s reason as its cause', () => {
  const reason = new Error('user left')
  const error = waiterAborted(full, reason)
  expect(error.message).toBe(
    'aborted by the caller after waiting 30,000 ms for a connection (4 of 4 slots leased, 9 waiting): user left',
  )
  expect(error).toMatchObject({ code: 'SLUICE_ABORTED', phase: 'queue', outcome: 'not-sent', cause: reason })
  expect(waiterAborted(full, 'because').message).toMatch(/: because$/)
})

test('a full queue says its limit', () => {
  const error = waiterRefused(full, 100_000)
  expect(error.message).toMatch(/^the queue is full: 100,000 may wait \(queueLimit; 4 of 4 slots leased/)
  expect(error).toMatchObject({ code: 'SLUICE_QUEUE_FULL', phase: 'queue', retryAfterMillis: 1_000 })
})

test('who gave way to somebody more urgent is told so', () => {
  const error = waiterShed(full, 50)
  expect(error.message).toMatch(/^gave its place in the full queue to a more urgent caller after 30,000 ms/)
  expect(error).toMatchObject({ code: 'SLUICE_SHED', phase: 'queue', retryAfterMillis: 1_000 })
})

test.each([
  ['draining', 'Cannot use a pool while it drains'],
  ['ending', 'Cannot use a pool after calling end on the pool'],
  ['ended', 'Cannot use a pool after calling end on the pool'],
] as const)('a pool that is %s says: %s', (mode, text) => {
  expect(waiterEnded(full, mode)).toMatchObject({ code: 'SLUICE_POOL_ENDED', message: text, numbers })
})

test('every refusal is a SluiceError with a phase', () => {
  const all = [waiterTimeout(full), waiterAborted(full, 1), waiterRefused(full, 1), waiterShed(full, 1)]
  for (const error of [...all, waiterEnded(full, 'ended'), openTimeout(1, numbers), openCalledOff()])
    expect([SluiceError.is(error), error.phase]).toEqual([true, expect.any(String)])
})
