/** Notifications that survive reconnects: one connection for all channels of a pool, kept while anybody listens. */
import { fullJitter } from '../base/backoff.ts'
import type { Clock, Timer } from '../base/clock.ts'
import type { Lease } from '../core/lease.ts'
import type { Client } from './driver.ts'
import { escapeIdentifier } from './driver.ts'

/** A notification. */
export interface Notification {
  readonly channel: string
  readonly payload: string
  /** The server process that sent it. */
  readonly processId: number
}

/** What `listen()` calls for each notification. */
export type NotificationHandler = (payload: string, notification: Notification) => void

/** Options of one `listen()`. */
export interface ListenOptions {
  /** Called after the connection was lost and is listening again: notifications sent in between are lost, so look for yourself. */
  readonly onReconnect?: (() => void) | undefined
}

/** What listening needs of its pool. */
export interface ListenerParts {
  readonly clock: Clock
  readonly random: () => number
  readonly acquire: () => Promise<Lease<Client>>
}

interface Subscription {
  readonly handler: NotificationHandler
  readonly onReconnect: (() => void) | undefined
}

/** The connection that listens, and how it is given back. */
interface Line {
  readonly client: Client
  /** Gives the connection back for the next caller, or with an error to be closed. Does nothing the second time. */
  hangUp(error?: Error): void
}

const RETRY_BASE_MILLIS = 100
const RETRY_CAP_MILLIS = 5_000

export class Listener {
  readonly #parts: ListenerParts
  readonly #channels = new Map<string, Set<Subscription>>()
  #line: Line | undefined
  #retry: Timer | undefined
  #closed = false
  // LISTEN and UNLISTEN go one after another: each looks at what the one before has left.
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: ListenerParts) {
    this.#parts = parts
  }

  /** Listens to a channel; resolves when the server does. Returns the way to stop. */
  async listen(
    channel: string,
    handler: NotificationHandler,
    options: ListenOptions,
  ): Promise<() => Promise<void>> {
    const subscription: Subscription = { handler, onReconnect: options.onReconnect }
    await this.#inTurn(() => this.#subscribe(channel, subscription))
    return () => this.#inTurn(() => this.#unsubscribe(channel, subscription))
  }

  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }

  async #subscribe(channel: string, subscription: Subscription): Promise<void> {
    try {
      const { client } = await this.#connected()
      if (!this.#channels.has(channel)) await client.query(`LISTEN ${escapeIdentifier(channel)}`)
    } catch (error) {
      this.#hangUpIfUnused()
      throw error
    }
    const subscriptions = this.#channels.get(channel) ?? new Set<Subscription>()
    subscriptions.add(subscription)
    this.#channels.set(channel, subscriptions)
  }

  async #unsubscribe(channel: string, subscription: Subscription): Promise<void> {
    const subscriptions = this.#channels.get(channel)
    if (subscriptions?.delete(subscription) !== true || subscriptions.size > 0) return
    this.#channels.delete(channel)
    try {
      await this.#line?.client.query(`UNLISTEN ${escapeIdentifier(channel)}`)
    } finally {
      this.#hangUpIfUnused()
    }
  }

  #hangUpIfUnused(): void {
    if (this.#channels.size === 0) this.#line?.hangUp()
  }

  async #connected(): Promise<Line> {
    if (this.#line !== undefined) return this.#line
    const lease = await this.#parts.acquire()
    const line = this.#connect(lease)
    this.#line = line
    if (!this.#closed) return line
    const ended = new Error('Cannot use a pool after calling end on the pool')
    line.hangUp(ended)
    throw ended
  }

  #connect(lease: Lease<Client>): Line {
    const client = lease.resource
    const lost = () => {
      line.hangUp(new Error('the connection that listens was lost'))
      if (!this.#closed && this.#channels.size > 0) this.#reconnect(0)
    }
    const line: Line = {
      client,
      hangUp: (error) => {
        client.removeListener('notification', this.#deliver)
        client.removeListener('end', lost)
        if (this.#line === line) this.#line = undefined
        if (!lease.released) lease.release(error)
      },
    }
    client.on('notification', this.#deliver)
    client.once('end', lost)
    return line
  }

  readonly #deliver = (message: {
    channel: string
    payload?: string | undefined
    processId: number
  }): void => {
    const { channel, payload = '', processId } = message
    for (const { handler } of this.#channels.get(channel) ?? []) {
      // In a turn of its own: what a handler throws must not end the connection's parser.
      queueMicrotask(() => handler(payload, { channel, payload, processId }))
    }
  }

  #reconnect(attempt: number): void {
    if (this.#retry !== undefined) return
    const millis = fullJitter(attempt, RETRY_BASE_MILLIS, RETRY_CAP_MILLIS, this.#parts.random)
    this.#retry = this.#parts.clock.setTimeout(() => {
      this.#retry = undefined
      this.#inTurn(() => this.#listenAgain()).catch(() => {
        if (!this.#closed && this.#channels.size > 0) this.#reconnect(attempt + 1)
      })
    }, millis)
  }

  async #listenAgain(): Promise<void> {
    // A later `listen()` may have connected already, and the last `stop()` may have made that needless.
    if (this.#closed || this.#channels.size === 0) return
    const { client } = await this.#connected()
    for (const channel of this.#channels.keys()) await client.query(`LISTEN ${escapeIdentifier(channel)}`)
    for (const subscriptions of this.#channels.values()) {
      for (const { onReconnect } of subscriptions) if (onReconnect !== undefined) queueMicrotask(onReconnect)
    }
  }

  /** Stops for good and gives the connection back. */
  close(): void {
    this.#closed = true
    this.#channels.clear()
    if (this.#retry !== undefined) this.#parts.clock.clearTimeout(this.#retry)
    // Closed and not given back, because the server still has it listening.
    this.#line?.hangUp(new Error('the pool ends'))
  }
}
