import { expect, test } from 'vitest'
import type { SluiceErrorCode } from '../base/errors.ts'
import { SluiceError } from '../base/errors.ts'
import { unavailable } from './unavailable.ts'

const error = (code: SluiceErrorCode, retryAfterMillis?: number) =>
  new SluiceError(code, '10 of 10 slots leased by agent "planner"', { retryAfterMillis })

test.each<SluiceErrorCode>([
  'SLUICE_ACQUIRE_TIMEOUT',
  'SLUICE_QUEUE_FULL',
  'SLUICE_SHED',
  'SLUICE_BREAKER_OPEN',
  'SLUICE_OPEN_FAILED',
  'SLUICE_OPEN_TIMEOUT',
  'SLUICE_POOL_ENDED',
])('%s is 503, with Retry-After in whole seconds and nothing of the pool', (code) => {
  const answer = unavailable(error(code, 2_100))
  expect(answer).toMatchObject({ status: 503, retryAfter: 3, headers: { 'retry-after': '3' } })
  expect(answer?.body).not.toContain('planner')
})

test.each<SluiceErrorCode>([
  'SLUICE_ABORTED',
  'SLUICE_BAD_OPTION',
  'SLUICE_CONNECTION_LOST',
  'SLUICE_QUERY_TIMEOUT',
  'SLUICE_TRANSACTION_TIMEOUT',
])('%s is another matter', (code) => {
  expect(unavailable(error(code))).toBeUndefined()
})

test('Retry-After is a second at least, and where the error does not say', () => {
  expect(unavailable(error('SLUICE_SHED', 5))?.retryAfter).toBe(1)
  expect(unavailable(error('SLUICE_POOL_ENDED'))?.retryAfter).toBe(1)
})

test('the error may be the cause of another library’s, some of them deep', () => {
  const wrapped = new Error('query failed', {
    cause: new Error('driver', { cause: error('SLUICE_QUEUE_FULL', 1_000) }),
  })
  expect(unavailable(wrapped)?.status).toBe(503)
  const circle = new Error('circle')
  circle.cause = circle
  expect([unavailable(circle), unavailable('text'), unavailable(new Error('x'))]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})
