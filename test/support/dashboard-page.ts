/** Serves the dashboard's built page with made-up news, for what a real pool cannot be brought to show at will. */
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import type { Frame, Hello, Slow } from '../../src/dashboard/frame.ts'

const web = join(import.meta.dirname, '../../dist/dashboard/web')
const uplot = join(createRequire(import.meta.url).resolve('uplot'), '..')

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css',
  js: 'text/javascript',
}

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** A page that plays what it is given. */
export interface PlayedPage {
  readonly url: string
  /** How many look. */
  readonly viewers: number
  frame(frame: Frame): void
  slow(slow: Slow): void
  /** Ends all streams; viewers come back by themselves. */
  hangUp(): void
  close(): Promise<void>
}

/** @param hello asked for with every viewer */
export async function playPage(hello: () => Hello): Promise<PlayedPage> {
  const viewers = new Set<ServerResponse>()
  const server = createServer((request, response) => {
    if (request.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      viewers.add(response)
      response.on('close', () => viewers.delete(response))
      send(response, 'hello', hello())
      return
    }
    const name = request.url === '/' ? 'index.html' : basename(request.url ?? '')
    const type = TYPES[name.split('.').at(-1) ?? ''] ?? 'text/plain'
    const body = readFileSync(join(name.startsWith('uPlot') ? uplot : web, name))
    response.writeHead(200, { 'content-type': type, 'content-security-policy': POLICY }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const tell = (event: string, data: unknown): void => {
    for (const viewer of viewers) send(viewer, event, data)
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    get viewers() {
      return viewers.size
    },
    frame: (frame) => tell('frame', frame),
    slow: (slow) => tell('slow', slow),
    hangUp: () => {
      for (const viewer of viewers) viewer.destroy()
    },
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function send(viewer: ServerResponse, event: string, data: unknown): void {
  viewer.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}
