/** Those who look: each gets what it can take. What it cannot is dropped; nothing is kept for it but the newest. */
import type { Clock } from '../base/clock.ts'

/** Where the bytes go: a response of node:http. */
export interface Sink {
  /** False when it has not passed on what it got: then `drain` follows. */
  write(chunk: Buffer): boolean
  end(): unknown
  destroy(): unknown
  on(event: 'drain' | 'close' | 'error', listener: () => void): unknown
}

/** What is sent again and again; of each kind the newest counts. */
export type Kind = 'frame' | 'slow'

/** Frames are for people: who takes nothing for half a minute has gone without a word. */
const SILENT_MILLIS = 30_000

class Viewer {
  readonly sink: Sink
  readonly #clock: Clock
  /** Since when its socket has not drained. */
  #blockedAt: number | undefined
  /** The newest of each kind that it could not take; the bytes are shared with all others. */
  readonly #missed = new Map<Kind, Buffer>()

  constructor(sink: Sink, clock: Clock) {
    this.sink = sink
    this.#clock = clock
  }

  get isBlocked(): boolean {
    return this.#blockedAt !== undefined
  }

  isSilent(now: number): boolean {
    return this.#blockedAt !== undefined && now - this.#blockedAt >= SILENT_MILLIS
  }

  write(chunk: Buffer): void {
    if (!this.sink.write(chunk)) this.#blockedAt = this.#clock.now()
  }

  /** Returns whether something that it has not got was given up for this. */
  send(kind: Kind, chunk: Buffer): boolean {
    if (!this.isBlocked) {
      this.write(chunk)
      return false
    }
    const had = this.#missed.has(kind)
    this.#missed.set(kind, chunk)
    return had
  }

  drained(): void {
    this.#blockedAt = undefined
    for (const [kind, chunk] of this.#missed) {
      if (this.isBlocked) return
      this.#missed.delete(kind)
      this.write(chunk)
    }
  }
}

/** All who look now. */
export class Viewers {
  readonly #clock: Clock
  readonly #all = new Set<Viewer>()
  #dropped = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#all.size
  }

  /** What viewers were not sent because they were slow, all together. */
  get dropped(): number {
    return this.#dropped
  }

  /** @param first what it gets before anything else */
  add(sink: Sink, first: Buffer): void {
    const viewer = new Viewer(sink, this.#clock)
    this.#all.add(viewer)
    sink.on('drain', () => viewer.drained())
    sink.on('close', () => this.#all.delete(viewer))
    sink.on('error', () => this.#all.delete(viewer))
    viewer.write(first)
  }

  /** Sends it to those who can take it; lets those go that have taken nothing for 30 seconds. */
  send(kind: Kind, chunk: Buffer): void {
    const now = this.#clock.now()
    for (const viewer of this.#all) {
      if (viewer.isSilent(now)) this.#drop(viewer)
      else if (viewer.send(kind, chunk)) this.#dropped += 1
    }
  }

  /** Ends all streams. */
  end(): void {
    for (const viewer of this.#all) {
      if (viewer.isBlocked) this.#drop(viewer)
      else viewer.sink.end()
    }
    this.#all.clear()
  }

  #drop(viewer: Viewer): void {
    this.#all.delete(viewer)
    viewer.sink.destroy()
  }
}
