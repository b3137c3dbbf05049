import { describe, expect, test } from 'vitest'
import type { QueryOptions } from './call.ts'
import { NO_OPTIONS, readCall } from './call.ts'
import { readConfig } from './config.ts'
import { readQuery } from './forms.ts'

const CONFIG = readConfig({})

function read(options: object) {
  return readCall(options as QueryOptions, CONFIG)
}

describe('a call that says nothing', () => {
  test('leaves lanes and preparing to the pool, and is not run twice', () => {
    expect(read(NO_OPTIONS)).toEqual({
      priority: undefined,
      agent: undefined,
      signal: undefined,
      timeoutMillis: undefined,
      statementMillis: undefined,
      class: undefined,
      lane: undefined,
      prepare: undefined,
      idempotent: false,
    })
  })
})

describe('what a call says', () => {
  test('of lanes, of preparing, and of running it twice is taken', () => {
    const all = (value: boolean) => read({ lane: value, prepare: value, idempotent: value })
    expect(all(true)).toMatchObject({ lane: true, prepare: true, idempotent: true })
    expect(all(false)).toMatchObject({ lane: false, prepare: false, idempotent: false })
  })

  test.each(['lane', 'prepare', 'idempotent'])('of %s is yes or no, and nothing else', (name) => {
    expect(() => read({ [name]: 'yes' })).toThrow(`${name} must be true or false; it is "yes"`)
    expect(() => read({ [name]: 1 })).toThrow(`${name} must be true or false; it is 1`)
    expect(() => read({ [name]: null })).toThrow(`${name} must be true or false; it is null`)
    expect(() => read({ [name]: undefined })).not.toThrow()
  })

  test.each([
    ['simple', 5_000, 'high'],
    ['moderate', 30_000, 'medium'],
    ['complex', 60_000, 'medium'],
    ['analytical', 300_000, 'low'],
  ])('of its class: %s has %d ms and priority %s', (name, statementMillis, priority) => {
    expect(read({ class: name })).toMatchObject({ class: name, statementMillis, priority })
  })

  test('of its class gives way to the priority that it names', () => {
    expect(read({ class: 'analytical', priority: 'high' }).priority).toBe('high')
    expect(() => read({ class: 'quick' })).toThrow('class must be one of')
  })

  test('of its time is milliseconds, and stands beside the pool’s own bound', () => {
    const { timeoutMillis, statementMillis } = readCall(
      { timeout: 250, class: 'moderate' },
      readConfig({ queryTimeout: 900 }),
    )
    expect([timeoutMillis, statementMillis]).toEqual([250, 900])
    expect(() => read({ timeout: 0 })).toThrow('timeout must be a number from 1')
  })

  test('of its agent is a text, and of its signal a signal', () => {
    const { signal } = new AbortController()
    expect(read({ agent: 'a', signal })).toMatchObject({ agent: 'a', signal })
    expect(() => read({ agent: 5 })).toThrow('agent must be a string; it is of type number')
    expect(() => read({ signal: {} })).toThrow('signal must be an AbortSignal')
  })
})

describe('where a call says it', () => {
  const callback = () => undefined

  test('behind the values, or behind a callback’s place', () => {
    const options = { lane: false, idempotent: true }
    expect(readQuery('SELECT $1', ['a'], options)).toMatchObject({
      values: ['a'],
      options,
      callback: undefined,
    })
    expect(readQuery('SELECT 1', callback, options)).toMatchObject({ values: undefined, options, callback })
  })

  test.each(['lane', 'prepare', 'idempotent'])('%s may stand inside the config object', (name) => {
    const config = { text: 'SELECT 1', [name]: false }
    expect(readQuery(config, undefined, undefined).options).toBe(config)
  })

  test('a config object that says nothing of it costs nothing', () => {
    const { options } = readQuery({ text: 'SELECT 1', values: [] }, undefined, undefined)
    expect(options).toBe(NO_OPTIONS)
    expect(readQuery('SELECT 1', undefined, undefined).options).toBe(NO_OPTIONS)
    expect(readQuery(null, undefined, undefined).options).toBe(NO_OPTIONS)
  })

  test('options behind the values stand for those of the config object', () => {
    const options = { lane: true }
    expect(readQuery({ text: 'SELECT 1', lane: false }, [], options).options).toBe(options)
  })

  test('a query object has fields of its own, which are not asked', () => {
    const cursor = { submit: callback, prepare: callback, text: 'SELECT 1' }
    expect(readQuery(cursor, undefined, undefined).options).toBe(NO_OPTIONS)
  })

  test('a callback may come second or third', () => {
    expect(readQuery('SELECT 1', callback, undefined).callback).toBe(callback)
    expect(readQuery('SELECT $1', ['a'], callback)).toMatchObject({ values: ['a'], callback })
  })
})
