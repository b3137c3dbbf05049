import { expect, test } from 'vitest'
import { Happenings, labelOf } from './happenings.ts'

const texts = (happenings: Happenings, now: number) => happenings.take(now).map(({ text }) => text)

test('many of one kind are one event, with how many they were and why', () => {
  const happenings = new Happenings()
  happenings.opened()
  for (let n = 0; n < 12; n++) happenings.closed({}, 'idle')
  for (let n = 0; n < 2; n++) happenings.closed({}, 'lost')
  expect(happenings.take(0)).toEqual([
    { level: 'info', text: '1 connection opened' },
    { level: 'info', text: '12 connections closed: idle' },
    { level: 'warn', text: '2 connections closed: lost' },
  ])
  expect(happenings.take(5_000)).toEqual([])
})

test('a kind is told once a second, and nothing of it is lost', () => {
  const happenings = new Happenings()
  const refuse = () => happenings.rejected({ code: 'SLUICE_ACQUIRE_TIMEOUT' })
  refuse()
  expect(texts(happenings, 0)).toEqual(['1 caller left without a connection: SLUICE_ACQUIRE_TIMEOUT'])
  for (let n = 0; n < 1_000; n++) refuse()
  expect(texts(happenings, 999)).toEqual([])
  happenings.opened()
  expect(texts(happenings, 999)).toEqual(['1 connection opened'])
  expect(texts(happenings, 1_000)).toEqual([
    '1,000 callers left without a connection: SLUICE_ACQUIRE_TIMEOUT',
  ])
})

test('errors are told by their codes: their texts may repeat values', () => {
  const happenings = new Happenings()
  happenings.openFailed(Object.assign(new Error('password s3cr3t is wrong'), { code: '28P01' }))
  happenings.openFailed(new Error('s3cr3t'))
  const told = texts(happenings, 0)
  expect(told).toEqual([
    '1 connection could not be opened: 28P01: wrong password',
    '1 connection could not be opened: an error of another kind',
  ])
})

test('leaks say who and for how long', () => {
  const happenings = new Happenings()
  happenings.leaked({ agent: 'crawler' }, 2_000)
  happenings.nested()
  happenings.unleaked({}, 3_000)
  happenings.lost({}, 'idle')
  expect(texts(happenings, 0)).toEqual([
    '1 connection held for 2,000 ms by crawler may be leaked',
    '1 caller had to wait for a connection while holding one',
    '1 leaked connection came back after 3,000 ms',
    '1 close given up (idle): the server may still have the other end',
  ])
  happenings.leaked({ agent: 'x'.repeat(5_000) }, 2_000)
  expect(texts(happenings, 2_000)[0]?.length).toBeLessThan(200)
})

test('whatever codes there are, what is remembered of them is bounded, and forgotten again', () => {
  const happenings = new Happenings()
  for (let n = 0; n < 5_000; n++) happenings.openFailed({ code: `E${n}` })
  const told = texts(happenings, 0)
  expect(told.length).toBeLessThanOrEqual(101)
  expect(told.at(-1)).toMatch(/^4,9\d\d connections could not be opened: an error of another kind$/)
  happenings.take(1_000)
  happenings.openFailed({ code: 'ENEW' })
  expect(texts(happenings, 1_001)).toEqual(['1 connection could not be opened: ENEW'])
})

test('a label is fit for a line: nothing in it turns the words after it round, breaks the line, or is half a letter', () => {
  expect(labelOf('a\u202Eb\nc\u0000d')).toBe('a b c d')
  expect(labelOf(`${'x'.repeat(99)}🎈 and more`)).toBe(`${'x'.repeat(99)}…`)
})
