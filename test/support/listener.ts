/** A port of this machine that can refuse connections for a while, and counts those it takes. */
import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer } from 'node:net'

/** How long a port is tried for that somebody else may hold for a moment. */
const LISTEN_MILLIS = 5_000

/** What a server of the tests listens with, on 127.0.0.1. It listens from `refuse(false)` on. */
export class Listener {
  readonly host: string = '127.0.0.1'
  /** When each connection was taken, by `performance.now()`. */
  readonly acceptedAt: number[] = []
  /** The connections that are open. */
  readonly sockets = new Set<Socket>()
  /** The most that were ever open at once. */
  mostAtOnce = 0
  readonly #take: (socket: Socket) => void
  #server: Server | undefined
  #port = 0

  constructor(take: (socket: Socket) => void) {
    this.#take = take
  }

  get port(): number {
    return this.#port
  }

  /** While on, new connections are refused; the others are unharmed. Off listens, on the same port every time. */
  async refuse(on: boolean): Promise<void> {
    if (on) {
      this.#server?.close()
      this.#server = undefined
      return
    }
    const deadline = performance.now() + LISTEN_MILLIS
    while (this.#server === undefined) {
      const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
      try {
        await once(server.listen(this.#port, this.host), 'listening')
        this.#server = server
        this.#port = (server.address() as AddressInfo).port
      } catch (error) {
        if (performance.now() > deadline) throw error
        await new Promise((resolve) => {
          setTimeout(resolve, 20)
        })
      }
    }
  }

  /** Resets every connection at its end. */
  reset(): void {
    for (const socket of this.sockets) reset(socket)
  }

  /** Stops listening, resets what is open, and resolves when no socket is left. */
  async close(): Promise<void> {
    const closed = [...this.sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)))
    await this.refuse(true)
    this.reset()
    await Promise.all(closed)
  }

  #accept(socket: Socket): void {
    this.acceptedAt.push(performance.now())
    this.sockets.add(socket)
    this.mostAtOnce = Math.max(this.mostAtOnce, this.sockets.size)
    socket.setNoDelay(true)
    // The close that follows says the same.
    socket.on('error', () => undefined)
    socket.on('close', () => this.sockets.delete(socket))
    this.#take(socket)
  }
}

/** Resets a connection at its end. */
export function reset(socket: Socket): void {
  // The platform refuses to reset what is being shut down, and Node then neither closes it nor says so.
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}
