import { describe, expect, test } from 'vitest'
import type { Client } from '../driver.ts'
import type { Shape } from '../results.ts'
import { Names, nameOf } from './names.ts'

const SHAPE: Shape = { fields: [], parsers: [], blank: null }

function names(capacity: number) {
  const parsedStatements: Record<string, string> = {}
  const submittedNamedStatements: Record<string, string> = {}
  const client = { connection: { parsedStatements, submittedNamedStatements } } as unknown as Client
  const subject = new Names(client, capacity)
  /** A flight has used it, and the server has it. */
  const flown = (...used: string[]) => {
    for (const name of used) {
      subject.use(name)
      parsedStatements[name] = `text of ${name}`
      subject.unuse(name)
    }
  }
  return { client, subject, parsedStatements, submittedNamedStatements, flown }
}

describe('the name of a text', () => {
  test('is the same in every process, and short enough for the server', () => {
    expect(nameOf('SELECT 1')).toMatch(/^sluice_[\w-]{16}$/)
    expect(nameOf('SELECT 1')).toBe('sluice_4ATr1bVTKkuFmEpi')
  })

  test('is another one for another text, however alike', () => {
    const texts = ['SELECT 1', 'SELECT 1 ', 'select 1', 'SELECT 11', '']
    expect(new Set(texts.map(nameOf)).size).toBe(texts.length)
  })
})

describe('room for a new name', () => {
  test('is made by the one that was used longest ago', () => {
    const { subject, flown, parsedStatements } = names(2)
    flown('a', 'b', 'a', 'c')
    expect([subject.toClose(), Object.keys(parsedStatements)]).toEqual([['b'], ['a', 'c']])
    expect(subject.size).toBe(2)
  })

  test('is not made by what is under way, whose ParseComplete would come after its Close', () => {
    const { subject, flown } = names(2)
    subject.use('under way')
    flown('b', 'c')
    expect(subject.toClose()).toEqual(['b'])
    subject.unuse('under way')
    flown('d')
    expect(subject.toClose()).toEqual(['under way'])
  })

  test('is not needed for a name that is kept', () => {
    const { subject, flown } = names(2)
    flown('a', 'b', 'b', 'a')
    expect(subject.toClose()).toEqual([])
  })

  test('is found beyond the capacity while everything is under way', () => {
    const { subject } = names(2)
    for (const name of ['a', 'b', 'c']) subject.use(name)
    expect([subject.size, subject.toClose()]).toEqual([3, []])
  })

  test('is not made by a name that two flights use while one of them is under way', () => {
    const { subject, flown } = names(1)
    subject.use('a')
    subject.use('a')
    subject.unuse('a')
    flown('b')
    expect(subject.toClose()).toEqual([])
  })
})

describe('what is to be closed', () => {
  test('is told once', () => {
    const { subject, flown } = names(1)
    flown('a', 'b', 'c')
    expect([subject.toClose(), subject.toClose()]).toEqual([['a', 'b'], []])
  })
})

describe('what a statement returns', () => {
  test('is known once it was described, as it was described first', () => {
    const { subject } = names(2)
    subject.use('a')
    expect(subject.shapeOf('a')).toBeUndefined()
    subject.learn('a', SHAPE)
    subject.learn('a', { ...SHAPE })
    expect(subject.shapeOf('a')).toBe(SHAPE)
  })

  test('is not kept for a name that is not, nor for none', () => {
    const { subject } = names(2)
    subject.learn('b', SHAPE)
    subject.learn(undefined, SHAPE)
    expect([subject.shapeOf('b'), subject.size]).toEqual([undefined, 0])
  })

  test('is forgotten with the name', () => {
    const { subject, flown } = names(1)
    flown('a')
    subject.learn('a', SHAPE)
    flown('b', 'a')
    expect(subject.shapeOf('a')).toBeUndefined()
  })
})

describe('results in binary', () => {
  const INT4 = { dataTypeID: 23, format: 'text' } as Shape['fields'][number]
  const NUMERIC = { dataTypeID: 1700, format: 'text' } as Shape['fields'][number]
  const shape = (...fields: Shape['fields']): Shape => ({
    ...SHAPE,
    fields,
    parsers: fields.map(() => Number),
  })

  function decoders(binary: boolean, learned: Shape) {
    const { client } = names(2)
    const subject = new Names(client, 2, binary)
    subject.use('a')
    subject.learn('a', learned)
    return subject.decodersOf('a')
  }

  test('are decoded where they may come so and every column can', () => {
    expect(decoders(true, shape(INT4))?.map((decode) => decode(Buffer.from([0, 0, 0, 7])))).toEqual([7])
    expect(decoders(true, shape(INT4, NUMERIC))).toBeUndefined()
    expect(decoders(false, shape(INT4))).toBeUndefined()
  })
})

describe('a name that the server has lost', () => {
  test('is parsed anew, described anew, and closed where the server may still have it', () => {
    const { subject, flown, parsedStatements, submittedNamedStatements } = names(2)
    flown('a', 'b')
    submittedNamedStatements.a = 'text of a'
    subject.learn('a', SHAPE)
    subject.forget('a', true)
    subject.forget('b', false)
    expect([parsedStatements, submittedNamedStatements, subject.shapeOf('a')]).toEqual([{}, {}, undefined])
    expect(subject.toClose()).toEqual(['a'])
  })

  test('is forgotten once, however many flights find it lost', () => {
    const { subject, parsedStatements } = names(2)
    const [first, second] = [subject.use('a'), subject.use('a')]
    subject.forget('a', true, first)
    parsedStatements.a = 'parsed again'
    subject.forget('a', true, second)
    expect([parsedStatements, subject.toClose()]).toEqual([{ a: 'parsed again' }, ['a']])
  })

  test('can be lost again by a flight that began later', () => {
    const { subject, parsedStatements } = names(2)
    subject.forget('a', false, subject.use('a'))
    parsedStatements.a = 'parsed again'
    subject.forget('a', false, subject.use('a'))
    expect(parsedStatements).toEqual({})
  })

  test('may be one that a caller gave', () => {
    const { subject, parsedStatements } = names(2)
    parsedStatements.own = 'text'
    subject.forget('own', true)
    expect([parsedStatements, subject.toClose()]).toEqual([{}, ['own']])
  })
})
