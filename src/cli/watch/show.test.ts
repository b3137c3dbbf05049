import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { frameOf, hello, poolFrame } from '../../../test/support/fake-dashboard.ts'
import { plain } from '../paint.ts'
import { openScreen } from '../screen.ts'
import { Picture } from './picture.ts'
import { WatchShow } from './show.ts'
import { AtDashboard } from './trouble.ts'

const place = 'http://127.0.0.1:5480/'
const why = new AtDashboard(
  { kind: 'closed', what: 'It closed the connection.', advice: '', isFinal: false },
  { place, events: '', token: undefined },
)
const lost = { kind: 'lost', why, nextTryMillis: 250 } as const

function showOn(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { columns: 80, rows: 30, isTTY })
  const screen = openScreen(stream as unknown as NodeJS.WriteStream, {})
  const show = new WatchShow(screen, place, new Picture())
  const said = (): string => plain(String(stream.read() ?? ''))
  return { show, screen, said }
}

describe('on a terminal', () => {
  test('every frame is drawn, and the last one stays while the dashboard is lost', () => {
    const { show, screen, said } = showOn(true)
    show.take({ kind: 'hello', hello: hello() })
    expect(said()).toBe('')
    show.take({ kind: 'frame', frame: frameOf([poolFrame()]) })
    expect(said()).toContain('LSi')
    show.take({ kind: 'frame', frame: frameOf([poolFrame({ slots: [] })]) })
    expect(said()).not.toContain('LSi')
    show.take(lost)
    expect(said()).toMatch(/lost, trying again\s+It closed the connection\..*1,234\/s/s)
    screen.close()
  })
})

describe('into a pipe', () => {
  test('frames within two seconds are one line, and what happened before is not news', () => {
    const { show, said } = showOn(false)
    const event = { id: 1, at: 0, level: 'warn', text: 'long ago' } as const
    show.take({ kind: 'hello', hello: hello({ events: [event] }) })
    for (let n = 0; n < 8; n++) show.take({ kind: 'frame', frame: frameOf([poolFrame()]) })
    expect(said().split('\n')).toEqual([
      ` Sluice 0.1.0 at ${place}`,
      expect.stringMatching(/^ {2}default .* waiting 12$/),
      '',
    ])
  })

  test('a loss is told once, and that it is over', () => {
    const { show, said } = showOn(false)
    show.take({ kind: 'hello', hello: hello() })
    said()
    show.take(lost)
    show.take(lost)
    show.take({ kind: 'hello', hello: hello() })
    expect(said()).toBe(' lost: It closed the connection. Trying again.\n back\n')
  })
})
