/** An endpoint that speaks to the AWS SDK as CloudWatch does: AWS JSON 1.0, as far as PutMetricData goes. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

/** What the endpoint was sent: the body of one request. */
export interface Received {
  readonly Namespace: string
  readonly MetricData: readonly {
    readonly MetricName: string
    readonly Dimensions: readonly { readonly Name: string; readonly Value: string }[]
    /** Seconds since 1970. */
    readonly Timestamp: number
    readonly Value: number
    readonly Unit: string
  }[]
}

/** How the next requests are answered. */
export type Manner = 'well' | 'throttled' | 'refused' | 'silent'

const ERRORS = {
  throttled: [400, 'ThrottlingException', 'Rate exceeded'],
  refused: [400, 'InvalidParameterValueException', 'The value is not one'],
} as const

/** Starts one on a free port of this machine. */
export async function fakeCloudWatch() {
  const received: Received[] = []
  const targets = new Set<string | undefined>()
  const state: { manner: Manner; bytes: number } = { manner: 'well', bytes: 0 }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const sent = Buffer.concat(chunks)
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
      state.bytes = Math.max(state.bytes, body.length)
      targets.add(request.headers['x-amz-target']?.toString())
      const { manner } = state
      if (manner === 'silent') return
      response.setHeader('content-type', 'application/x-amz-json-1.0')
      if (manner === 'well') {
        received.push(JSON.parse(body.toString()) as Received)
        response.end('{}')
        return
      }
      const [status, type, message] = ERRORS[manner]
      response.writeHead(status).end(JSON.stringify({ __type: type, message }))
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>((closed) => {
      server.close(() => closed())
      server.closeAllConnections()
    })
  return { close, endpoint: `http://127.0.0.1:${port}`, received, state, targets }
}
