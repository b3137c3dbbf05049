import { describe, expect, test } from 'vitest'
import { frameOf, hello, poolFrame, slotFrame, slowFrame } from '../../../test/support/fake-dashboard.ts'
import type { PoolFrame, SlowPoolFrame } from '../../dashboard/frame.ts'
import { makePaint, plain } from '../paint.ts'
import { Picture } from './picture.ts'
import { AtDashboard } from './trouble.ts'
import { plainLine, view } from './view.ts'

const place = 'http://127.0.0.1:5480/'
const paint = makePaint(false, 'xterm')

function pictureOf(pools: readonly PoolFrame[], slow: readonly SlowPoolFrame[] = [slowFrame()]): Picture {
  const picture = new Picture()
  picture.take({ kind: 'hello', hello: hello({ slow }) })
  picture.take({ kind: 'frame', frame: frameOf(pools) })
  return picture
}

const drawn = (picture: Picture, width = 80, height = 40) => view(picture, place, { paint, width, height })

describe('the picture of a pool', () => {
  test('has a letter for each slot and says what the letters mean', () => {
    const lines = drawn(pictureOf([poolFrame()]))
    expect(lines).toContainEqual(expect.stringMatching(/^ slots +LSi·······$/))
    expect(lines).toContainEqual(
      expect.stringMatching(/^ +L 1 leased {3}S 1 shared, 7 deep {3}i 1 idle {3}· 7 empty$/),
    )
    expect(lines.join('\n')).toContain('longest    planner for 12.30 s')
  })

  test('shows overflow behind a bar, and no more rows than there is room for', () => {
    const overflow = poolFrame({
      max: 2,
      slots: ['leased', 'idle', 'closing'].map((s) => slotFrame(s as 'idle')),
    })
    expect(drawn(pictureOf([overflow]))).toContainEqual(expect.stringMatching(/^ slots +Li\|-$/))
    const many = poolFrame({ max: 1_000, slots: Array.from({ length: 500 }, () => slotFrame('shared')) })
    const lines = drawn(pictureOf([many]))
    expect(lines.filter((line) => /^[ a-z]{12}[S·]{50,}$/.test(line))).toHaveLength(4)
    expect(lines.join('\n')).toMatch(/… \d+ more\n/)
  })

  test('shows answers, classes, and who waits with which priority', () => {
    const text = drawn(pictureOf([poolFrame()])).join('\n')
    expect(text).toMatch(/answers +1,234\/s {3}0\/s failed {3}reuse 97 % {3}connection p95 2\.50 ms/)
    expect(text).toMatch(/simple +1,200 +0\.42 ms +1\.20 ms +–/)
    expect(text).toMatch(/waiting +12, the oldest for 120 ms/)
    expect(text).toMatch(/queue +1 {2}planner +12 █+ +120 ms/)
  })

  test('counts those in the queue that it does not show', () => {
    const row = { priority: 2, agent: null, waiting: 3, oldestMillis: 1 }
    const rows = Array.from({ length: 7 }, () => row)
    const text = drawn(pictureOf([poolFrame({ queue: { rows, more: 100 } })])).join('\n')
    expect(text).toContain('and 106 more')
  })

  test('says what is wrong, and nothing of it where nothing is', () => {
    const calm = drawn(pictureOf([poolFrame()])).join('\n')
    expect(calm).not.toMatch(/breaker|leaks|opens|advice/)
    const advice = {
      code: 'x',
      severity: 'critical',
      title: 'No connection is free',
      evidence: '',
      reason: '',
      change: 'Raise max.',
    } as const
    const sick = poolFrame({
      state: 'paused',
      breaker: { state: 'open', failures: 9, calls: 10, retryAfterMillis: 2_000 },
      counts: { ...poolFrame().counts, leaking: 2, lost: 1 },
      lastOpenFailure: { message: '53300', ageMillis: 1_000 },
    })
    const text = drawn(pictureOf([sick], [slowFrame({ advice: [advice] })])).join('\n')
    expect(text).toMatch(/default {2}paused/)
    expect(text).toContain('breaker    open, 9 of 10 calls failed, next try in 2.00 s')
    const unopened = { state: 'open', failures: 0, calls: 900, retryAfterMillis: 2_000 } as const
    expect(drawn(pictureOf([poolFrame({ breaker: unopened })])).join('\n')).toContain(
      'breaker    open, next try in 2.00 s',
    )
    expect(text).toContain('leaks      2 held for too long')
    expect(text).toContain('opens      failed 1.00 s ago: 53300')
    expect(text).toContain('advice     critical: No connection is free. Raise max.')
  })
})

