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

const RETRY_BASE_MILLIS = 100
const RETRY_CAP_MILLIS = 5_000

export class Listener {
  readonly #parts: ListenerParts
  readonly #channels = new Map<string, Set<Subscription>>()
  #lease: Promise<Lease<Client>> | undefined
  #retry: Timer | undefined
  #closed = false

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
    const others = this.#channels.get(channel)
    const subscriptions = others ?? new Set<Subscription>()
    subscriptions.add(subscription)
    this.#channels.set(channel, subscriptions)
    try {
      const lease = await this.#connection()
      if (others === undefined) await lease.resource.query(`LISTEN ${escapeIdentifier(channel)}`)
    } catch (error) {
      this.#forget(channel, subscription)
      throw error
    }
    return () => this.#stop(channel, subscription)
  }

  async #stop(channel: string, subscription: Subscription): Promise<void> {
    if (!this.#forget(channel, subscription)) return
    const lease = await this.#lease
    if (lease === undefined || lease.released) return
    await lease.resource.query(`UNLISTEN ${escapeIdentifier(channel)}`)
    if (this.#channels.size === 0) this.#giveBack(lease)
  }

  /** Returns true when nobody listens to the channel any more. */
  #forget(channel: string, subscription: Subscription): boolean {
    const subscriptions = this.#channels.get(channel)
    if (subscriptions?.delete(subscription) !== true || subscriptions.size > 0) return false
    this.#channels.delete(channel)
    return true
  }

  #connection(): Promise<Lease<Client>> {
    this.#lease ??= this.#connect().catch((error: unknown) => {
      this.#lease = undefined
      throw error
    })
    return this.#lease
  }

  async #connect(): Promise<Lease<Client>> {
    const lease = await this.#parts.acquire()
    const client = lease.resource
    const ended = () => this.#lost(lease)
    client.on('notification', this.#deliver)
    client.once('end', ended)
    this.#giveBack = (given) => {
      client.removeListener('notification', this.#deliver)
      client.removeListener('end', ended)
      this.#lease = undefined
      given.release()
    }
    return lease
  }

  #giveBack: (lease: Lease<Client>) => void = () => undefined

  readonly #deliver = ({
    channel,
    payload = '',
    processId,
  }: {
    channel: string
    payload?: string | undefined
    processId: number
  }): void => {
    for (const { handler } of this.#channels.get(channel) ?? []) {
      // In a turn of its own: what a handler throws must not end the connection's parser.
      queueMicrotask(() => handler(payload, { channel, payload, processId }))
    }
  }

  #lost(lease: Lease<Client>): void {
    this.#lease = undefined
    if (!lease.released) lease.release(new Error('the connection that listens was lost'))
    if (!this.#closed && this.#channels.size > 0 && this.#retry === undefined) this.#reconnect(0)
  }

  #reconnect(attempt: number): void {
    const millis = fullJitter(attempt, RETRY_BASE_MILLIS, RETRY_CAP_MILLIS, this.#parts.random)
    this.#retry = this.#parts.clock.setTimeout(() => {
      this.#listenAgain().then(
        () => {
          this.#retry = undefined
        },
        () => this.#closed || this.#reconnect(attempt + 1),
      )
    }, millis)
  }

  async #listenAgain(): Promise<void> {
    if (this.#closed) return
    const lease = await this.#connection()
    for (const channel of this.#channels.keys())
      await lease.resource.query(`LISTEN ${escapeIdentifier(channel)}`)
    for (const subscriptions of this.#channels.values())
      for (const { onReconnect } of subscriptions) onReconnect?.()
  }

  /** Stops for good and gives the connection back. */
  close(): void {
    this.#closed = true
    this.#channels.clear()
    if (this.#retry !== undefined) this.#parts.clock.clearTimeout(this.#retry)
    const lease = this.#lease
    this.#lease = undefined
    lease?.then(
      // Destroyed, because the server still has it listening.
      (given) => given.released || given.release(new Error('the pool ends')),
      () => undefined,
    )
  }
}
