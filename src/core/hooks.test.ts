import process from 'node:process'
import { afterEach, expect, test, vi } from 'vitest'
import { HookList } from './hooks.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

test('everybody who attached is told, in order, until they detach', () => {
  const hooks = new HookList<string>()
  const heard: string[] = []
  const detach = hooks.attach({ opened: (resource, millis) => heard.push(`first ${resource} ${millis}`) })
  hooks.attach({ opened: (resource) => heard.push(`second ${resource}`) })
  hooks.emit('opened', 'c', 5)
  hooks.emit('ended')
  detach()
  hooks.emit('opened', 'd', 6)
  expect(heard).toEqual(['first c 5', 'second c', 'second d'])
})

test('who attaches twice detaches each by itself, and once', () => {
  const hooks = new HookList<string>()
  const heard: string[] = []
  const twice = { asked: () => undefined, ended: () => heard.push('ended') }
  const first = hooks.attach(twice)
  const second = hooks.attach(twice)
  first()
  first()
  hooks.emit('ended')
  expect([heard, hooks.hearers]).toEqual([['ended'], [twice]])
  second()
  hooks.emit('ended')
  expect([heard, hooks.hearers]).toEqual([['ended'], []])
})

test('what a hook throws reaches neither the pool nor the others, and is not swallowed', async () => {
  const hooks = new HookList<string>()
  const heard: string[] = []
  hooks.attach({
    ended: () => {
      throw new Error('of the hook')
    },
  })
  hooks.attach({ ended: () => heard.push('second') })
  const uncaught: unknown[] = []
  vi.stubGlobal('queueMicrotask', (act: () => void) => {
    process.nextTick(() => {
      try {
        act()
      } catch (error) {
        uncaught.push(error)
      }
    })
  })
  hooks.emit('ended')
  expect([heard, uncaught]).toEqual([['second'], []])
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
  expect(uncaught).toEqual([new Error('of the hook')])
})