describe('the screen', () => {
  const pools = Array.from({ length: 4 }, (_, index) => poolFrame({ name: `pool-${index + 1}` }))

  test.each([24, 40, 60])(
    'of %i lines is not overrun, and every pool that fits in brief is on it',
    (height) => {
      const picture = pictureOf(pools)
      picture.take({
        kind: 'frame',
        frame: frameOf(pools, {
          events: Array.from({ length: 50 }, (_, id) => ({ id, at: 0, level: 'info', text: `event ${id}` })),
        }),
      })
      const lines = drawn(picture, 80, height)
      if (height > 24) expect(lines.length).toBeLessThanOrEqual(height)
      for (const { name } of pools) expect(lines.join('\n')).toContain(name)
      if (height > 40) expect(lines.at(-1)).toMatch(/info +event 49$/)
    },
  )

  test('says that the dashboard is lost, and keeps what it last said', () => {
    const picture = pictureOf([poolFrame()])
    expect(drawn(picture)[1]).toMatch(/^ Sluice 0\.1\.0 at http:\/\/127\.0\.0\.1:5480\/ .* ✓ live$/)
    const trouble = {
      kind: 'refused',
      what: 'Nothing accepts connections.',
      advice: '',
      isFinal: false,
    } as const
    const why = new AtDashboard(trouble, { place, events: '', token: undefined })
    picture.take({ kind: 'lost', why, nextTryMillis: 250 })
    expect(drawn(picture).slice(1, 3)).toEqual([
      expect.stringMatching(/ ✗ lost, trying again$/),
      ' Nothing accepts connections.',
    ])
    expect(drawn(picture).join('\n')).toContain('1,234/s')
  })

  test('forgets what a server said that was started anew, and repeats no event', () => {
    const picture = pictureOf([poolFrame()])
    const event = { id: 7, at: 0, level: 'warn', text: 'one' } as const
    expect(picture.take({ kind: 'frame', frame: frameOf([], { events: [event] }) })).toEqual([event])
    expect(picture.take({ kind: 'hello', hello: hello({ events: [event] }) })).toEqual([])
    expect(picture.take({ kind: 'hello', hello: hello({ run: 'second', events: [] }) })).toEqual([])
    expect([picture.isWhole, picture.events]).toEqual([false, []])
  })
})

describe('the line for a pipe', () => {
  test('has the few figures that matter in 80 columns', () => {
    const lineOf = (frame: PoolFrame) => plain(plainLine({ frame, slow: undefined }))
    expect(lineOf(poolFrame())).toBe('  default  20 % of 10 busy  1,234/s  simple p95 1.20 ms  waiting 12')
    const worst = poolFrame({
      name: 'a-pool-with-a-name-of-many-letters',
      max: 500,
      perSecond: { answered: 12_345, failed: 0 },
      classes: [{ class: 'analytical', perSecond: 1, p50: 1, p95: 12_345, p99: 1 }],
    })
    expect(lineOf(worst).length).toBeLessThanOrEqual(80)
    expect(lineOf(poolFrame({ state: 'ended', perSecond: { answered: 0, failed: 3 } }))).toMatch(
      /default ended .*3\.0\/s failed/,
    )
  })
})
