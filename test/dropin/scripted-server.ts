// A server that speaks just enough of Postgres's protocol to log somebody in, to refuse him, or to say nothing at all,
// so that passwords and timeouts can be tested whatever the real server's pg_hba.conf says.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createServer } from 'node:net'

export type Script = 'accept' | 'ask-password' | 'refuse-password' | 'hang-up' | 'silent'

export interface ScriptedServer {
  readonly port: number
  readonly passwords: string[]
  readonly queries: string[]
  close(): Promise<void>
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}

const askCleartext = message('R', int32(3))
const ready = message('Z', Buffer.from('I'))
const loggedIn = Buffer.concat([message('R', int32(0)), ready])
const answer = Buffer.concat([message('C', Buffer.from('SELECT 0\0')), ready])
const refused = message(
  'E',
  Buffer.from('SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "agent"\0\0', 'latin1'),
)

function converse(socket: Socket, script: Script, server: { passwords: string[]; queries: string[] }): void {
  let started = false
  let pending = Buffer.alloc(0)
  socket.on('error', () => {})
  socket.on('data', (data) => {
    pending = Buffer.concat([pending, data])
    for (;;) {
      const skip = started ? 1 : 0
      if (pending.length < skip + 4) return
      const length = skip + pending.readInt32BE(skip)
      if (pending.length < length) return
      const type = started ? String.fromCharCode(pending[0] ?? 0) : 'startup'
      const text = pending.subarray(skip + 4, length - 1).toString()
      pending = pending.subarray(length)
      started = true
      if (type === 'startup') {
        if (script === 'accept') socket.write(loggedIn)
        else if (script === 'hang-up') socket.end()
        else if (script !== 'silent') socket.write(askCleartext)
      } else if (type === 'p') {
        server.passwords.push(text)
        if (script === 'refuse-password') socket.end(refused)
        else socket.write(loggedIn)
      } else if (type === 'Q') {
        server.queries.push(text)
        socket.write(answer)
      } else if (type === 'X') {
        socket.end()
      }
    }
  })
}

export async function scriptedServer(script: Script): Promise<ScriptedServer> {
  const passwords: string[] = []
  const queries: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    converse(socket, script, { passwords, queries })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    passwords,
    queries,
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
