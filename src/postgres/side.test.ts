import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { ManualClock, settle } from '../../test/support/manual-clock.ts'
import { reach } from './side.ts'

const servers: Server[] = []
const sockets = new Set<Socket>()
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

/** A server on this machine that does this with each connection. */
async function serve(take: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    take(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** As much of a client as is asked for its address. */
function clientAt(port: number | undefined, host = '127.0.0.1'): object {
  return { host, port, connection: { stream: { remoteAddress: undefined } } }
}

const ask = (client: object, clock = new ManualClock()) => reach(client, undefined, clock, 2_000)

describe('a server', () => {
  test.each(['S', 'N', 'E'])(
    'that answers %s to a request for TLS is there, and is left at once',
    async (answer) => {
      const heard: Buffer[] = []
      let left = (): void => undefined
      const isLeft = new Promise<void>((resolve) => {
        left = resolve
      })
      const port = await serve((socket) => {
        socket.on('data', (bytes) => {
          heard.push(bytes)
          socket.write(answer)
        })
        socket.on('close', left)
      })
      const clock = new ManualClock()
      expect(await ask(clientAt(port), clock)).toEqual({ is: 'answers' })
      await isLeft
      expect(heard).toEqual([Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])])
      expect(clock.armed()).toBe(0)
    },
  )

  test('that hangs up on the question is there', async () => {
    const polite = await serve((socket) => socket.on('data', () => socket.end()))
    expect(await ask(clientAt(polite))).toEqual({ is: 'answers' })
    const rude = await serve((socket) => socket.on('data', () => socket.resetAndDestroy()))
    expect(await ask(clientAt(rude))).toEqual({ is: 'answers' })
  })

  test('that says nothing in time is silent, and the question keeps nothing up meanwhile', async () => {
    let taken = (): void => undefined
    const isTaken = new Promise<void>((resolve) => {
      taken = resolve
    })
    const port = await serve((socket) => socket.on('data', () => taken()))
    const clock = new ManualClock()
    const asked = ask(clientAt(port), clock)
    await isTaken
    expect([clock.armed('held'), clock.armed()]).toEqual([0, 1])
    await clock.advance(2_000)
    expect(await asked).toEqual({ is: 'silent', why: 'no answer within 2000 ms' })
  })

  test('is not judged by a process that stood still while it may have answered', async () => {
    let taken = (): void => undefined
    const isTaken = new Promise<void>((resolve) => {
      taken = resolve
    })
    const port = await serve((socket) => socket.on('data', () => taken()))
    const clock = new ManualClock()
    const asked = ask(clientAt(port), clock)
    await isTaken
    clock.jump(3_000)
    await clock.advance(1)
    expect(await asked).toMatchObject({ is: 'unknown' })
  })

  test('that is not there refuses', async () => {
    const port = await serve(() => undefined)
    await new Promise((resolve) => servers.splice(0)[0]?.close(resolve))
    expect(await ask(clientAt(port))).toMatchObject({
      is: 'refused',
      why: expect.stringContaining('ECONNREFUSED'),
    })
  })
})

describe('nothing is learnt', () => {
  test('from a client of another driver, which does not say where it is connected to', async () => {
    await settle()
    for (const client of [{}, { host: 'there', port: 5_432 }, clientAt(undefined)])
      expect(await ask(client)).toMatchObject({ is: 'unknown' })
  })

  test.each(['ENOTFOUND', 'EAI_AGAIN', 'EMFILE', 'EADDRNOTAVAIL'])(
    'from a fault of this side (%s)',
    async (code) => {
      const port = await serve(() => undefined)
      const { Socket: Plain } = await import('node:net')
      class Faulty extends Plain {
        override connect(): this {
          process.nextTick(() => this.destroy(Object.assign(new Error(`connect ${code}`), { code })))
          return this
        }
      }
      const asked = reach(clientAt(port), () => new Faulty(), new ManualClock(), 2_000)
      expect(await asked).toEqual({ is: 'unknown', why: `connect ${code}` })
    },
  )
})
