import { expect, test } from 'vitest'
import type { EventFrame } from '../frame.ts'
import { SPEAK_EVERY_MILLIS, Speaker } from './events.ts'

const event = (id: number, level: EventFrame['level']): EventFrame => ({
  id,
  at: 0,
  level,
  text: `event ${id}`,
})

test('whoever listens hears what is serious, and nothing of the rest', () => {
  const speaker = new Speaker()
  speaker.hear([event(1, 'info')])
  expect(speaker.speak(0)).toBe(undefined)
  speaker.hear([event(2, 'warn')])
  expect(speaker.speak(0)).toBe('event 2')
  expect(speaker.speak(60_000)).toBe(undefined)
})

test('many events in a row become one sentence, and the next comes after a pause', () => {
  const speaker = new Speaker()
  speaker.hear([event(1, 'error')])
  expect(speaker.speak(0)).toBe('event 1')
  speaker.hear([event(2, 'error'), event(3, 'warn')])
  speaker.hear([event(4, 'warn'), event(5, 'info')])
  expect(speaker.speak(SPEAK_EVERY_MILLIS - 1)).toBe(undefined)
  expect(speaker.speak(SPEAK_EVERY_MILLIS)).toBe('event 4; and 2 other events')
})
