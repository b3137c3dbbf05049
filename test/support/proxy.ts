/** A network between a test and its server: TCP through a port of this machine, slower, silent or cut where the test says so. */
import { Socket } from 'node:net'
import { Listener, reset } from './listener.ts'
import type { Way } from './underway.ts'
import { Underway } from './underway.ts'

/** Where a proxy leads. */
export interface Target {
  readonly host: string
  readonly port: number
}

/** `up` is from client to server. */
export type Direction = 'up' | 'down'

/** A running proxy. */
export interface TcpProxy {
  readonly host: string
  readonly port: number
  /** How many connections go through it now. */
  readonly connections: number
  /** How many it has taken in all. */
  readonly accepted: number
  /** When it took each of them, by `performance.now()`. */
  readonly acceptedAt: readonly number[]
  /** New connections lead there; those that exist stay where they are. */
  setTarget(target: Target): void
  /** Changes what a round trip costs, for what comes in from now on. What is on its way keeps its time, and its place. */
  setLatency(millis: number): void
  /** From now on each parcel is late by up to so much more, at random. Parcels of one direction of one connection stay in order. */
  setJitter(millis: number): void
  /** Lets so many bytes a second through, in each direction of each connection, from now on; undefined lets all through. */
  drip(bytesPerSecond: number | undefined): void
  /**
   * From now on nothing arrives any more, in one direction or (the default) both: what is on its way is lost, ends of
   * connections too, and new connections are taken but hear nothing. Nobody is told. Lasts until `heal()` or `cut()`.
   */
  blackhole(direction?: Direction | 'both'): void
  /**
   * An outage as TCP sees it: nothing arrives, nothing is lost, and new connections are taken but hear nothing. Lasts until
   * `heal()`, which delivers everything in order, or `cut()`.
   */
  hold(): void
  /**
   * Ends an outage. After `hold()` everything goes on; after `blackhole()` only new connections go through: the old ones stay
   * dead for ever, as behind a firewall that has forgotten them.
   */
  heal(): void
  /** Resets every connection at both ends; new ones go through as before, also after a `blackhole()` or `hold()`. */
  cut(): void
  /** Ends what every client hears, after what is on its way; what they say still goes through. */
  halfClose(): void
  /** While on, new connections are taken and nothing of them is ever carried, also not later; the others are unharmed. */
  acceptThenSilence(on: boolean): void
  /** While on, new connections are refused; the others are unharmed. Off listens on the same port again. */
  refuse(on: boolean): Promise<void>
  /** Cuts, stops listening, and resolves when no socket is left. */
  close(): Promise<void>
}

/** What `startProxy` takes. */
export interface ProxyOptions {
  /** What a round trip costs more than without the proxy. 0 or more; default 0. */
  readonly latencyMillis?: number
  /** Where jitter comes from; default `Math.random`. */
  readonly random?: () => number
}

/**
 * Starts a proxy in front of `target`, on 127.0.0.1. Each direction delays what it carries by half of the latency and keeps
 * its order. The three steps that open a TCP connection are not delayed.
 */
export async function startProxy(target: Target, options: ProxyOptions = {}): Promise<TcpProxy> {
  const proxy = new FaultProxy(target, options)
  await proxy.refuse(false)
  return proxy
}

/** A drip is cut into as many pieces a second, where it has as many bytes. */
const DRIPS_A_SECOND = 50
class FaultProxy implements TcpProxy {
  readonly #listener = new Listener((client) => this.#take(client))
  readonly #upstreams = new Set<Socket>()
  readonly #ways = new Set<Way>()
  readonly #underway = new Underway()
  readonly #random: () => number
  /** Connections taken in an outage, which have yet to be led to the server. */
  #undialled: (() => void)[] = []
  #target: Target
  #oneWayMillis: number
  #jitterMillis = 0
  #bytesPerSecond = Number.POSITIVE_INFINITY
  #held = false
  #mute = false
  readonly #lost = new Set<Direction>()

  constructor(target: Target, { latencyMillis = 0, random = Math.random }: ProxyOptions) {
    this.#target = target
    this.#oneWayMillis = latencyMillis / 2
    this.#random = random
  }

  get host(): string {
    return this.#listener.host
  }

