import { describe, expect, test } from 'vitest'
import { randomOf } from '../../demo/workload/random.ts'
import type { Progress } from './sweep.ts'
import { Sweep } from './sweep.ts'

const sizes = [1, 2, 4, 8, 16]

/** A sweep over something that takes no time, on a clock by which each cell takes 2 ms, and what it measured in which order. */
function play(
  throughputOf: (size: number) => number,
  millis = 400,
): { sweep: Sweep; run: () => ReturnType<Sweep['run']>; asked: number[]; told: Progress[] } {
  const asked: number[] = []
  const told: Progress[] = []
  let now = 0
  const sweep = new Sweep({
    sizes,
    random: randomOf(1),
    now: () => now,
    deadline: millis,
    onCell: (progress) => told.push(progress),
    measure: async (size) => {
      asked.push(size)
      now += 2
      return { size, throughput: throughputOf(size), shared: size === 2 }
    },
  })
  return { sweep, run: () => sweep.run(), asked, told }
}

describe('a sweep', () => {
  test('goes up and down in turns, and then looks closer around what it recommends', async () => {
    const { run, asked, told } = play((size) => 100 * Math.min(size, 6))
    const { rounds, verdict, shared } = await run()
    const first = asked.slice(0, 5)
    expect([...first].sort((a, b) => a - b)).toEqual(sizes)
    expect(asked.slice(5, 10)).toEqual([...first].reverse())
    expect(verdict.recommended.size).toBe(7)
    expect(new Set(asked)).toEqual(new Set([...sizes, 5, 7]))
    expect(rounds.length).toBeGreaterThan(6)
    expect(shared).toBe(true)
    expect(told.filter(({ complete }) => complete)).toHaveLength(rounds.length)
    expect(told.every(({ done }) => done >= 0 && done <= 1)).toBe(true)
    expect(told.map(({ stage }) => stage)).toContain('closer')
  })

  test('that has no time for three rounds says so', async () => {
    await expect(play(() => 1, -1).run()).rejects.toThrow('Only 0 rounds could be measured in time')
  })

  test('has figures once two rounds are over, without a verdict, and none before', async () => {
    const { sweep, run } = play((size) => 100 * size)
    expect(sweep.soFar()).toBeUndefined()
    await run()
    expect(sweep.soFar()?.sizes.at(-1)).toMatchObject({ size: 16, throughput: expect.closeTo(1_600, 5) })
    expect(sweep.soFar()).not.toHaveProperty('verdict')
  })

  test('ends with the first error', async () => {
    const { run, asked } = play((size) => {
      if (size === 4) throw new Error('no')
      return size
    })
    await expect(run()).rejects.toThrow('no')
    expect(asked.at(-1)).toBe(4)
  })
})
