/** `sluice load` without a database, as the shell runs it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Playground } from './cli-support.ts'
import { playground, run, start } from './cli-support.ts'

const nothing = { files: [], processes: [] }

interface Report {
  ok: boolean
  server: { embedded: boolean }
  run: Record<string, unknown>
  ways: Record<
    string,
    Record<
      | 'answered'
      | 'success'
      | 'getting'
      | 'opened'
      | 'reuse'
      | 'sessions'
      | 'timeouts'
      | 'p50'
      | 'p99'
      | 'max',
      number
    >
  >
  headlines: { figure: string; verdict: string; measured: number }[]
}

describe('on a Postgres of its own', { timeout: 120_000 }, () => {
  let place: Playground
  beforeEach(() => {
    place = playground()
  })
  afterEach(() => {
    place.remove()
  })

  test('says in JSON how many were answered, how fast, and over how many connections, and leaves nothing', async () => {
    const { code, stdout, stderr } = await run(
      ['load', '--callers', '20', '--max', '4', '--seconds', '1', '--json'],
      place.env,
    )
    expect([code, stderr]).toEqual([0, ''])
    const report: Report = JSON.parse(stdout)
    expect(report).toMatchObject({
      ok: true,
      server: { embedded: true },
      run: { callers: 20, max: 4, seconds: 1, compare: false, order: ['sluice', 'sluice'] },
      headlines: [],
    })
    const { sluice } = report.ways
    expect(sluice).toMatchObject({ success: 1, timeouts: 0 })
    expect(sluice?.answered).toBeGreaterThan(0)
    expect(sluice?.reuse).toBeGreaterThan(0)
    expect(sluice?.opened).toBeGreaterThan(0)
    expect(sluice?.sessions).toBeLessThanOrEqual(4)
    expect(sluice?.p50).toBeGreaterThan(0)
    expect(sluice?.p99).toBeLessThanOrEqual(sluice?.max ?? 0)
    expect(place.leftovers()).toEqual(nothing)
  })

  test('compares three ways through a slow network and holds its headline figures', async () => {
    const { code, stdout, stderr } = await run(
      ['load', '--compare', '--callers', '40', '--max', '4', '--seconds', '2', '--latency', '30', '--json'],
      place.env,
    )
    expect([code, stderr]).toEqual([0, ''])
    const { headlines, run: asked, ways }: Report = JSON.parse(stdout)
    expect(asked.order).toEqual(['connect', 'pg', 'sluice', 'sluice', 'pg', 'connect'])
    const verdicts = Object.fromEntries(headlines.map(({ figure, verdict }) => [figure, verdict]))
    // 10× the callers at the same connections; −80 %; 150 ms to 5; none; all. Throughput, and the reuse that follows from it,
    // are for the bench, on a machine that does nothing else.
    expect(verdicts).toMatchObject({
      callers: 'met',
      getting: 'met',
      'slow-getting': 'met',
      timeouts: 'met',
      success: 'met',
    })
    expect(headlines.find(({ figure }) => figure === 'throughput')?.measured).toBeGreaterThan(0)
    expect(ways.sluice?.reuse).toBeGreaterThan(ways.connect?.reuse ?? 1)
    // TCP, the first word, two rounds of SCRAM: four round trips at least.
    expect(ways.connect?.getting).toBeGreaterThanOrEqual(4 * 30)
    expect(ways.connect).toMatchObject({ reuse: 0 })
    for (const way of ['pg', 'sluice']) expect(ways[way]?.sessions, way).toBeLessThanOrEqual(4)
    expect(place.leftovers()).toEqual(nothing)
  })

  test('writes plain lines into a pipe, none wider than 80 columns', async () => {
    const { code, stdout } = await run(
      ['load', '--compare', '--callers', '4', '--max', '4', '--seconds', '1'],
      place.env,
    )
    expect(code).toBe(0)
    expect(stdout).not.toContain('\u001B')
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(stdout).toMatch(/connect\/query, turn 1 of 6[\s\S]*Sluice, turn 3 of 6/)
    expect(stdout).toMatch(/Both\s+pools may have 4 connections/)
    expect(stdout).toMatch(/answered a second +[\d,]+ +[\d,]+ +[\d,]+/)
    expect(stdout).toMatch(/--callers 40/)
  })

  test('Ctrl-C ends it with the figures so far, and leaves nothing', async () => {
    const { child, said, ended } = start(['load', '--seconds', '300'], place.env)
    await said('turn 1 of 2')
    await sleep(500)
    child.kill('SIGINT')
    const { code, stdout } = await ended
    expect(code).toBe(130)
    expect(stdout).toMatch(/Interrupted after \d+\.\d s of measuring: these are the figures until then\./)
    expect(stdout).toMatch(/answered +[1-9][\d,]*, [\d,]+ a second/)
    expect(place.leftovers()).toEqual(nothing)
  })
})
