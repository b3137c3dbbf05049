import { expect, test } from 'vitest'
import { Recorder } from '../../monitor/recorder.ts'
import { RecentOperations } from './recent.ts'

function answer(recorder: Recorder, kind: string, millis: number, times = 1, error?: unknown): void {
  for (let n = 0; n < times; n++) recorder.answered({ class: kind }, { millis, error })
}

test('what was counted before anybody looked is not told', () => {
  const recorder = new Recorder()
  answer(recorder, 'simple', 500, 1_000)
  const recent = new RecentOperations(recorder, 0)
  expect(recent.second(1_000)).toEqual({ answered: 0, failed: 0, p50: null, p95: null, p99: null })
  expect(recent.classes(1_000)).toEqual([{ class: 'simple', perSecond: 0, p50: null, p95: null, p99: null }])
})

test('a second is told by itself, all classes together', () => {
  const recorder = new Recorder()
  const recent = new RecentOperations(recorder, 0)
  answer(recorder, 'simple', 1, 98)
  answer(recorder, 'complex', 3_000, 2, new Error('no'))
  const { p50, p99, ...counts } = recent.second(2_000)
  expect(counts).toMatchObject({ answered: 50, failed: 1 })
  expect(p50).toBeCloseTo(1, 0)
  expect(p99).toBeGreaterThanOrEqual(2_990)
  answer(recorder, 'simple', 7)
  expect(recent.second(3_000)).toMatchObject({ answered: 1, failed: 0, p50: 7 })
})

test('percentiles of a class forget what is more than ten seconds old', () => {
  const recorder = new Recorder()
  const recent = new RecentOperations(recorder, 0)
  answer(recorder, 'simple', 5_000, 10)
  for (let second = 1; second <= 10; second++) recent.second(second * 1_000)
  expect(recent.classes(10_250)[0]).toMatchObject({ p50: 5_000 })
  recent.second(11_000)
  answer(recorder, 'simple', 2)
  expect(recent.classes(11_250)[0]?.p99).toBeLessThan(3)
})

test('each class has its own rate and percentiles', () => {
  const recorder = new Recorder()
  const recent = new RecentOperations(recorder, 0)
  answer(recorder, 'simple', 1, 20)
  answer(recorder, 'analytical', 4_000, 1)
  expect(recent.classes(2_000)).toEqual([
    { class: 'simple', perSecond: 10, p50: 1, p95: 1, p99: 1 },
    { class: 'analytical', perSecond: 0.5, p50: 4_000, p95: 4_000, p99: 4_000 },
  ])
})

test('all classes together have percentiles of their own, over the same ten seconds', () => {
  const recorder = new Recorder()
  const recent = new RecentOperations(recorder, 0)
  expect(recent.latency(500)).toEqual({ p50: null, p95: null, p99: null })
  answer(recorder, 'simple', 1, 98)
  answer(recorder, 'analytical', 4_000, 2)
  const { p50, p95, p99 } = recent.latency(1_000)
  expect([p50, p95]).toEqual([expect.closeTo(1, 0), expect.closeTo(1, 0)])
  expect(p99).toBeGreaterThanOrEqual(3_900)
  for (let second = 1; second <= 11; second++) recent.second(second * 1_000)
  expect(recent.latency(11_250)).toEqual({ p50: null, p95: null, p99: null })
})

test('throughput is that of the last second or so', () => {
  const recorder = new Recorder()
  const recent = new RecentOperations(recorder, 0)
  answer(recorder, 'simple', 1, 40)
  answer(recorder, 'simple', 1, 10, new Error('no'))
  expect(recent.perSecond(500)).toEqual({ answered: 100, failed: 20 })
  recent.perSecond(1_000)
  expect(recent.perSecond(2_000)).toEqual({ answered: 0, failed: 0 })
})

test('after a standstill of the process old times are not those of the last seconds', () => {
  const recorder = new Recorder()
  const recent = new RecentOperations(recorder, 0)
  answer(recorder, 'simple', 5_000, 10)
  recent.second(60_000)
  answer(recorder, 'simple', 2)
  expect(recent.classes(60_500)[0]).toMatchObject({ perSecond: 2, p99: 2.05 })
})

test('waits for a connection are those of the last ten seconds, and none where nobody got one', () => {
  const recent = new RecentOperations(new Recorder(), 0)
  expect(recent.wait(0)).toEqual({ mean: null, p95: null, p99: null })
  for (let n = 0; n < 10; n++) recent.acquired(undefined, 4_000)
  for (let second = 1; second <= 10; second++) recent.second(second * 1_000)
  expect(recent.wait(10_250)).toEqual({ mean: 4_000, p95: 4_000, p99: 4_000 })
  recent.second(11_000)
  expect(recent.wait(11_250)).toEqual({ mean: null, p95: null, p99: null })
  for (let n = 0; n < 4; n++) recent.acquired(undefined, 2)
  expect(recent.wait(11_500)).toMatchObject({ mean: 2 })
  expect(recent.wait(11_500).p99).toBeLessThan(2.2)
})
