/** The network that tests are run through must itself be right. */
import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { startDeafServer } from './deaf-server.ts'
import type { TcpProxy } from './proxy.ts'
import { startProxy } from './proxy.ts'

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
async function line(latencyMillis = 0, lots: readonly number[] = []): Promise<Line> {
  const drawn = [...lots]
  let far: Socket | undefined
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    far ??= socket
    socket.on('error', () => undefined)
    socket.pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => new Promise((resolve) => server.close(() => resolve())))
  const { address: host, port } = server.address() as AddressInfo
  const proxy = await startProxy({ host, port }, { latencyMillis, random: () => drawn.shift() ?? 0 })
  closing.push(() => proxy.close())
  const client = connect({ port: proxy.port, host: proxy.host, allowHalfOpen: true })
  let text = ''
  client.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  client.on('error', () => undefined)
  await once(client, 'connect')
  await until(() => expect(far).toBeDefined())
  return { proxy, client, far: far as Socket, text: () => text }
}

/** A second connection through the same proxy. */
async function another(proxy: TcpProxy): Promise<Socket> {
  const client = connect(proxy.port, proxy.host)
  await once(client, 'connect')
  client.on('error', () => undefined)
  closing.push(async () => {
    client.destroy()
  })
  return client
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

test('after a black hole heals, what was lost stays lost, the old connection is dead and new ones go through', async () => {
  const { proxy, client, far, text } = await line()
  proxy.blackhole()
  client.write('lost')
  await pause(20)
  proxy.heal()
  client.write('dead')
  const next = await another(proxy)
  next.write('hello')
  expect(String((await once(next, 'data'))[0])).toBe('hello')
  expect([text(), far.bytesRead, far.destroyed, client.destroyed]).toEqual(['', 0, false, false])
})

test('a black hole can swallow one direction only', async () => {
  const { proxy, client, far, text } = await line()
  proxy.blackhole('down')
  client.write('heard')
  await until(() => expect(far.bytesRead).toBe(5))
  await pause(20)
  expect(text()).toBe('')
})

test('what is held arrives in order once the network heals, to new connections too', async () => {
  const { proxy, client, far, text } = await line(4)
  client.write('one ')
  proxy.hold()
  client.write('two ')
  const next = await another(proxy)
  next.write('hello')
  await pause(30)
  client.write('three')
  await pause(10)
  expect([text(), far.bytesRead]).toEqual(['', 0])
  const heard = once(next, 'data')
  proxy.heal()
  await until(() => expect(text()).toBe('one two three'))
  expect(String((await heard)[0])).toBe('hello')
})

test('jitter makes parcels late, and keeps their order', async () => {
  const { proxy, client, text } = await line(0, [0.9, 0.1, 0.5, 0])
  proxy.setJitter(60)
  const from = performance.now()
  for (const word of ['a', 'b', 'c', 'd']) {
    client.write(word)
    await pause(3)
  }
  await until(() => expect(text()).toBe('abcd'))
  expect(performance.now() - from).toBeGreaterThanOrEqual(54)
})

test('a drip lets so many bytes a second through, and all of them', async () => {
  const { proxy, client, text } = await line()
  proxy.drip(1_000)
  const from = performance.now()
  client.end('x'.repeat(200))
  await until(() => expect(text().length).toBeGreaterThan(0))
  expect(text().length).toBeLessThan(200)
  await once(client, 'close')
  expect(text()).toBe('x'.repeat(200))
  expect(performance.now() - from).toBeGreaterThanOrEqual(200)
})

test('a half close ends what the client hears, and lets through what it says', async () => {
  const { proxy, client, far, text } = await line()
  const ended = once(client, 'end')
  proxy.halfClose()
  await ended
  client.write('still here')
  await until(() => expect(far.bytesRead).toBe(10))
  expect([text(), far.destroyed]).toEqual(['', false])
  client.end()
  await until(() => expect(proxy.connections).toBe(0))
})

test('a proxy that accepts and then is silent harms nobody else, and stays silent to whom it was', async () => {
  const { proxy, client, text } = await line()
  proxy.acceptThenSilence(true)
  const silent = await another(proxy)
  silent.write('hello?')
  proxy.acceptThenSilence(false)
  client.write('fine')
  await until(() => expect(text()).toBe('fine'))
  await pause(20)
  expect(silent.bytesRead).toBe(0)
})

test('a proxy that refuses leaves what is open alone, and comes back on the same port', async () => {
  const { proxy, client, text } = await line()
  await proxy.refuse(true)
  await expect(another(proxy)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  client.write('fine')
  await until(() => expect(text()).toBe('fine'))
  await proxy.refuse(false)
  const next = await another(proxy)
  next.write('hello')
  expect(String((await once(next, 'data'))[0])).toBe('hello')
  expect([proxy.connections, proxy.accepted, proxy.acceptedAt.length]).toEqual([2, 2, 2])
})

test('a new target is for new connections', async () => {
  const { proxy, client, text } = await line()
  const greeter = createServer((socket) => socket.end('greetings')).listen(0, '127.0.0.1')
  await once(greeter, 'listening')
  closing.push(() => new Promise((resolve) => greeter.close(() => resolve())))
  proxy.setTarget({ host: '127.0.0.1', port: (greeter.address() as AddressInfo).port })
  const next = await another(proxy)
  expect(String((await once(next, 'data'))[0])).toBe('greetings')
  client.write('as before')
  await until(() => expect(text()).toBe('as before'))
})

test('a connection to a deaf server hangs until the server is gone', async () => {
  const deaf = await startDeafServer()
  const client = connect(deaf.port, deaf.host).on('error', () => undefined)
  await pause(300)
  expect(client.connecting).toBe(true)
  client.destroy()
  await deaf.close()
  const refused = connect(deaf.port, deaf.host)
  expect(await once(refused, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }])
})
