/** A port that never accepts: connections to it hang as behind a firewall that drops them. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'

/** A running deaf server. */
export interface DeafServer {
  readonly host: string
  readonly port: number
  /** Frees the port and ends the thread. */
  close(): Promise<void>
}

/** The thread listens and stops, so that nobody takes connections out of the kernel's queue. */
const LISTEN = `
  const { createServer } = require('node:net')
  const { parentPort, workerData } = require('node:worker_threads')
  const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    Atomics.wait(workerData, 0, 0)
    server.close()
    process.exit()
  })
`
/** A connection of this machine to itself that takes longer hangs: the kernel needs less than a millisecond. */
const HANGS_AFTER_MILLIS = 300
/** More than the kernel keeps in a queue of one, whatever it rounds that up to. */
const MOST_FILLERS = 64

/** Starts one. @throws Error where connections to a full queue do not hang on this system */
export async function startDeafServer(): Promise<DeafServer> {
  const host = '127.0.0.1'
  const wake = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(LISTEN, { eval: true, workerData: wake })
  const [port] = (await once(worker, 'message')) as [number]
  const fillers: Socket[] = []
  const close = async (): Promise<void> => {
    for (const filler of fillers) filler.destroy()
    const ended = once(worker, 'exit')
    Atomics.store(wake, 0, 1)
    Atomics.notify(wake, 0)
    await ended
  }
  for (let hangs = false; !hangs; ) {
    const filler = connect(port, host).on('error', () => undefined)
    fillers.push(filler)
    hangs = !(await connected(filler))
    if (fillers.length > MOST_FILLERS) {
      await close()
      throw new Error(`port ${port} takes ${fillers.length} connections into a queue of one: it is not deaf`)
    }
  }
  return { host, port, close }
}

function connected(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), HANGS_AFTER_MILLIS)
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}
