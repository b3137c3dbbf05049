/** What is known of a dashboard's pools now: the last of what it said. */
import type { EventFrame, Frame, PoolFrame, SlowPoolFrame } from '../../dashboard/frame.ts'
import type { Heard } from './feed.ts'

/** A pool, with what is told of it less often. */
export interface WatchedPool {
  readonly frame: PoolFrame
  readonly slow: SlowPoolFrame | undefined
}

const MOST_EVENTS = 100

/** Grows with each thing heard; what belongs to a server that was started anew is forgotten. */
export class Picture {
  #version = ''
  #run = ''
  #frame: Frame | undefined
  #slow = new Map<string, SlowPoolFrame>()
  #events: EventFrame[] = []
  #lost: (Heard & { kind: 'lost' }) | undefined

  /** Of Sluice, there. */
  get version(): string {
    return this.#version
  }

  /** Changes with every start of the dashboard. */
  get run(): string {
    return this.#run
  }

  /** The last frame; undefined before the first. */
  get frame(): Frame | undefined {
    return this.#frame
  }

  get pools(): WatchedPool[] {
    return (this.#frame?.pools ?? []).map((frame) => ({ frame, slow: this.#slow.get(frame.name) }))
  }

  /** The newest last. */
  get events(): readonly EventFrame[] {
    return this.#events
  }

  /** Why nothing is heard now; undefined while something is. */
  get lost(): (Heard & { kind: 'lost' }) | undefined {
    return this.#lost
  }

  /** Both of what a picture needs are there. */
  get isWhole(): boolean {
    return this.#run !== '' && this.#frame !== undefined
  }

  /** @returns the events that are new with it */
  take(heard: Heard): readonly EventFrame[] {
    this.#lost = heard.kind === 'lost' ? heard : undefined
    switch (heard.kind) {
      case 'lost':
        return []
      case 'hello':
        if (heard.hello.run !== this.#run) this.#forget()
        this.#run = heard.hello.run
        this.#version = heard.hello.version
        this.#takeSlow(heard.hello.slow)
        return this.#addEvents(heard.hello.events)
      case 'frame':
        this.#frame = heard.frame
        return this.#addEvents(heard.frame.events)
      case 'slow':
        this.#takeSlow(heard.slow.pools)
        return []
    }
  }

  #forget(): void {
    this.#frame = undefined
    this.#events = []
  }

  #takeSlow(pools: readonly SlowPoolFrame[]): void {
    this.#slow = new Map(pools.map((pool) => [pool.name, pool]))
  }

  #addEvents(events: readonly EventFrame[]): readonly EventFrame[] {
    const last = this.#events.at(-1)?.id ?? Number.NEGATIVE_INFINITY
    const fresh = events.filter(({ id }) => id > last)
    this.#events = [...this.#events, ...fresh].slice(-MOST_EVENTS)
    return fresh
  }
}
