/** The network that the tests of lanes are run through must itself be right. */
import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import type { TcpProxy } from '../support/proxy.ts'
import { startProxy } from '../support/proxy.ts'

interface Line {
  readonly proxy: TcpProxy
  readonly client: Socket
  /** The server's end of the line. */
  readonly far: Socket
  /** What has come back to the client. */
  text(): string
}

const closing: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A server that says everything back, and a client that reaches it through a proxy. */
async function line(latencyMillis = 0): Promise<Line> {
  let far: Socket | undefined
  const server: Server = createServer((socket) => {
    far = socket
    socket.on('error', () => undefined)
    socket.pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => new Promise((resolve) => server.close(() => resolve())))
  const { address: host, port } = server.address() as AddressInfo
  const proxy = await startProxy({ host, port }, { latencyMillis })
  closing.push(() => proxy.close())
  const client = connect(proxy.port, proxy.host)
  let text = ''
  client.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  client.on('error', () => undefined)
  await once(client, 'connect')
  await until(() => expect(far).toBeDefined())
  return { proxy, client, far: far as Socket, text: () => text }
}

async function until(check: () => void): Promise<void> {
  await vi.waitFor(check, { timeout: 5_000, interval: 2 })
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, millis)
  })
}

test('a round trip costs the latency, and what is sent in between travels beside it', async () => {
  const { client, text } = await line(60)
  const from = performance.now()
  for (let n = 0; n < 20; n++) {
    client.write(`${n} `)
    await pause(1)
  }
  const sent = performance.now() - from
  await until(() => expect(text()).toMatch(/\b19 $/))
  const took = performance.now() - from
  expect(took).toBeGreaterThanOrEqual(60)
  expect(took).toBeLessThan(60 + sent + 60)
})

test('the order is kept when the latency falls', async () => {
  const { proxy, client, text } = await line(80)
  const said: string[] = []
  for (const millis of [80, 40, 10, 0]) {
    proxy.setLatency(millis)
    said.push(`${millis} `)
    client.write(`${millis} `)
    await pause(5)
  }
  await until(() => expect(text()).toBe(said.join('')))
})

test('much data arrives whole, and an end after it', async () => {
  const { proxy, client, text } = await line(10)
  const sent = Array.from({ length: 100_000 }, (_, n) => `${n} `).join('')
  client.end(sent)
  await once(client, 'close')
  expect(text().length).toBe(sent.length)
  expect(text()).toBe(sent)
  await until(() => expect(proxy.connections).toBe(0))
})

test('a black hole swallows everything, ends too, and tells nobody until it is cut', async () => {
  const { proxy, client, far, text } = await line(20)
  client.write('lost')
  proxy.blackhole()
  client.end('lost too')
  await pause(60)
  expect([text(), far.destroyed, far.bytesRead, proxy.connections]).toEqual(['', false, 0, 1])
  proxy.cut()
  await until(() => expect([far.destroyed, client.destroyed, proxy.connections]).toEqual([true, true, 0]))
})

test('a cut resets both ends, and the next connection goes through', async () => {
  const { proxy, client, far } = await line()
  proxy.cut()
  await until(() => expect(client.destroyed).toBe(true))
  await until(() => expect([far.destroyed, proxy.connections]).toEqual([true, 0]))
  const next = connect(proxy.port, proxy.host)
  next.write('hello')
  expect(String((await once(next, 'data'))[0])).toBe('hello')
  next.end()
  await until(() => expect(proxy.connections).toBe(0))
})

test('a server that refuses ends the connection of the client', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { address: host, port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const proxy = await startProxy({ host, port })
  closing.push(() => proxy.close())
  const client = connect(proxy.port, proxy.host).on('error', () => undefined)
  await until(() => expect(client.destroyed).toBe(true))
  await until(() => expect(proxy.connections).toBe(0))
})
