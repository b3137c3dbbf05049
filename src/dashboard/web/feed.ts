/** Listens to the server, and goes on trying after it was lost. */
import type { Frame, Hello, Slow } from '../frame.ts'

/** How the page stands with its server. */
export type Link =
  | { readonly kind: 'connecting' | 'live' }
  /** Since when, in milliseconds since 1970. */
  | { readonly kind: 'lost' | 'silent'; readonly since: number }
  /** It answers, but not with news. */
  | { readonly kind: 'refused'; readonly status: number }

/** Whom a {@link Feed} tells. */
export interface FeedOwner {
  hello(hello: Hello): void
  frame(frame: Frame): void
  slow(slow: Slow): void
  /** Told at every change, and once a second. */
  link(link: Link): void
}

const LOOK_MILLIS = 1_000
/** Frames come four times a second: a server that says nothing for so long is stuck. */
const SILENCE_MILLIS = 3_000
/** Then the connection itself may be dead, and a new one is tried. */
const RENEW_MILLIS = 10_000
/** Browsers keep six connections to a server, of all their tabs together: one that nobody sees gives its own back after that. */
const UNSEEN_MILLIS = 30_000
/** The browser tries again by itself, but not after an answer that is no stream. */
const RETRY_MILLIS = 2_000

export class Feed {
  readonly #url: string
  readonly #owner: FeedOwner
  #source: EventSource | undefined
  #link: Link = { kind: 'connecting' }
  /** When the newest message came. */
  #heardAt = 0
  #triedAt = 0
  /** Since when nobody sees the page. */
  #unseenSince: number | undefined
  #isResting = false

  constructor(url: string, owner: FeedOwner) {
    this.#url = url
    this.#owner = owner
  }

  start(): void {
    this.#connect()
    setInterval(() => this.#look(Date.now()), LOOK_MILLIS)
    document.addEventListener('visibilitychange', () => this.#look(Date.now()))
  }

  #connect(): void {
    this.#source?.close()
    this.#triedAt = Date.now()
    const source = new EventSource(this.#url)
    this.#source = source
    source.addEventListener('hello', (event) => this.#heard(() => this.#owner.hello(JSON.parse(event.data))))
    source.addEventListener('frame', (event) => this.#heard(() => this.#owner.frame(JSON.parse(event.data))))
    source.addEventListener('slow', (event) => this.#heard(() => this.#owner.slow(JSON.parse(event.data))))
    source.addEventListener('error', () => this.#failed(source))
  }

  #heard(tell: () => void): void {
    this.#heardAt = Date.now()
    if (this.#link.kind !== 'live') this.#become({ kind: 'live' })
    tell()
  }

  #failed(source: EventSource): void {
    if (source !== this.#source) return
    if (this.#link.kind === 'connecting' || this.#link.kind === 'live')
      this.#become({ kind: 'lost', since: Date.now() })
    if (source.readyState === EventSource.CLOSED) void this.#ask(source)
  }

  /** Why there is no stream: the browser does not say, the server does. */
  async #ask(source: EventSource): Promise<void> {
    const status = await fetch('/', { method: 'HEAD', cache: 'no-store' }).then(
      (answer) => answer.status,
      () => 0,
    )
    if (source === this.#source && status >= 400) this.#become({ kind: 'refused', status })
  }

  #look(now: number): void {
    if (this.#rests(now)) return
    const isClosed = this.#source?.readyState === EventSource.CLOSED
    if (isClosed && now - this.#triedAt >= RETRY_MILLIS) this.#connect()
    const quiet = now - this.#heardAt
    if (this.#link.kind === 'live' && quiet >= SILENCE_MILLIS)
      this.#become({ kind: 'silent', since: this.#heardAt })
    else if (this.#link.kind === 'silent' && now - Math.max(this.#triedAt, this.#heardAt) >= RENEW_MILLIS)
      this.#connect()
    else this.#owner.link(this.#link)
  }

  /** Whether nobody has seen the page for long. Who comes back is told the past anew. */
  #rests(now: number): boolean {
    if (document.visibilityState === 'visible') {
      this.#unseenSince = undefined
      if (this.#isResting) {
        this.#isResting = false
        this.#become({ kind: 'connecting' })
        this.#connect()
      }
      return false
    }
    this.#unseenSince ??= now
    if (!this.#isResting && now - this.#unseenSince >= UNSEEN_MILLIS) {
      this.#isResting = true
      this.#source?.close()
    }
    return this.#isResting
  }

  #become(link: Link): void {
    this.#link = link
    this.#owner.link(link)
  }
}
