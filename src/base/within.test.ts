import { expect, test } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import { DeadlineExceeded, within } from './within.ts'

test('an answer in time is the answer, and leaves no timer', async () => {
  const clock = new ManualClock()
  await expect(within(clock, 10, () => Promise.resolve('yes'))).resolves.toBe('yes')
  await expect(within(clock, 10, () => 'at once')).resolves.toBe('at once')
  expect(clock.armed()).toBe(0)
})

test('a failure in time is the failure, also one that is thrown, and leaves no timer', async () => {
  const clock = new ManualClock()
  const thrown = within(clock, 10, () => {
    throw new Error('thrown')
  })
  await expect(thrown).rejects.toThrow('thrown')
  await expect(within(clock, 10, () => Promise.reject(new Error('rejected')))).rejects.toThrow('rejected')
  expect(clock.armed()).toBe(0)
})

test('it starts in the same turn', () => {
  let started = false
  void within(new ManualClock(), 10, () => {
    started = true
  })
  expect(started).toBe(true)
})

test('at the deadline it rejects and aborts the signal with the same reason', async () => {
  const clock = new ManualClock()
  let signal: AbortSignal | undefined
  const waiting = within(clock, 10, (given) => {
    signal = given
    return new Promise(() => undefined)
  })
  const failed = waiting.catch((error: unknown) => error)
  await clock.advance(9)
  expect(signal?.aborted).toBe(false)
  await clock.advance(1)
  const error = await failed
  expect(error).toBeInstanceOf(DeadlineExceeded)
  expect([(error as DeadlineExceeded).millis, signal?.aborted, signal?.reason === error]).toEqual([
    10,
    true,
    true,
  ])
})

test.each(['an answer', 'a failure'])('%s after the deadline is dropped', async (what) => {
  const clock = new ManualClock()
  let answer: ((value: string) => void) | undefined
  let fail: ((error: unknown) => void) | undefined
  const waiting = within(clock, 10, () => {
    return new Promise<string>((resolve, reject) => {
      answer = resolve
      fail = reject
    })
  })
  const failed = waiting.catch((error: unknown) => error)
  await clock.advance(10)
  if (what === 'an answer') answer?.('late')
  else fail?.(new Error('late'))
  expect(await failed).toBeInstanceOf(DeadlineExceeded)
})
