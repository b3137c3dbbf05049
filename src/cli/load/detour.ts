/** A way to a server that is as far away as asked: a proxy on this machine that delays what it carries. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, Socket } from 'node:net'
import type { Target } from '../target.ts'

/** A way around, open. */
export interface Detour {
  /** A socket that goes this way, wherever it is told to connect: so TLS still checks the name of the real server. */
  readonly stream: () => Socket
  /** Cuts what still goes this way. */
  close(): Promise<void>
}

/**
 * Opens one. Each round trip takes `latencyMillis` longer, the one that opens the TCP connection included.
 * @throws what listening throws
 */
export async function openDetour(
  target: Pick<Target, 'host' | 'port'>,
  latencyMillis: number,
): Promise<Detour> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = new Socket({ allowHalfOpen: true }).setNoDelay(true)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      // The close that follows says the same.
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    }
    upstream.connect(addressOf(target))
    // What the client says first has waited for its connection to open.
    carry(client, upstream, latencyMillis / 2, latencyMillis)
    carry(upstream, client, latencyMillis / 2, 0)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    stream: () => new DetouredSocket(port),
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

class DetouredSocket extends Socket {
  readonly #port: number

  constructor(port: number) {
    super()
    this.#port = port
  }

  override connect(): this {
    return super.connect(this.#port, '127.0.0.1')
  }
}

function addressOf({
  host,
  port,
}: Pick<Target, 'host' | 'port'>): { path: string } | { host: string; port: number } {
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }
}

/** Carries everything from one socket to the other, late and in order, behind one timer. */
function carry(from: Socket, to: Socket, delayMillis: number, firstMillis: number): void {
  const underway: { dueAt: number; deliver: () => void }[] = []
  let earliest = performance.now() + firstMillis + delayMillis
  let timer: NodeJS.Timeout | undefined
  const arm = (): void => {
    const [next] = underway
    if (next !== undefined)
      timer = setTimeout(deliver, Math.max(1, Math.ceil(next.dueAt - performance.now())))
  }
  const deliver = (): void => {
    const now = performance.now()
    while ((underway[0]?.dueAt ?? Number.POSITIVE_INFINITY) <= now) underway.shift()?.deliver()
    arm()
  }
  const send = (fire: () => void): void => {
    earliest = Math.max(earliest, performance.now() + delayMillis)
    underway.push({ dueAt: earliest, deliver: fire })
    if (underway.length === 1) arm()
  }
  from.on('data', (data) =>
    send(() => {
      if (to.destroyed || to.write(data)) return
      from.pause()
      to.once('drain', () => from.resume())
    }),
  )
  from.on('end', () => send(() => to.end()))
  from.on('close', (failed) => send(() => (failed ? to.destroy() : to.destroySoon())))
  to.on('close', () => {
    clearTimeout(timer)
    underway.length = 0
    from.destroy()
  })
}
