/** `sluice size`, as the shell runs it. */
import { describe, expect, test } from 'vitest'
import type { Ended } from './cli-support.ts'
import { run } from './cli-support.ts'

async function size(...args: string[]): Promise<Ended> {
  // The terminal's name decides what bars are drawn with.
  return run(['size', ...args], { TERM: 'xterm' })
}

/** What it says, in one line. */
async function said(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await size(...args)
  expect([code, stderr]).toEqual([0, ''])
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  return stdout.replace(/\s+/g, ' ')
}

describe('what is known is answered with its arithmetic', () => {
  test.each([
    ['--agents 10 --queries 2', '10 agents × 2 + buffer 5 (20 %, at least 5) = 25', 'max 25, min 6'],
    ['--agents 50 --queries 3', '50 agents × 3 + buffer 30 (20 %, at least 5) = 180', 'max 180, min 45'],
    ['--agents 200 --queries 4', '200 agents × 4 + buffer 160 (20 %, at least 5) = 960', 'max 960, min 240'],
    ['--rps 100 --ms 50', '100/s × 50 ms = 5 busy; + 50 %, rounded up, at least 1 = 8', 'max 8, min 2'],
    ['--workers 2 --each 5', '2 workers × 5 = 10', 'max 10, min 2'],
    ['--tasks 3 --held 4', '3 tasks × (4 − 1) + 1 = 10', 'max 10, min 2'],
    ['--cores 4 --disks 1 --multiplier 2', '(4 cores × 2 + 1 spindles) × 2 = 18', 'max 18, min 4'],
    ['--instances 5', '(100 − 20) ÷ 5 = 16, or 8 + 8 overflow', 'max 16, min 4 in each of 5 processes'],
    ['--instances 5 --limit 100 --reserved 20 --surge 2', '(100 − 20) ÷ (5 + 2 in a deploy) = 11', 'max 11'],
    ['--tier medium', 'medium: 150 − 15 = 135 available; recommended 40, min 10 (25 %)', 'max 40, min 10'],
    ['--tier 2xl', '2xl: 500 − 50 = 450 available; recommended 150, min 37 (25 %)', 'max 150, min 37'],
  ])('%s', async (flags, arithmetic, choice) => {
    const text = await said(...flags.split(' '))
    expect(text).toContain(arithmetic)
    expect(text).toContain(choice)
  })

  test('a tier shows who gets how many of its connections, and the memory of the recommended ones', async () => {
    const text = await said('--tier', 'medium')
    expect(text).toContain('█ application 81 ▒ admin 14 · monitoring 7 ░ buffer 33 reserved 15')
    expect(text).toContain('40 connections × about 10 MB = 400 MB')
  })
})

test('several answers are all shown, and one size is recommended with its reasons', async () => {
  const text = await said('--agents', '50', '--queries', '3', '--tier', 'medium', '--instances', '5')
  for (const part of ['= 180', '= 24–64', '(150 − 15) ÷ 5 = 27', '▸ max 8, min 2 in each of 5 processes'])
    expect(text).toContain(part)
  expect(text).toContain('Decided by tier, the smallest, shared by 5 processes.')
  expect(text).toContain(
    'agents: 180 may be asked for, but more than 8 at a time only queue inside the server',
  )
  expect(text).toContain('new Pool({ max: 8, min: 2 })')
})

test('--json prints one object with all of it', async () => {
  const { code, stdout, stderr } = await size('--json', '--tier', 'free', '--rps', '100', '--ms', '50')
  expect([code, stderr]).toEqual([0, ''])
  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    max: 8,
    min: 2,
    processes: 1,
    decidedBy: 'traffic',
    sizes: [
      { formula: 'traffic', from: 8, to: 8 },
      { formula: 'tier', from: 10, to: 10 },
      { formula: 'hardware', from: 16, to: 48 },
    ],
    preferences: [{ over: 'tier' }, { over: 'hardware' }],
    answers: [
      { formula: 'traffic', value: 8, source: expect.stringContaining('Little') },
      { formula: 'tier', value: 10, min: 2 },
      { formula: 'hardware', value: 16, range: { from: 16, to: 48 } },
      { formula: 'allocation', shares: { application: 30, admin: 5, monitoring: 3, buffer: 12 } },
      { formula: 'memory', value: 80 },
    ],
  })
})

describe('what makes no sense is one sentence and exit code 2', () => {
  test.each([
    ['', 'Say what you know, such as: sluice size --agents 50 --queries 3'],
    ['--json', 'Say what you know'],
    ['--agents 50', '--agents and --queries belong together: --queries is missing.'],
    ['--ms 50', '--rps and --ms belong together: --rps is missing.'],
    ['--disks 1', '--disks and --multiplier need --cores or --tier.'],
    ['--agents many --queries 1', '--agents must be a whole number from 1 to 100,000; it is "many".'],
    ['--cores 4 --multiplier 5', '--multiplier must be a number from 1 to 4; it is "5".'],
    [
      '--tier midium',
      '--tier must be one of free, small, medium, large, xl, 2xl; it is "midium"; did you mean medium?',
    ],
    ['--instances 5 --limit 10 --reserved 10', '--reserved must be a whole number from 0 to 9; it is 10.'],
    ['--instances 90', '--instances must be 80 or fewer'],
    ['--tier free --tasks 30 --held 3', 'nested tasks need 61 connections'],
  ])('%s', async (flags, sentence) => {
    const { code, stdout, stderr } = await size(...flags.split(' ').filter((flag) => flag !== ''))
    expect([code, stdout, stderr.trim().split('\n').length]).toEqual([2, flags === '--json' ? stdout : '', 1])
    expect(stderr).toContain(sentence)
  })
})
