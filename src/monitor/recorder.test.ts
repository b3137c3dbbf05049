import { expect, test } from 'vitest'
import type { Hooks } from '../core/hooks.ts'
import type { MonitoredPool } from './monitored.ts'
import { Counts, errorType, Recorder, record } from './recorder.ts'

/** A pool that only counts who is attached. */
function fakePool() {
  const attached = new Set<Hooks<object>>()
  const pool: MonitoredPool = {
    stats: () => {
      throw new Error('nobody asks')
    },
    attach: (hooks) => {
      attached.add(hooks)
      return () => attached.delete(hooks)
    },
  }
  return { attached, pool }
}

test('all who watch one pool share a recorder, which is detached with the last of them', () => {
  const { attached, pool } = fakePool()
  const first = record(pool)
  const second = record(pool)
  expect(second.recorder).toBe(first.recorder)
  expect(attached.size).toBe(1)
  first.stop()
  first.stop()
  expect(attached.size).toBe(1)
  second.stop()
  expect(attached.size).toBe(0)
  expect(record(pool).recorder).not.toBe(first.recorder)
})

test.each([
  ['simple', 100],
  ['moderate', 1_000],
  ['complex', 60_000],
  ['analytical', 300_000],
])('a statement of class %s is slow above %i ms', (kind, millis) => {
  const recorder = new Recorder()
  recorder.answered({ class: kind }, { millis, error: undefined })
  recorder.answered({ class: kind }, { millis: millis + 1, error: undefined })
  expect(recorder.classes.get(kind)).toMatchObject({ slow: 1 })
})

test('durations are counted in seconds, and in milliseconds for percentiles', () => {
  const recorder = new Recorder()
  recorder.answered({ class: 'simple' }, { millis: 250, error: undefined })
  recorder.acquired(undefined, 20)
  recorder.released(undefined, undefined, 30)
  recorder.opened({}, 40)
  const { durations, times } = recorder.classes.get('simple') ?? {}
  expect([durations?.sum, times?.max]).toEqual([0.25, 250])
  expect([recorder.waits.sum, recorder.uses.sum, recorder.opens.sum]).toEqual([0.02, 0.03, 0.04])
})

test('classes that a pool makes up take no more memory than fifty, and the rest is other', () => {
  const recorder = new Recorder()
  for (let n = 0; n < 10_000; n++)
    recorder.answered({ class: `c${n % 1_000}` }, { millis: 1, error: undefined })
  expect(recorder.classes.size).toBe(51)
  const counts = [...recorder.classes.values()].map(({ times }) => times.count)
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10_000)
  expect(recorder.classes.get('other')?.times.count).toBe(9_500)
})

test('failures are counted by code; the text of an error is nowhere', () => {
  const recorder = new Recorder()
  recorder.answered(
    { class: 'simple' },
    { millis: 1, error: Object.assign(new Error('s3cr3t'), { code: '22P02' }) },
  )
  recorder.answered({ class: 'simple' }, { millis: 1, error: new Error('s3cr3t') })
  recorder.openFailed(Object.assign(new Error('s3cr3t'), { code: 'ECONNREFUSED' }))
  recorder.closing({}, 'lost')
  recorder.closing({}, 'idle')
  expect([...recorder.errors.entries()]).toEqual([
    ['22P02', 1],
    ['other', 1],
  ])
  expect([...recorder.connectionErrors.entries()]).toEqual([
    ['ECONNREFUSED', 1],
    ['lost', 1],
  ])
})

test('a code that is no code is none', () => {
  expect(errorType({ code: 'pässword: s3cr3t' })).toBe('other')
  expect(errorType(undefined)).toBe('other')
  expect(errorType({ code: 'A'.repeat(64) })).toBe('A'.repeat(64))
  expect(errorType({ code: 'A'.repeat(65) })).toBe('other')
})

test('there are never more than fifty words and one for the rest', () => {
  const counts = new Counts()
  for (let n = 0; n < 60; n++) counts.add(`w${n}`)
  counts.add('w3')
  const entries = new Map(counts.entries())
  expect([entries.size, entries.get('other'), entries.get('w3'), counts.total]).toEqual([51, 10, 2, 61])
})
