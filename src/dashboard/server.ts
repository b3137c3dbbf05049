/** Answers requests: the page, its files and the feed; there is nothing that a request could change. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Asset, Assets } from './assets.ts'
import type { Feed } from './feed.ts'
import type { Guard } from './guard.ts'

/** What requests are answered with. */
export interface SiteParts {
  readonly guard: Guard
  readonly assets: Assets
  readonly feed: Feed
  readonly token: string | undefined
}

/** Viewers at one time. Each may hold one frame, and a browser opens a few. */
const MOST_VIEWERS = 32

const SAFETY: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
}

const NO_TOKEN = `This dashboard needs its token. Open it once as /?token=… (and load this page again if a link
of another site has led here), or send the header Authorization: Bearer.
`

/** Answers one request, in its own turn. */
export function answer(parts: SiteParts, request: IncomingMessage, response: ServerResponse): void {
  for (const [name, value] of Object.entries(SAFETY)) response.setHeader(name, value)
  const { path, query } = parted(request.url ?? '')
  const headers = request.headersDistinct
  const verdict = parts.guard.judge({ path, query, headers, localAddress: request.socket.localAddress })
  switch (verdict) {
    case 'foreign':
      return plain(response, 403, '')
    case 'unknown':
      response.setHeader('WWW-Authenticate', 'Bearer')
      return plain(response, 401, NO_TOKEN)
    case 'token':
    case 'welcome':
      break
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    return plain(response, 405, '')
  }
  if (verdict === 'token') return keepToken(parts, response)
  route(parts, path, request, response)
}

function route(
  { assets, feed }: SiteParts,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (path === '/events') return stream(feed, request, response)
  if (path === '/') return file(assets.page, request, response)
  const [, name = ''] = /^\/assets\/(.+)$/.exec(path) ?? []
  const asset = assets.byName.get(name)
  if (asset === undefined) return plain(response, 404, 'There is nothing here.\n')
  file(asset, request, response)
}

function parted(url: string): { path: string; query: string } {
  const mark = url.indexOf('?')
  return mark < 0 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) }
}

/** The token leaves the address before the page is there: so it is in no history, and in no Referer. */
function keepToken({ guard, token }: SiteParts, response: ServerResponse): void {
  if (token === undefined) throw new Error('BUG: a token was asked for that there is not')
  response.setHeader('Set-Cookie', guard.cookie(token))
  response.setHeader('Location', '/')
  plain(response, 303, '')
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.setHeader('Cache-Control', 'no-store')
  if (text !== '') response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.setHeader('Content-Length', Buffer.byteLength(text))
  response.statusCode = status
  response.end(text)
}

/** Browsers ask each time whether it is still the same, so that nobody sees a page of another version. */
function file({ body, etag, type }: Asset, request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Cache-Control', 'private, no-cache')
  response.setHeader('ETag', etag)
  if (request.headers['if-none-match'] === etag) {
    response.statusCode = 304
    response.end()
    return
  }
  response.setHeader('Content-Type', type)
  response.setHeader('Content-Length', body.length)
  response.end(body)
}

function stream(feed: Feed, request: IncomingMessage, response: ServerResponse): void {
  // Asked before the connection's last answer was over (pipelining): behind a stream its turn would never come.
  if (response.socket === null) return plain(response, 400, 'A stream wants a connection of its own.\n')
  if (feed.viewers.size >= MOST_VIEWERS) {
    response.setHeader('Retry-After', '30')
    return plain(
      response,
      503,
      `${MOST_VIEWERS} viewers look at this dashboard, which is all that it serves.\n`,
    )
  }
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('Content-Type', 'text/event-stream; charset=utf-8')
  // Proxies that gather answers would make a slide show of it.
  response.setHeader('X-Accel-Buffering', 'no')
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  response.writeHead(200)
  feed.welcome(response)
}
