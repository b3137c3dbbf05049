import { describe, expect, test } from 'vitest'
import { EventReader, EventTooLong } from './events.ts'

const wire =
  'retry: 1000\n\nevent: hello\ndata: {"a":1}\n\n: still here\n\nevent: frame\ndata: one\ndata: two\n\n'
const said = [
  { name: 'hello', data: '{"a":1}' },
  { name: 'frame', data: 'one\ntwo' },
]

describe('a reader of server-sent events', () => {
  test.each([
    ['line feeds', wire],
    ['carriage returns', wire.replaceAll('\n', '\r')],
    ['both', wire.replaceAll('\n', '\r\n')],
  ])('reads the same from lines ended by %s, wherever the stream is cut', (_, text) => {
    for (const size of [1, 2, 3, 7, text.length]) {
      const reader = new EventReader()
      const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
      expect(pieces.flatMap((piece) => reader.read(piece))).toEqual(said)
    }
  })

  test('a name lasts for one event, and an event without data is none', () => {
    const reader = new EventReader()
    expect(reader.read('event: frame\n\ndata\n\ndata:x\n\n')).toEqual([
      { name: 'message', data: '' },
      { name: 'message', data: 'x' },
    ])
  })

  test('what has not ended is kept for later', () => {
    const reader = new EventReader()
    expect(reader.read('data: a')).toEqual([])
    expect(reader.read('b\n')).toEqual([])
    expect(reader.read('\n')).toEqual([{ name: 'message', data: 'ab' }])
  })

  test('a stream that never ends its event is refused instead of kept, in one line or in many', () => {
    const line = new EventReader(100)
    expect(() => {
      for (;;) line.read('data: xxxxxxxxxx')
    }).toThrow(EventTooLong)
    const lines = new EventReader(100)
    expect(() => {
      for (;;) lines.read('data: x\n')
    }).toThrow('longer than 100 characters')
  })

  test('many short events are not one long one', () => {
    const reader = new EventReader(100)
    const found = Array.from({ length: 100 }, () => reader.read('event: frame\ndata: x\n\n')).flat()
    expect(found).toHaveLength(100)
  })
})
