import process from 'node:process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { settle } from '../../test/support/manual-clock.ts'
import { onAbort } from './aborts.ts'

const warnings: Error[] = []
const note = (warning: Error) => warnings.push(warning)
beforeEach(() => process.on('warning', note))
afterEach(() => {
  process.off('warning', note)
  warnings.length = 0
})

/** A signal that counts its listeners. */
function counted() {
  const controller = new AbortController()
  const { signal } = controller
  const count = { added: 0, removed: 0 }
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    count.added += 1
    addEventListener.apply(signal, args)
  }
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    count.removed += 1
    removeEventListener.apply(signal, args)
  }
  return { controller, signal, count }
}

test('a thousand waits on one signal cost one listener and no warning', async () => {
  const { controller, signal, count } = counted()
  let fired = 0
  for (let n = 0; n < 1_000; n++) onAbort(signal, () => fired++)
  await settle()
  expect([count.added, warnings]).toEqual([1, []])
  controller.abort()
  expect(fired).toBe(1_000)
})

test('the last one to stop listening takes the listener off the signal', () => {
  const { signal, count } = counted()
  const first = onAbort(signal, () => undefined)
  const second = onAbort(signal, () => undefined)
  first()
  expect(count.removed).toBe(0)
  second()
  expect(count.removed).toBe(1)
})

test('who has stopped listening is not called', () => {
  const controller = new AbortController()
  const heard: string[] = []
  onAbort(controller.signal, () => heard.push('first'))
  onAbort(controller.signal, () => heard.push('second'))()
  controller.abort()
  expect(heard).toEqual(['first'])
})

test('a listener that takes another one back while all are called is obeyed', () => {
  const controller = new AbortController()
  const heard: string[] = []
  let takeBack = (): void => undefined
  onAbort(controller.signal, () => {
    heard.push('first')
    takeBack()
  })
  takeBack = onAbort(controller.signal, () => heard.push('second'))
  controller.abort()
  expect(heard).toEqual(['first'])
})

test('stopping twice, or after the abort, does nothing', () => {
  const controller = new AbortController()
  const heard: string[] = []
  const stop = onAbort(controller.signal, () => heard.push('once'))
  controller.abort()
  stop()
  stop()
  expect(heard).toEqual(['once'])
})

test('a signal may be listened to anew after everybody has left', () => {
  const controller = new AbortController()
  const heard: string[] = []
  onAbort(controller.signal, () => heard.push('left'))()
  onAbort(controller.signal, () => heard.push('came later'))
  controller.abort()
  expect(heard).toEqual(['came later'])
})
