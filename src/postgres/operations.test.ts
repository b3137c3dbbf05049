import { expect, test } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import type { Hooks } from '../core/hooks.ts'
import { HookList } from '../core/hooks.ts'
import type { Operation, OperationEnd } from '../core/operation.ts'
import { Operations } from '../core/operations.ts'
import type { Client } from './driver.ts'
import { Texts } from './lanes/texts.ts'
import type { Said } from './operations.ts'
import { StatementOperations } from './operations.ts'

function open(...attached: Hooks<Client>[]) {
  const clock = new ManualClock()
  const hooks = new HookList<Client>()
  const texts = new Texts()
  const detach = attached.map((each) => hooks.attach(each))
  return { clock, detach, texts, statements: new StatementOperations(new Operations(hooks, clock), texts) }
}

/** What is heard of one call. */
function heard(statements: readonly unknown[], said: Said = {}, prepare?: (texts: Texts) => void): Operation {
  const asked: Operation[] = []
  const parts = open({ asked: (operation) => asked.push(operation) })
  prepare?.(parts.texts)
  parts.statements.begin(statements, said)
  const [operation] = asked
  if (operation === undefined) throw new Error('nothing was heard')
  return operation
}

/** The statement was run once, for so long. */
function ran(text: string, millis: number): (texts: Texts) => void {
  return (texts) => texts.note(texts.paceOf(texts.of(text), undefined), millis, 0, 0)
}

test('nothing is made while nobody listens, or only to connections', () => {
  expect(open().statements.begin(['SELECT 1'], {})).toBeUndefined()
  expect(open({ acquired: () => undefined }).statements.begin(['SELECT 1'], {})).toBeUndefined()
})

test('nothing is made after the last one has detached', () => {
  const { detach, statements } = open({ asked: () => undefined })
  expect(statements.begin(['SELECT 1'], {})).toBeDefined()
  detach[0]?.()
  expect(statements.begin(['SELECT 1'], {})).toBeUndefined()
})

test('the end comes with the same object, the time and the error', async () => {
  const said: (Operation | [Operation, OperationEnd])[] = []
  const { clock, statements } = open({
    asked: (operation) => said.push(operation),
    answered: (operation, end) => said.push([operation, end]),
  })
  const first = statements.begin(['SELECT 1'], {}) as Operation
  await clock.advance(5)
  const second = statements.begin(['SELECT 2'], {}) as Operation
  await clock.advance(7)
  const failure = new Error('no')
  statements.end(second, failure)
  statements.end(first, undefined)
  const [one, two] = said as [Operation, Operation]
  expect(said.slice(2)).toEqual([
    [two, { millis: 7, error: failure }],
    [one, { millis: 12, error: undefined }],
  ])
  expect([one.askedAt, two.askedAt]).toEqual([clock.now() - 12, clock.now() - 7])
})

test('who throws when it is told reaches neither the caller nor the others', async () => {
  const told: string[] = []
  const uncaught: unknown[] = []
  const note = (error: unknown) => uncaught.push(error)
  process.on('uncaughtException', note)
  const { statements } = open(
    {
      asked: () => {
        throw new Error('mine')
      },
    },
    { asked: ({ text }) => told.push(text) },
  )
  statements.begin(['SELECT 1'], {})
  await new Promise(setImmediate)
  process.off('uncaughtException', note)
  expect(told).toEqual(['select ?'])
  expect(uncaught).toEqual([new Error('mine')])
})

test('a statement is shown without its literals, and in few words', () => {
  const { name, summary, text } = heard([{ text: `SELECT * FROM users WHERE pin = 's3cr3t'`, values: [1] }])
  expect({ name, summary, text }).toEqual({
    name: 'SELECT',
    summary: 'SELECT users',
    text: 'select * from users where pin = ?',
  })
})

test('a statement is shown as it was asked for, whatever its caller does with its object meanwhile', () => {
  const statement = { text: 'SELECT 1 FROM a' }
  const operation = heard([statement])
  statement.text = 'DELETE FROM b'
  expect([operation.summary, operation.text]).toEqual(['SELECT a', 'select ? from a'])
})

test('several statements are a batch, of one kind where they are', () => {
  const mixed = heard(['SELECT * FROM a', 'SELECT * FROM b'])
  expect([mixed.name, mixed.summary]).toEqual(['BATCH SELECT', 'BATCH'])
  const alike = heard(['INSERT INTO a VALUES (1)', 'INSERT INTO a VALUES (2)'])
  expect([alike.name, alike.summary]).toEqual(['BATCH INSERT', 'BATCH INSERT a'])
})

test('the class is the one that was said', () => {
  expect(heard(['SELECT 1'], { class: 'analytical' }, ran('SELECT 1', 1)).class).toBe('analytical')
})

test('the class is else what earlier runs make expect, and moderate where there were none', () => {
  expect(heard(['SELECT 1']).class).toBe('moderate')
  expect(heard(['SELECT 1'], {}, ran('SELECT 1', 1)).class).toBe('simple')
  expect(heard(['SELECT 2'], {}, ran('SELECT 1', 2_000)).class).toBe('complex')
  expect(heard(['SELECT 1', 'SELECT 1'], {}, ran('SELECT 1', 1)).class).toBe('moderate')
})

test('what is no class is none: the call will be refused for it', () => {
  expect(heard(['SELECT 1'], { class: 's3cr3t' as 'simple', agent: 7 as never })).toMatchObject({
    class: 'moderate',
    agent: undefined,
  })
})
