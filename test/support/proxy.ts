/** A network between a test and its server: TCP through a port of this machine, slower, silent or cut where the test says so. */
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createConnection, createServer } from 'node:net'

/** A running proxy. */
export interface TcpProxy {
  readonly host: string
  readonly port: number
  /** How many connections go through it now. */
  readonly connections: number
  /** Changes what a round trip costs, for what comes in from now on. What is on its way keeps its time, and its place. */
  setLatency(millis: number): void
  /**
   * From now on nothing arrives any more, in either direction: what is on its way is lost, ends of connections too, and new
   * connections are taken but hear nothing. Nobody is told. Lasts until `cut()`.
   */
  blackhole(): void
  /** Resets every connection at both ends; new ones go through as before. */
  cut(): void
  /** Cuts, stops listening, and resolves when no socket is left. */
  close(): Promise<void>
}

/** One direction of one connection. */
interface Way {
  readonly from: Socket
  readonly to: Socket
  /** When the last of what is on its way arrives: nothing later may overtake it. */
  lastDueAt: number
  underway: number
}

interface Parcel {
  readonly way: Way
  readonly dueAt: number
  readonly deliver: () => void
}

/** What is on its way, the next to arrive first, behind one timer. */
class Underway {
  readonly #parcels: Parcel[] = []
  #timer: NodeJS.Timeout | undefined

  send(way: Way, delayMillis: number, deliver: () => void): void {
    if (delayMillis === 0 && way.underway === 0) return deliver()
    const dueAt = Math.max(performance.now() + delayMillis, way.lastDueAt)
    way.lastDueAt = dueAt
    way.underway += 1
    // Almost always at the end: only a changed latency lets parcels of other ways pass.
    let at = this.#parcels.length
    while (at > 0 && (this.#parcels[at - 1]?.dueAt ?? 0) > dueAt) at -= 1
    this.#parcels.splice(at, 0, { way, dueAt, deliver })
    if (at === 0) this.#arm()
  }

  lose(): void {
    for (const { way } of this.#parcels.splice(0)) way.underway -= 1
    this.#arm()
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const next = this.#parcels[0]
    if (next === undefined) return
    // Node may fire a timer a little early; what is not due then waits for another millisecond.
    const wait = Math.max(1, Math.ceil(next.dueAt - performance.now()))
    this.#timer = setTimeout(() => this.#deliver(), wait)
  }

  #deliver(): void {
    const now = performance.now()
    const due = this.#parcels.findIndex(({ dueAt }) => dueAt > now)
    for (const { way, deliver } of this.#parcels.splice(0, due === -1 ? this.#parcels.length : due)) {
      way.underway -= 1
      deliver()
    }
    this.#arm()
  }
}

/**
 * Starts a proxy in front of `target`, on 127.0.0.1. A round trip through it costs `latencyMillis` (0 or more, default 0)
 * more than without: each direction delays what it carries by half of that and keeps its order. The three steps that open a
 * TCP connection are not delayed.
 */
export async function startProxy(
  target: { readonly host: string; readonly port: number },
  { latencyMillis = 0 }: { readonly latencyMillis?: number } = {},
): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const clients = new Set<Socket>()
  const underway = new Underway()
  let oneWayMillis = latencyMillis / 2
  let silent = false

  const send = (way: Way, deliver: () => void): void => {
    if (!silent) underway.send(way, oneWayMillis, deliver)
  }
  const carry = (from: Socket, to: Socket): void => {
    const way: Way = { from, to, lastDueAt: 0, underway: 0 }
    sockets.add(from)
    from.setNoDelay(true)
    from.on('data', (data) =>
      send(way, () => {
        if (to.destroyed || to.write(data)) return
        from.pause()
        to.once('drain', () => from.resume())
      }),
    )
    from.on('end', () => send(way, () => to.end()))
    // The close that follows says the same.
    from.on('error', () => undefined)
    from.on('close', (failed) => {
      sockets.delete(from)
      clients.delete(from)
      send(way, () => (failed ? to.destroy() : to.destroySoon()))
    })
  }
  const server = createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client)
    const upstream = createConnection({ host: target.host, port: target.port, allowHalfOpen: true })
    carry(client, upstream)
    carry(upstream, client)
  })
  const cut = (): void => {
    silent = false
    underway.lose()
    for (const socket of sockets) {
      // The platform refuses to reset what is being shut down, and Node then neither closes it nor says so.
      if (socket.writableEnded && !socket.writableFinished) socket.destroy()
      else socket.resetAndDestroy()
    }
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { address, port } = server.address() as AddressInfo
  return {
    host: address,
    port,
    get connections() {
      return clients.size
    },
    setLatency(millis) {
      oneWayMillis = millis / 2
    },
    blackhole() {
      silent = true
      underway.lose()
    },
    cut,
    async close() {
      const listening = new Promise((resolve) => server.close(resolve))
      const closed = [...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)))
      cut()
      await Promise.all([listening, ...closed])
    },
  }
}
