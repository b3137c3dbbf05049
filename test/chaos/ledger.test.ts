import { expect, test } from 'vitest'
import { Failure } from './failure.ts'
import { Ledger } from './ledger.ts'

const fails = (kind: string, effect: 'none' | 'unknown') => () =>
  Promise.reject(new Failure(kind, effect, undefined))

test('rows between what was acknowledged and what is unknown agree with the ledger', async () => {
  const ledger = new Ledger()
  await ledger.note(() => Promise.resolve(), 'a')
  await ledger.note(fails('57P01', 'unknown'), 'b')
  await ledger.note(fails('57P01', 'unknown'), 'c')
  await ledger.note(fails('53300', 'none'), 'd')
  expect(ledger.contradictions(['a', 'b'])).toEqual([])
  expect(ledger.unknown).toBe(2)
  expect(ledger.lost).toEqual({ '57P01': 2, '53300': 1 })
})

test('a write that is missing, twice there, or there though it was refused contradicts the ledger', async () => {
  const ledger = new Ledger()
  await ledger.note(() => Promise.resolve(), 'a')
  await ledger.note(() => Promise.resolve(), 'b')
  await ledger.note(fails('53300', 'none'), 'c')
  expect(ledger.contradictions(['b', 'b', 'c'])).toEqual([
    '1 acknowledged writes are missing',
    '1 writes took effect more than once',
    '1 writes took effect that were said not to',
  ])
})

test('what its caller gave up is cancelled, not lost', async () => {
  const ledger = new Ledger()
  await ledger.note(fails('SLUICE_ABORTED', 'unknown'), 'a')
  expect(ledger).toMatchObject({ cancelled: 1, lost: {}, unknown: 1 })
})

test('the first answer after the end of the fault is the recovery, and a failure after it is remembered', async () => {
  const ledger = new Ledger()
  await ledger.note(fails('ECONNREFUSED', 'none'))
  await ledger.note(() => Promise.resolve())
  ledger.faultEnds()
  expect(ledger).toMatchObject({ recoveryMillis: undefined, lastFailureMillis: undefined })
  await ledger.note(() => Promise.resolve())
  await ledger.note(fails('57P01', 'unknown'))
  expect(ledger.recoveryMillis).toBeGreaterThanOrEqual(0)
  expect(ledger.lastFailureMillis).toBeGreaterThanOrEqual(ledger.recoveryMillis ?? 0)
})
