import { expect, test } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import type { Sink } from './viewers.ts'
import { Viewers } from './viewers.ts'

/** A response whose socket takes things only when told to. */
class HandSink implements Sink {
  readonly got: string[] = []
  ends = 'never'
  isFull = false
  readonly #listeners = new Map<string, () => void>()

  write(chunk: Buffer): boolean {
    this.got.push(chunk.toString())
    return !this.isFull
  }

  end(): void {
    this.ends = 'ended'
  }

  destroy(): void {
    this.ends = 'destroyed'
  }

  on(event: string, listener: () => void): void {
    this.#listeners.set(event, listener)
  }

  tell(event: 'drain' | 'close' | 'error'): void {
    this.#listeners.get(event)?.()
  }
}

const bytes = (text: string) => Buffer.from(text)

function viewed(...sinks: HandSink[]) {
  const clock = new ManualClock()
  const viewers = new Viewers(clock)
  for (const sink of sinks) viewers.add(sink, bytes('hello'))
  return { clock, viewers }
}

test('a slow viewer gets fewer frames, and of those it missed only the newest is kept for it', () => {
  const [slow, quick] = [new HandSink(), new HandSink()]
  slow.isFull = true
  const { viewers } = viewed(slow, quick)
  for (const frame of ['1', '2', '3']) viewers.send('frame', bytes(frame))
  expect([slow.got, quick.got]).toEqual([['hello'], ['hello', '1', '2', '3']])
  expect(viewers.dropped).toBe(2)
  slow.isFull = false
  slow.tell('drain')
  expect(slow.got).toEqual(['hello', '3'])
  viewers.send('frame', bytes('4'))
  expect(slow.got).toEqual(['hello', '3', '4'])
})

test('one that fills up again while it catches up gets the rest with its next drain', () => {
  const slow = new HandSink()
  slow.isFull = true
  const { viewers } = viewed(slow)
  viewers.send('slow', bytes('advice'))
  viewers.send('frame', bytes('1'))
  slow.tell('drain')
  expect(slow.got).toEqual(['hello', 'advice'])
  slow.tell('drain')
  expect(slow.got).toEqual(['hello', 'advice', '1'])
  expect(viewers.dropped).toBe(0)
})

test('a viewer that takes nothing for 30 seconds is closed', async () => {
  const [silent, slow] = [new HandSink(), new HandSink()]
  silent.isFull = true
  slow.isFull = true
  const { clock, viewers } = viewed(silent, slow)
  await clock.advance(20_000)
  viewers.send('frame', bytes('1'))
  slow.tell('drain')
  await clock.advance(9_999)
  viewers.send('frame', bytes('2'))
  expect([silent.ends, viewers.size]).toEqual(['never', 2])
  await clock.advance(1)
  viewers.send('frame', bytes('3'))
  expect([silent.ends, slow.ends, viewers.size]).toEqual(['destroyed', 'never', 1])
})

test.each(['close', 'error'] as const)('one that has gone (%s) is sent nothing more', (event) => {
  const sink = new HandSink()
  const { viewers } = viewed(sink)
  sink.tell(event)
  viewers.send('frame', bytes('1'))
  expect([sink.got, viewers.size]).toEqual([['hello'], 0])
})

test('at the end streams are ended, and those that cannot take it are cut', () => {
  const [slow, quick] = [new HandSink(), new HandSink()]
  slow.isFull = true
  const { viewers } = viewed(slow, quick)
  viewers.end()
  expect([slow.ends, quick.ends, viewers.size]).toEqual(['destroyed', 'ended', 0])
})
