/** A viewer of a dashboard: reads the event stream as a browser does, over a plain request. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import { get } from 'node:http'
import type { Frame, Hello, Slow } from '../../src/dashboard/index.ts'

/** What was told, by event. */
interface Told {
  readonly hello: Hello
  readonly frame: Frame
  readonly slow: Slow
}

/** One that looks. */
export class Viewer {
  readonly #request: ClientRequest
  readonly #waiting: {
    event: keyof Told
    passes: (what: never) => boolean
    resolve: (what: never) => void
  }[] = []
  #rest = ''
  /** All bytes so far, for those who look for what must not be in there. */
  text = ''
  /** How many of each event have come. */
  readonly counts = { hello: 0, frame: 0, slow: 0 }
  /** Resolves when the stream has ended. */
  readonly ended: Promise<void>

  constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request
    response.setEncoding('utf8')
    response.on('data', (text: string) => this.#take(text))
    this.ended = new Promise((resolve) => {
      response.on('close', () => resolve())
      response.on('error', () => resolve())
    })
  }

  /** The next one of an event that passes. */
  next<E extends keyof Told>(event: E, passes: (what: Told[E]) => boolean = () => true): Promise<Told[E]> {
    return new Promise((resolve) => {
      this.#waiting.push({ event, passes, resolve })
    })
  }

  leave(): void {
    this.#request.destroy()
  }

  #take(text: string): void {
    this.text += text
    this.#rest += text
    const messages = this.#rest.split('\n\n')
    this.#rest = messages.pop() as string
    for (const message of messages) {
      const [, event, data] = /^event: (hello|frame|slow)\ndata: (.*)$/.exec(message) ?? []
      if (event !== undefined) this.#tell(event as keyof Told, JSON.parse(data as string) as never)
      else if (message !== 'retry: 1000') throw new Error(`no message of a dashboard: ${message}`)
    }
  }

  #tell(event: keyof Told, what: never): void {
    this.counts[event] += 1
    for (const waiter of [...this.#waiting]) {
      if (waiter.event !== event || !waiter.passes(what)) continue
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
      waiter.resolve(what)
    }
  }
}

/** Begins to look at the dashboard at `url`; the hello is there to be read. */
export function look(url: string, headers: Record<string, string> = {}): Promise<Viewer & { hello: Hello }> {
  return new Promise((resolve, reject) => {
    const request = get(new URL('/events', url), { headers, agent: false }, (response) => {
      if (response.statusCode !== 200) {
        request.destroy()
        return reject(new Error(`status ${response.statusCode}`))
      }
      const viewer = new Viewer(request, response)
      void viewer.next('hello').then((hello) => resolve(Object.assign(viewer, { hello })))
    })
    // After the answer it is the stream that ends.
    request.on('error', reject)
  })
}
