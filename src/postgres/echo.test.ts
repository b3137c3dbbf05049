import { expect, test } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import { HookList } from '../core/hooks.ts'
import { Operations } from '../core/operations.ts'
import type { Client } from './driver.ts'
import { echoHooks } from './echo.ts'
import { Texts } from './lanes/texts.ts'
import { StatementOperations } from './operations.ts'

/** What is written of statements that take 12.34 ms. */
async function lineOf(statements: readonly unknown[], error?: unknown): Promise<string> {
  const clock = new ManualClock()
  const lines: string[] = []
  const hooks = new HookList<Client>()
  hooks.attach(echoHooks((line) => lines.push(line)))
  const operations = new StatementOperations(new Operations(hooks, clock), new Texts())
  const operation = operations.begin(statements, {})
  await clock.advance(12.34)
  if (operation !== undefined) operations.end(operation, error)
  expect(lines).toHaveLength(1)
  return lines[0] ?? ''
}

test('a statement is written without its literals, with its time', async () => {
  const text = `SELECT * FROM users WHERE name = 'Ann' AND pin = 1234 -- s3cr3t\n AND id = $1`
  expect(await lineOf([text])).toBe('select * from users where name = ? and pin = ? and id = $1 -- 12.3 ms')
})

test('values that are bound are not heard of', async () => {
  const query = { text: 'SELECT $1::text', values: ['s3cr3t'] }
  expect(await lineOf([query])).toBe('select $1::text -- 12.3 ms')
})

test('what is sent as one is one line', async () => {
  expect(await lineOf(['SELECT 1', { text: 'SELECT 2' }])).toBe('select ?; select ? -- 12.3 ms')
})

test('a failure is its code, since its text may repeat values', async () => {
  const error = Object.assign(new Error('invalid input syntax: "s3cr3t"'), { code: '22P02' })
  expect(await lineOf(['SELECT 1'], error)).toBe('select ? -- failed after 12.3 ms: 22P02')
  expect(await lineOf(['SELECT 1'], new Error('s3cr3t'))).toBe('select ? -- failed after 12.3 ms: no code')
})

test.each([`SELECT 'it's s3cr3t'`, `SELECT 's3cr3t`, `SELECT 1\0 s3cr3t`, 'SELECT $tag$ s3cr3t'])(
  'a text whose literals cannot be told is not written: %j',
  async (text) => {
    expect(await lineOf([text])).toBe('(a statement that cannot be read) -- 12.3 ms')
  },
)

test('query objects without a text are named as such', async () => {
  expect(await lineOf([{ submit: () => undefined }, null])).toBe(
    '(a query object); (a query object) -- 12.3 ms',
  )
})

test('a text that is long beyond reading is cut', async () => {
  const line = await lineOf([`SELECT ${Array.from({ length: 2_000 }, (_, n) => `c${n}`).join(', ')}`])
  expect(line).toMatch(/ … -- 12\.3 ms$/)
  expect(line.length).toBeLessThan(1_100)
})
