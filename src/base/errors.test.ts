import { expect, test } from 'vitest'
import { numbersWith } from '../../test/support/numbers.ts'
import { codeOf, describeNumbers, messageOf, SluiceError } from './errors.ts'

const numbers = numbersWith({ opening: 6, leased: 4, waiting: 120 })

test('an error carries its code, phase, numbers and cause', () => {
  const cause = new Error('refused')
  const error = new SluiceError('SLUICE_OPEN_FAILED', 'no', { phase: 'open', numbers, cause })
  expect(error).toMatchObject({
    name: 'SluiceError',
    code: 'SLUICE_OPEN_FAILED',
    phase: 'open',
    numbers,
    cause,
  })
  expect('cause' in new SluiceError('SLUICE_SHED', 'no')).toBe(false)
})

test('errors are known by their brand, so that two copies of the package agree', () => {
  const error = new SluiceError('SLUICE_SHED', 'no')
  const ofAnotherCopy = Object.assign(new Error('no'), {
    code: 'SLUICE_SHED',
    [Symbol.for('sluice.error')]: true,
  })
  expect([SluiceError.is(error), SluiceError.is(ofAnotherCopy, 'SLUICE_SHED')]).toEqual([true, true])
  expect([SluiceError.is(error, 'SLUICE_ABORTED'), SluiceError.is(new Error('no'))]).toEqual([false, false])
  expect([SluiceError.is(null), SluiceError.is('SLUICE_SHED')]).toEqual([false, false])
})

test('the numbers read as one clause without the states that nobody is in', () => {
  expect(describeNumbers(numbers)).toBe('4 of 10 slots leased, 6 opening, 120 waiting')
})

test('a refused port speaks with the messages of all addresses that were tried', () => {
  const refused = new AggregateError([new Error('::1 refused'), new Error('127.0.0.1 refused')], '')
  expect(messageOf(refused)).toBe('::1 refused; 127.0.0.1 refused')
  expect([messageOf(new Error('plain')), messageOf('a string')]).toEqual(['plain', 'a string'])
})

test('only a string is a code', () => {
  expect([codeOf({ code: '28P01' }), codeOf({ code: 7 }), codeOf(null)]).toEqual([
    '28P01',
    undefined,
    undefined,
  ])
})
