/** Handlers of Requests for node:http, and for what is built on it. */
import { SluiceError } from '../../base/errors.ts'
import type { Handler } from './answer.ts'
import { refusal } from './answer.ts'

/** What is needed of a request of node:http. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** What is needed of a response of node:http. */
export interface NodeResponse {
  /** The client has gone, or what was answered is on its way. */
  readonly destroyed?: boolean | undefined
  /** HTTP/2 does not say. */
  readonly writableFinished?: boolean | undefined
  readonly writableEnded: boolean
  readonly headersSent: boolean
  once(event: 'close', listener: () => void): unknown
  writeHead(status: number, headers: Record<string, string | string[]>): unknown
  end(body: Uint8Array): unknown
}

/** Where the host that a request names is not to be trusted, and its handler has no use for it. */
const HERE = 'http://localhost'

const NOTHING = new Uint8Array()

/**
 * A handler as node:http calls it, also a route of Express. It answers GET and HEAD, and sends answers whole: it is for those that end.
 * What the handler throws is answered with 500 and no word of it. The signal of the request aborts when the client has gone.
 * @throws SLUICE_BAD_OPTION for what is no function
 */
export function nodeHandler(handler: Handler): (request: NodeRequest, response: NodeResponse) => void {
  if (typeof handler !== 'function')
    throw new SluiceError('SLUICE_BAD_OPTION', 'nodeHandler() takes a handler, which is a function')
  return (request, response) => void run(handler, request, response)
}

/** Never rejects. */
async function run(handler: Handler, request: NodeRequest, response: NodeResponse): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => {
    if (!(response.writableFinished ?? response.writableEnded)) gone.abort()
  })
  const answer = await answerTo(handler, request, gone.signal)
  if (gone.signal.aborted || response.destroyed === true || response.headersSent) return
  response.writeHead(answer.status, answer.headers)
  response.end(request.method === 'HEAD' ? NOTHING : answer.body)
}

interface Whole {
  readonly status: number
  readonly headers: Record<string, string | string[]>
  readonly body: Uint8Array
}

/** Never rejects: what failed is for the log of the handler's own making. */
async function answerTo(handler: Handler, request: NodeRequest, signal: AbortSignal): Promise<Whole> {
  const asked = requestOf(request, signal)
  if (asked instanceof Response) return whole(asked)
  try {
    return await whole(await handler(asked))
  } catch {
    return whole(new Response('internal error\n', { status: 500 }))
  }
}

/** The request, or what it is refused with: a method that nothing answers, an address that is none. */
function requestOf({ method = 'GET', url = '/', headers: given }: NodeRequest, signal: AbortSignal) {
  const refused = refusal(method)
  if (refused !== undefined) return refused
  try {
    const headers = new Headers()
    for (const [name, value] of Object.entries(given)) {
      // What HTTP/2 has in the place of the first line.
      if (value === undefined || name.startsWith(':')) continue
      for (const each of typeof value === 'string' ? [value] : value) headers.append(name, each)
    }
    return new Request(new URL(url, HERE), { method, headers, signal })
  } catch {
    return new Response('bad request\n', { status: 400 })
  }
}

async function whole(answer: Response): Promise<Whole> {
  const body = new Uint8Array(await answer.arrayBuffer())
  const cookies = answer.headers.getSetCookie()
  const headers = Object.fromEntries<string | string[]>(answer.headers)
  if (cookies.length > 0) headers['set-cookie'] = cookies
  // Of an answer to HEAD there is no body, and what its length would be is not known.
  if (answer.body !== null) headers['content-length'] = String(body.byteLength)
  return { status: answer.status, headers, body }
}
