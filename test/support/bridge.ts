/** A bridge from WebSockets to TCP, as services run one for clients that have no sockets: bytes go through as they are. */
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'
import { afterEach } from 'vitest'
import { WebSocketServer } from 'ws'
import { databaseUrl } from './postgres.ts'

/** A running bridge. */
export interface Bridge {
  /** Where it listens, as `host:port`. */
  readonly address: string
  /** Connections that were made through it so far. */
  readonly taken: number
  close(): Promise<void>
}

/** Starts one on 127.0.0.1 that leads to the server of a connection string. */
async function startBridge(connectionString: string = databaseUrl()): Promise<Bridge> {
  const { hostname, port } = new URL(connectionString)
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  const sockets = new Set<Socket>()
  let taken = 0
  server.on('connection', (webSocket) => {
    taken += 1
    const socket = connect(Number(port || 5432), hostname)
    sockets.add(socket)
    webSocket.binaryType = 'nodebuffer'
    webSocket.on('message', (data: Buffer) => socket.write(data))
    webSocket.on('close', () => socket.end())
    webSocket.on('error', () => socket.destroy())
    socket.on('data', (data) => webSocket.send(data))
    socket.on('error', () => webSocket.terminate())
    socket.on('close', () => {
      sockets.delete(socket)
      webSocket.close()
    })
  })
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get taken() {
      return taken
    },
    async close() {
      for (const webSocket of server.clients) webSocket.terminate()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}

/** Returns a function that starts bridges; all of them end after the test. To be called before `poolsWith`: what is said last is done first. */
export function bridges(): () => Promise<Bridge> {
  const running: Bridge[] = []
  afterEach(async () => {
    await Promise.all(running.splice(0).map((bridge) => bridge.close()))
  })
  return async () => {
    const bridge = await startBridge()
    running.push(bridge)
    return bridge
  }
}
