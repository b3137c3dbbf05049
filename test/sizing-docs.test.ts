/** The table of functions in docs/sizing.md, row by row. */
import { readFileSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import * as sizing from '../src/sizing/index.ts'

const text = readFileSync(new URL('../docs/sizing.md', import.meta.url), 'utf8')
const row = /^\| `(\w+)` \| (.+?) \| (.+?) \| `(.+)` → `(.+)` \|$/gm
const rows = [...text.matchAll(row)].map(
  ([, name = '', argument = '', returns = '', call = '', result = '']) => ({
    name,
    argument,
    returns,
    call,
    result,
  }),
)

/** What a call of the table gives; it sees what the package exports and nothing of the test. */
function evaluate(expression: string): unknown {
  return runInNewContext(`(${expression})`, { ...sizing })
}

/** The names in the first braces of a text. */
function namesIn(cell: string): string[] {
  const list = /^`\{ ([^}]+) \}`/.exec(cell)?.[1] ?? ''
  return list === '' ? [] : list.split(', ').map((name) => name.replace('?', ''))
}

test('has a row for every function, and for nothing else', () => {
  const functions = Object.entries(sizing).filter(([, value]) => typeof value === 'function')
  expect(rows.map(({ name }) => name).sort()).toEqual(functions.map(([name]) => name).sort())
})

describe('what a row says is what the function does', () => {
  test.each(rows)('$name', ({ name, returns, call, result }) => {
    expect(call.startsWith(`${name}(`)).toBe(true)
    expect(JSON.stringify(evaluate(call))).toBe(result)
    const whole = evaluate(call.slice(0, call.lastIndexOf(')', call.search(/\)\.\w|\)$/)) + 1))
    for (const field of namesIn(returns)) expect(whole, name).toHaveProperty(field)
    for (const [, field = ''] of returns.matchAll(/(?:with|,|and)(?: the usual)? `(\w+)`/g))
      if (returns.startsWith('answer')) expect(whole, name).toHaveProperty(field)
  })
})

describe('the argument of a row is what the function asks for', () => {
  const required = rows.filter(({ argument }) => namesIn(argument).length > 0 && argument.endsWith('}`'))
  test.each(
    required.filter(({ name }) => name.startsWith('sizeFor') || name === 'memoryOf' || name === 'nextSize'),
  )('$name', ({ name, argument }) => {
    const list = /\{ (.+) \}/.exec(argument)?.[1] ?? ''
    const needed = list.split(', ').filter((one) => !one.endsWith('?'))
    for (const missing of needed) {
      const given = needed.filter((one) => one !== missing).map((one) => `${one}: 2`)
      expect(() => evaluate(`${name}({ ${given.join(', ')} })`)).toThrow(`${missing} must be given`)
    }
  })
})
