/** Reads server-sent events (HTML standard, section 9.2) out of a stream of text that comes in pieces of any size. */

/** One event. */
export interface ServerEvent {
  readonly name: string
  readonly data: string
}

/** A server sent more for one event than a dashboard ever would. */
export class EventTooLong extends Error {
  constructor(most: number) {
    super(`one event is longer than ${most.toLocaleString('en-US')} characters`)
    this.name = 'EventTooLong'
  }
}

/** Fifty pools of 500 slots fit, each slot with a stack. */
const MOST_CHARACTERS = 32_000_000

/** Keeps what has come of an event that is not whole yet, and no more than `most` characters of it. */
export class EventReader {
  readonly #most: number
  #line = ''
  #name = ''
  #data: string[] = []
  #characters = 0
  #endedInReturn = false

  constructor(most: number = MOST_CHARACTERS) {
    this.#most = most
  }

  /** The events that `text` completes. @throws EventTooLong */
  read(text: string): ServerEvent[] {
    const events: ServerEvent[] = []
    // A line break of two characters may come in two pieces.
    const fresh = this.#endedInReturn && text.startsWith('\n') ? text.slice(1) : text
    if (text !== '') this.#endedInReturn = text.endsWith('\r')
    const [first = '', ...more] = fresh.split(/\r\n|\r|\n/)
    this.#add(first)
    for (const part of more) {
      const event = this.#endLine()
      if (event !== undefined) events.push(event)
      this.#add(part)
    }
    return events
  }

  #add(part: string): void {
    this.#characters += part.length
    if (this.#characters > this.#most) throw new EventTooLong(this.#most)
    this.#line += part
  }

  #endLine(): ServerEvent | undefined {
    const line = this.#line
    this.#line = ''
    if (line === '') return this.#endEvent()
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') this.#name = value
    else if (field === 'data') this.#data.push(value)
    return undefined
  }

  #endEvent(): ServerEvent | undefined {
    const event = { name: this.#name || 'message', data: this.#data.join('\n') }
    const isEmpty = this.#data.length === 0
    this.#name = ''
    this.#data = []
    this.#characters = 0
    return isEmpty ? undefined : event
  }
}
