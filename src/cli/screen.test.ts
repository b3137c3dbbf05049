import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { bar, crop, left, makePaint, millis, plain, right, wrap } from './paint.ts'
import { openScreen } from './screen.ts'

function terminal(columns: number, rows: number, isTTY = true) {
  const stream = Object.assign(new PassThrough(), { columns, rows, isTTY }) as unknown as NodeJS.WriteStream
  const written = () => String((stream as unknown as PassThrough).read() ?? '')
  return { stream, written }
}

describe('a screen', () => {
  test.each([
    ['a terminal', true, {}, true, true],
    ['a pipe', false, {}, false, false],
    ['NO_COLOR', true, { NO_COLOR: '1' }, false, false],
    ['an empty NO_COLOR', true, { NO_COLOR: '' }, true, true],
    ['CI', true, { CI: 'true' }, false, true],
    ['a dumb terminal', true, { TERM: 'dumb' }, false, false],
  ])('on %s is live and in colour only where that makes sense', (_, isTTY, env, live, colours) => {
    const screen = openScreen(terminal(80, 24, isTTY).stream, env)
    expect([screen.live, screen.paint.good('x') !== 'x']).toEqual([live, colours])
    screen.close()
  })

  test('draws over what it drew, crops what does not fit, and gives the cursor back', () => {
    const { stream, written } = terminal(10, 3)
    const screen = openScreen(stream, {})
    screen.draw(['a line wider than the screen', 'two', 'three'])
    const first = written()
    expect(first).toContain('a line wid\u001B[K')
    expect(first).not.toContain('three')
    expect(screen.height).toBe(2)
    // Whatever is wider than it counts is cut by the terminal, which then wraps again.
    expect(first).toMatch(/\[\?7l.*\[\?7h$/s)
    screen.draw(['one'])
    expect(written()).toContain('\u001B[2A')
    screen.print('stays')
    expect(written()).toBe('\u001B[1A\r\u001B[J\u001B[?25hstays\n')
    screen.close()
    expect(written()).toBe('')
  })

  test('draws nothing into a pipe', () => {
    const { stream, written } = terminal(80, 24, false)
    const screen = openScreen(stream, {})
    screen.draw(['one'])
    screen.print('two')
    expect(written()).toBe('two\n')
  })
})

describe('paint', () => {
  const paint = makePaint(true, 'xterm')

  test('counts no colours', () => {
    const text = paint.good('green')
    expect(plain(text)).toBe('green')
    expect([plain(left(text, 8)), plain(right(text, 8))]).toEqual(['green   ', '   green'])
    expect(plain(crop(`${text} and more`, 7))).toBe('green a')
    expect(crop(`${text} and more`, 2)).toContain('\u001B[39m')
  })

  test('draws a bar of one width, whatever its share', () => {
    const bars = [-1, 0, 0.5, 1, 2].map((share) => plain(bar(share, 4, paint)))
    expect(bars).toEqual(['░░░░', '░░░░', '██░░', '████', '████'])
    expect(plain(bar(0.5, 4, makePaint(true, 'linux')))).toBe('##--')
  })

  test('wraps between words and keeps the indentation', () => {
    expect(wrap('  one two three', 9, '    ')).toEqual(['  one two', '    three'])
    expect(wrap('unbreakable', 4)).toEqual(['unbreakable'])
  })

  test('writes durations with three figures', () => {
    expect([0, 0.4249, 9.94, 9.96, 99.9, 143.4, 1_000, 12_345].map(millis)).toEqual([
      '0.00 ms',
      '0.42 ms',
      '9.94 ms',
      '10.0 ms',
      '99.9 ms',
      '143 ms',
      '1.00 s',
      '12.35 s',
    ])
  })
})
