import { expect, test, vi } from 'vitest'
import { ManualClock, settle } from '../../test/support/manual-clock.ts'
import { Failures } from './failures.ts'

test('a failure is told in a turn of its own, and again only after a minute', async () => {
  const clock = new ManualClock()
  const told = vi.fn<(error: unknown) => void>()
  const failures = new Failures(told, clock)
  const fail = (why: string) => failures.attempt(() => raise(why))
  expect(fail('first')).toBeUndefined()
  expect(told).not.toHaveBeenCalled()
  await settle()
  fail('second')
  await clock.advance(59_999)
  fail('third')
  await settle()
  expect(told.mock.calls).toEqual([[new Error('first')]])
  await clock.advance(1)
  fail('fourth')
  await settle()
  expect(told.mock.calls).toEqual([[new Error('first')], [new Error('fourth')]])
  expect(failures.count).toBe(4)
})

test('what does not fail gives its result', () => {
  expect(new Failures(undefined, new ManualClock()).attempt(() => 7)).toBe(7)
})

test('without anybody to tell, a failure is kept away all the same', () => {
  expect(new Failures(undefined, new ManualClock()).attempt(() => raise('x'))).toBeUndefined()
})

function raise(why: string): never {
  throw new Error(why)
}