  get port(): number {
    return this.#listener.port
  }

  get connections(): number {
    return this.#listener.sockets.size
  }

  get accepted(): number {
    return this.acceptedAt.length
  }

  get acceptedAt(): readonly number[] {
    return this.#listener.acceptedAt
  }

  setTarget(target: Target): void {
    this.#target = target
  }

  setLatency(millis: number): void {
    this.#oneWayMillis = millis / 2
  }

  setJitter(millis: number): void {
    this.#jitterMillis = millis
  }

  drip(bytesPerSecond: number | undefined): void {
    this.#bytesPerSecond = bytesPerSecond ?? Number.POSITIVE_INFINITY
  }

  blackhole(direction: Direction | 'both' = 'both'): void {
    if (direction !== 'down') this.#lost.add('up')
    if (direction !== 'up') this.#lost.add('down')
    this.#underway.lose((way) => this.#lost.has(way.direction))
  }

  hold(): void {
    this.#held = true
    this.#underway.hold()
  }

  heal(): void {
    if (this.#lost.size > 0) for (const way of this.#ways) way.over = true
    this.#underway.lose((way) => way.over)
    this.#lost.clear()
    this.#held = false
    for (const dial of this.#undialled.splice(0)) dial()
    this.#underway.resume()
  }

  cut(): void {
    this.#lost.clear()
    this.#held = false
    this.#undialled = []
    this.#underway.lose(() => true)
    this.#underway.resume()
    this.#listener.reset()
    for (const socket of this.#upstreams) reset(socket)
  }

  halfClose(): void {
    for (const way of this.#ways) {
      if (way.direction === 'up' || way.over) continue
      this.#send(way, () => way.to.end())
      way.over = true
    }
  }

  acceptThenSilence(on: boolean): void {
    this.#mute = on
  }

  refuse(on: boolean): Promise<void> {
    return this.#listener.refuse(on)
  }

  async close(): Promise<void> {
    const closed = [...this.#upstreams].map(
      (socket) => new Promise((resolve) => socket.once('close', resolve)),
    )
    this.cut()
    await Promise.all([this.#listener.close(), ...closed])
  }

  #take(client: Socket): void {
    const upstream = new Socket({ allowHalfOpen: true }).setNoDelay(true)
    this.#upstreams.add(upstream)
    // The close that follows says the same.
    upstream.on('error', () => undefined)
    upstream.on('close', () => this.#upstreams.delete(upstream))
    const dead = this.#mute || this.#lost.has('up')
    this.#carry({ from: client, to: upstream, direction: 'up', lastDueAt: 0, underway: 0, over: dead })
    this.#carry({ from: upstream, to: client, direction: 'down', lastDueAt: 0, underway: 0, over: dead })
    if (dead) return
    const target = this.#target
    const dial = () => upstream.destroyed || upstream.connect({ ...target })
    if (this.#held) this.#undialled.push(dial)
    else dial()
  }

  #carry(way: Way): void {
    const { from, to } = way
    this.#ways.add(way)
    from.on('data', (data: Buffer) => this.#carryData(way, data))
    from.on('end', () => this.#send(way, () => to.end()))
    from.on('close', (failed) => {
      this.#ways.delete(way)
      this.#send(way, () => (failed ? to.destroy() : to.destroySoon()))
    })
  }

  #carryData(way: Way, data: Buffer): void {
    const rate = this.#bytesPerSecond
    const step =
      rate === Number.POSITIVE_INFINITY ? data.length : Math.max(1, Math.ceil(rate / DRIPS_A_SECOND))
    for (let at = 0; at < data.length; at += step) {
      const piece = data.subarray(at, at + step)
      this.#send(way, () => this.#write(way, piece), (piece.length / rate) * 1_000)
    }
  }

  #write({ from, to }: Way, data: Buffer): void {
    if (to.destroyed || to.write(data)) return
    from.pause()
    to.once('drain', () => from.resume())
  }

  #send(way: Way, deliver: () => void, lengthMillis = 0): void {
    if (way.over || this.#lost.has(way.direction)) return
    const late = this.#jitterMillis === 0 ? 0 : this.#jitterMillis * this.#random()
    this.#underway.send(way, this.#oneWayMillis + late, lengthMillis, deliver)
  }
}
