import { once } from 'node:events'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { createServer, request } from 'node:http'
import * as http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import express from 'express'
import { afterEach, expect, test } from 'vitest'
import { settle } from '../../../test/support/manual-clock.ts'
import type { Handler } from './answer.ts'
import { nodeHandler } from './node.ts'

const ending: (() => void)[] = []
afterEach(() => {
  for (const end of ending.splice(0)) end()
})

/** A server of node:http whose every request the handler gets. */
async function serve(handler: Handler, listener: Parameters<typeof createServer>[1] = nodeHandler(handler)) {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ending.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

async function ask(port: number, options: RequestOptions = {}) {
  const asked = request({ host: '127.0.0.1', port, agent: false, ...options })
  asked.end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
}

test('the handler gets address and headers, and its answer arrives whole', async () => {
  let seen: Request | undefined
  const port = await serve(async (asked) => {
    seen = asked
    const headers = new Headers({ 'content-type': 'text/plain; charset=utf-8', 'x-own': '1' })
    headers.append('set-cookie', 'a=1')
    headers.append('set-cookie', 'b=2')
    return new Response('größe', { status: 203, headers })
  })
  const answer = await ask(port, { path: '/metrics?name=a', headers: { 'x-asked': ['1', '2'] } })
  expect([seen?.url, seen?.method]).toEqual(['http://localhost/metrics?name=a', 'GET'])
  expect(seen?.headers.get('x-asked')).toBe('1, 2')
  expect([answer.status, answer.body]).toEqual([203, 'größe'])
  expect(answer.headers).toMatchObject({
    'content-type': 'text/plain; charset=utf-8',
    'content-length': '7',
    'x-own': '1',
    'set-cookie': ['a=1', 'b=2'],
  })
})

test('HEAD is answered without a body, also where the handler has made one', async () => {
  const port = await serve(async ({ method }) => new Response(`for ${method}`))
  const answer = await ask(port, { method: 'HEAD' })
  expect([answer.status, answer.body, answer.headers['content-length']]).toEqual([200, '', '8'])
})

test.each(['POST', 'DELETE', 'OPTIONS', 'TRACE'])('%s reaches no handler', async (method) => {
  let calls = 0
  const port = await serve(async () => {
    calls++
    return new Response()
  })
  const answer = await ask(port, { method })
  expect([answer.status, answer.headers.allow, calls]).toEqual([405, 'GET, HEAD', 0])
})

test.each([
  ['rejects', () => Promise.reject(new Error('s3cr3t'))],
  [
    'throws',
    () => {
      throw new Error('s3cr3t')
    },
  ],
  [
    'breaks off',
    async () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.error(new Error('s3cr3t')),
        }),
      ),
  ],
])('a handler that %s is answered for with 500 and no word of it', async (_, handler) => {
  const answer = await ask(await serve(handler))
  expect([answer.status, answer.body]).toEqual([500, 'internal error\n'])
})

test('an address that is none is a bad request', async () => {
  const port = await serve(async () => new Response('reached'))
  const answer = await ask(port, { path: 'http://[' })
  expect(answer.status).toBe(400)
})

test('a client that has gone is told of', async () => {
  const signals: AbortSignal[] = []
  const server = createServer(
    nodeHandler(({ signal }) => {
      signals.push(signal)
      return new Promise(() => undefined)
    }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ending.push(() => server.close())
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await once(server, 'request')
  socket.destroy()
  const [signal] = signals
  if (signal?.aborted === false) await once(signal, 'abort')
  expect(signal?.aborted).toBe(true)
})

test('to a client that has gone nothing is sent', async () => {
  const sent: unknown[] = []
  let closed = () => {}
  const response = {
    writableEnded: false,
    headersSent: false,
    once: (_: 'close', listener: () => void) => {
      closed = listener
    },
    writeHead: (status: number) => sent.push(status),
    end: (body: Uint8Array) => sent.push(body),
  }
  nodeHandler(async () => new Response())({ headers: {} }, response)
  await settle()
  expect(sent).toHaveLength(2)
  nodeHandler(async () => new Response())({ headers: {} }, response)
  closed()
  await settle()
  expect(sent).toHaveLength(2)
})

test('a client that has its answer has not gone', async () => {
  let signal: AbortSignal | undefined
  const port = await serve(async (asked) => {
    signal = asked.signal
    return new Response('here')
  })
  expect((await ask(port)).body).toBe('here')
  expect(signal?.aborted).toBe(false)
})

test('it is a route of Express, and one of HTTP/2', async () => {
  const handler = nodeHandler(async ({ url }) => new Response(new URL(url).pathname))
  const app = express()
  app.get('/ready', handler)
  const port = await serve(async () => new Response(), app)
  expect((await ask(port, { path: '/ready' })).body).toBe('/ready')

  const server = http2.createServer(handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  ending.push(() => {
    session.close()
    server.close()
  })
  expect(await text(session.request({ ':path': '/ready' }))).toBe('/ready')
})

test('what is no function is refused', () => {
  expect(() => nodeHandler({} as Handler)).toThrow('nodeHandler() takes a handler, which is a function')
})
