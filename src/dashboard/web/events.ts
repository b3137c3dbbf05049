/** What has happened, the newest first; what is serious is read out, but not faster than it can be listened to. */
import type { EventFrame } from '../frame.ts'
import { make, part, Rows, setHidden, setText } from './dom.ts'
import { several, timeOfDay } from './format.ts'

/** More are of no use to a person, and the page's memory stays small. */
const MOST_EVENTS = 100
/** Whoever listens gets one sentence in that time. */
export const SPEAK_EVERY_MILLIS = 5_000

/** What is said of events that came since the last sentence; undefined while there is nothing to say. */
export class Speaker {
  #unsaid: EventFrame[] = []
  #count = 0
  #saidAt = Number.NEGATIVE_INFINITY

  hear(events: readonly EventFrame[]): void {
    const serious = events.filter(({ level }) => level !== 'info')
    this.#count += serious.length
    this.#unsaid = serious.slice(-1).length > 0 ? serious.slice(-1) : this.#unsaid
  }

  speak(now: number): string | undefined {
    const [newest] = this.#unsaid
    if (newest === undefined || now - this.#saidAt < SPEAK_EVERY_MILLIS) return undefined
    const others = this.#count - 1
    this.#unsaid = []
    this.#count = 0
    this.#saidAt = now
    return others === 0 ? newest.text : `${newest.text}; and ${several(others, 'other event')}`
  }
}

export class EventLog {
  readonly #rows: Rows<EventFrame>
  readonly #empty: HTMLElement
  readonly #spoken: HTMLElement
  readonly #speaker = new Speaker()
  #events: readonly EventFrame[] = []
  #isStale = false

  constructor(root: HTMLElement) {
    this.#empty = part(root, 'empty')
    this.#spoken = part(root, 'events-spoken')
    this.#rows = new Rows(part(root, 'event-list'), ({ id }) => String(id), makeEvent)
  }

  /** Takes what is new; what is known already is not taken twice. */
  add(events: readonly EventFrame[]): void {
    const newest = this.#events[0]?.id ?? Number.NEGATIVE_INFINITY
    const fresh = events.filter(({ id }) => id > newest)
    if (fresh.length === 0) return
    this.#speaker.hear(fresh)
    this.#events = [...fresh.toReversed(), ...this.#events].slice(0, MOST_EVENTS)
    this.#isStale = true
  }

  forget(): void {
    this.#events = []
    // The numbers begin anew.
    this.#rows.show([])
    this.#isStale = true
  }

  show(now: number): void {
    const sentence = this.#speaker.speak(now)
    if (sentence !== undefined) setText(this.#spoken, sentence)
    if (!this.#isStale) return
    this.#isStale = false
    setHidden(this.#empty, this.#events.length > 0)
    this.#rows.show(this.#events)
  }
}

function makeEvent(event: EventFrame) {
  const node = make('li')
  node.dataset.level = event.level
  const time = make('time', '', timeOfDay(event.at))
  time.dateTime = new Date(event.at).toISOString()
  node.append(time, make('span', 'level', event.level), make('span', 'event-text', event.text))
  return { node, show: () => {} }
}
