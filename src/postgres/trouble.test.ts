import { expect, test } from 'vitest'
import { SluiceError } from '../base/errors.ts'
import { isOfOpening, isUnserved, troubleOf } from './trouble.ts'

const coded = (code: string, more = {}) => Object.assign(new Error('failed'), { code, ...more })

test.each([
  [new SluiceError('SLUICE_BREAKER_OPEN', '')],
  [new SluiceError('SLUICE_QUEUE_FULL', '')],
  [new SluiceError('SLUICE_CONNECTION_LOST', '')],
  [coded('57P01')],
  [coded('08006')],
  [coded('53300')],
  [coded('ECONNRESET', { syscall: 'read' })],
  [new Error('Connection terminated unexpectedly')],
])('%s says that the pool cannot serve', (error) => {
  expect(isUnserved(error)).toBe(true)
})

test.each([
  [new SluiceError('SLUICE_ABORTED', '')],
  [new SluiceError('SLUICE_POOL_ENDED', '')],
  [new SluiceError('SLUICE_BAD_OPTION', '')],
  [coded('42P01')],
  [coded('57014')],
  [coded('28P01')],
  [coded('ERR_INVALID_ARG_TYPE')],
  [new TypeError('no')],
])('%s does not', (error) => {
  expect(isUnserved(error)).toBe(false)
})

test.each([
  [coded('23505'), 'none'],
  [coded('57P03'), 'away'],
  [new AggregateError([coded('ECONNREFUSED', { syscall: 'connect' })], ''), 'away'],
  [new AggregateError([new TypeError('no')], ''), 'none'],
  [new SluiceError('SLUICE_QUERY_TIMEOUT', '', { outcome: 'not-sent' }), 'busy'],
  [new SluiceError('SLUICE_QUERY_TIMEOUT', ''), 'away'],
  [new SluiceError('SLUICE_SHED', ''), 'busy'],
  [new SluiceError('SLUICE_ABORTED', ''), 'own'],
] as const)('%s: who is in trouble is %s', (error, trouble) => {
  expect(troubleOf(error)).toBe(trouble)
})

test.each([
  [coded('ECONNREFUSED', { syscall: 'connect' }), true],
  [coded('ENOTFOUND', { syscall: 'getaddrinfo' }), true],
  [new AggregateError([coded('ETIMEDOUT', { syscall: 'connect' })], ''), true],
  [new AggregateError([], ''), false],
  [coded('ETIMEDOUT', { syscall: 'read' }), false],
  [coded('57P01'), false],
  [undefined, false],
])('%s: whether it can only come from an open is %s', (error, expected) => {
  expect(isOfOpening(error)).toBe(expected)
})
