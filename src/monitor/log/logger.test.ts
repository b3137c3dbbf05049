import pino from 'pino'
import { expect, test, vi } from 'vitest'
import winston from 'winston'
import { settle } from '../../../test/support/manual-clock.ts'
import type { MessageFirst } from './logger.ts'
import { writerOf } from './logger.ts'

type Method = (...given: unknown[]) => unknown

/** A logger that keeps its calls, with further methods. */
function fake(more: Readonly<Record<string, unknown>> = {}) {
  const warn = vi.fn<Method>()
  const logger = { debug: warn, info: warn, warn, error: warn, ...more } as MessageFirst
  return { logger, warn }
}

const never = () => {
  throw new Error('a line was refused')
}

test.each([
  ['a pino, by its bindings()', { bindings: () => ({}) }],
  ['a bunyan, by its addStream()', { addStream: () => undefined }],
])('%s, gets the fields first', (_, more) => {
  const { logger, warn } = fake(more)
  writerOf(logger, undefined, never)('warn', 'said', { a: 1 })
  expect(warn).toHaveBeenCalledWith({ a: 1 }, 'said')
})

test('anything else gets the message first, unless it is told otherwise', () => {
  const { logger, warn } = fake()
  writerOf(logger, undefined, never)('warn', 'said', { a: 1 })
  writerOf(logger, 'fields-first', never)('warn', 'said', { a: 1 })
  expect(warn.mock.calls).toEqual([
    ['said', { a: 1 }],
    [{ a: 1 }, 'said'],
  ])
})

test('the real pino and its children are told from the real winston and its children', () => {
  const lines: string[] = []
  const parent = pino({ level: 'debug', base: null, timestamp: false }, { write: (line) => lines.push(line) })
  writerOf(parent, undefined, never)('warn', 'said', { a: 1 })
  writerOf(parent.child({ of: 'a child' }), undefined, never)('debug', 'said', { a: 2 })
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
    { level: 40, a: 1, msg: 'said' },
    { level: 20, of: 'a child', a: 2, msg: 'said' },
  ])
  const infos: unknown[] = []
  const transport = new winston.transports.Console({
    log: (info, next) => {
      infos.push(JSON.parse(JSON.stringify(info)))
      next()
    },
  })
  const own = winston.createLogger({ level: 'debug', transports: [transport] })
  writerOf(own, undefined, never)('warn', 'said', { a: 1 })
  writerOf(own.child({ of: 'a child' }), undefined, never)('debug', 'said', { a: 2 })
  expect(infos).toEqual([
    { level: 'warn', message: 'said', a: 1 },
    { level: 'debug', message: 'said', a: 2, of: 'a child' },
  ])
})

test('a pino whose level is changed later is heard', () => {
  const lines: string[] = []
  const logger = pino({ level: 'error' }, { write: (line) => lines.push(line) })
  const write = writerOf(logger, undefined, never)
  write('debug', 'said', {})
  logger.level = 'debug'
  write('debug', 'said', {})
  expect(lines).toHaveLength(1)
})

test('a line that is refused, at once or later, is told', async () => {
  const failed = vi.fn<() => void>()
  const throws = () => {
    throw new Error('the disk is full')
  }
  const { logger } = fake({ warn: throws, info: () => Promise.reject(new Error('the disk is full')) })
  const write = writerOf(logger, undefined, failed)
  write('warn', 'said', {})
  expect(failed).toHaveBeenCalledTimes(1)
  write('info', 'said', {})
  await settle()
  expect(failed).toHaveBeenCalledTimes(2)
})

test.each([
  [undefined, 'log() takes a logger; it got undefined'],
  [{ debug: never, info: never, error: never }, 'log() takes a logger; what it got has no warn()'],
])('%o is no logger', (logger, text) => {
  expect(() => writerOf(logger as never, undefined, never)).toThrow(text)
})
