import { describe, expect, test } from 'vitest'
import { readStatement } from './statement.ts'

function read(statement: unknown, values?: unknown) {
  return readStatement({ statement, values })
}

describe('what Sluice sends itself', () => {
  test('is a text, with values or without', () => {
    const rest = { name: undefined, rowMode: undefined, types: undefined }
    expect(read('SELECT 1')).toEqual({ text: 'SELECT 1', values: undefined, ...rest })
    expect(read('SELECT $1', ['a'])).toEqual({ text: 'SELECT $1', values: ['a'], ...rest })
    expect(read('SELECT 1', null)?.values).toBeUndefined()
  })

  test('is a config object, with its name, row mode and types', () => {
    const types = { getTypeParser: () => String }
    expect(read({ text: 'SELECT $1', values: ['a'], name: 'own', rowMode: 'array', types })).toEqual({
      text: 'SELECT $1',
      values: ['a'],
      name: 'own',
      rowMode: 'array',
      types,
    })
  })

  test('takes the values of the call before those of the config, as pg does', () => {
    const config = { text: 'SELECT $1', values: ['config'] }
    expect([read(config, ['call'])?.values, read(config)?.values]).toEqual([['call'], ['config']])
  })

  test('has its values as pg serialises them', () => {
    const bytes = Buffer.from('b')
    const values = [1, true, null, undefined, bytes, { a: 1 }, ['x', null]]
    expect(read('SELECT', values)?.values).toEqual(['1', 'true', null, null, bytes, '{"a":1}', '{"x",NULL}'])
  })

  test('keeps nothing of the caller’s array of values', () => {
    const values = ['a']
    const statement = read('SELECT $1', values)
    values[0] = 'b'
    expect(statement?.values).toEqual(['a'])
  })

  test('has as many values as the protocol can count', () => {
    const values = Array.from({ length: 65_535 }, () => 'x')
    expect(read('SELECT', values)?.values).toHaveLength(65_535)
    expect(read('SELECT', [...values, 'x'])).toBeUndefined()
  })

  test('has a name that the server does not cut', () => {
    expect(read({ text: 'SELECT 1', name: 'n'.repeat(63) })?.name).toHaveLength(63)
    expect(read({ text: 'SELECT 1', name: 'n'.repeat(64) })).toBeUndefined()
  })
})

describe('what is left to pg', () => {
  test.each([
    ['nothing at all', undefined],
    ['null', null],
    ['a number', 5],
    ['a text that is empty', ''],
    ['a config without a text', {}],
    ['a config with a text that is none', { text: 5 }],
    ['an empty name', { text: 'SELECT 1', name: '' }],
    ['a name that is none', { text: 'SELECT 1', name: 5 }],
    ['a row mode of another kind', { text: 'SELECT 1', rowMode: 'object' }],
    ['values that are no array', { text: 'SELECT 1', values: 'a' }],
    ['a query object', { text: 'SELECT 1', submit: () => undefined }],
    ['a portal', { text: 'SELECT 1', portal: 'p' }],
    ['rows at a time', { text: 'SELECT 1', rows: 10 }],
    ['binary results', { text: 'SELECT 1', binary: true }],
    ['a timeout of pg', { text: 'SELECT 1', query_timeout: 5 }],
    ['a query mode', { text: 'SELECT 1', queryMode: 'extended' }],
    ['a callback in the config', { text: 'SELECT 1', callback: () => undefined }],
  ])('is %s', (_what, statement) => {
    expect(read(statement)).toBeUndefined()
  })

  test('are values of a text that are no array', () => {
    expect([read('SELECT 1', 'a'), read('SELECT 1', { length: 0 })]).toEqual([undefined, undefined])
  })
})

test('a value that pg cannot send is refused in its words', () => {
  const circle: Record<string, unknown> = {}
  circle.self = circle
  expect(() => read('SELECT $1', [circle])).toThrow(/circular/i)
})
