import { describe, expect, test } from 'vitest'
import { makePaint, plain } from '../paint.ts'
import { Meter } from './meter.ts'
import type { PoolView } from './sides.ts'
import type { Moment } from './view.ts'
import { frame, plainLine } from './view.ts'

const view = (max: number, leased: number): PoolView => ({
  max,
  leased,
  idle: 1,
  between: 2,
  waiting: [
    ['high', 12_345],
    ['medium', 678],
    ['low', 9],
  ],
})

async function moment(pool: PoolView): Promise<Moment> {
  const meter = new Meter()
  meter.beginRound()
  const ask = meter.ask(async () => ({ rows: [] }))
  await ask('', [], { agent: 'edge-1', agentKind: 'edge', kind: 'lookup' })
  const figures = { sluice: meter.figures(), pg: new Meter().figures() }
  const order = ['sluice', 'pg', 'pg', 'sluice'] as const
  return { order, index: 0, secondsPerTurn: 5, elapsed: 2.5, recentPerSecond: 123_456, figures, view: pool }
}

describe('the picture of a moment', () => {
  test.each([
    [80, 10, 7],
    [80, 500, 400],
    [120, 1, 1],
  ])('fits %i columns with %i slots', async (width, max, leased) => {
    const lines = frame(await moment(view(max, leased)), makePaint(true, 'xterm'), width).map(plain)
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(width)
    expect(lines.join('\n')).toContain(`${leased} leased, 1 idle, 2 changing, of ${max}`)
  })

  test('shows how far the run is, whose turn it is, and dashes for what nobody has asked yet', async () => {
    const lines = frame(await moment(view(10, 7)), makePaint(false, 'xterm'), 80)
    expect(lines[1]).toMatch(/Sluice, turn 1 of 4 +█+░+ {2}2\.5 of 20 s/)
    expect(lines.find((line) => line.startsWith(' aggregate'))).toMatch(/(–\s+){5}–/)
    expect(lines).toContainEqual(expect.stringMatching(/slots +█{7}▒{2}░ {2}/))
  })

  test('is one line where nothing can be drawn', async () => {
    const line = plainLine(await moment(view(10, 7)))
    expect(line).toMatch(
      /^ {2}2\.5 s 123,456\/s {2}lookup p95 .* ms {2}7 leased {2}waiting 12345 high 678 medium 9 low$/,
    )
    const calm = { ...view(10, 10), waiting: [['high', 0]] as const }
    expect(plainLine(await moment(calm))).toContain('waiting 0')
    const busy = {
      ...view(10, 10),
      waiting: [['high', 60] as const, ['medium', 60] as const, ['low', 60] as const],
    }
    expect(plainLine({ ...(await moment(busy)), recentPerSecond: 9_999 }).length).toBeLessThanOrEqual(80)
  })
})
