/** A page that shows pools live, served by this process. It attaches from outside, and only looks. */
import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { sluiceVersion } from '../base/version.ts'
import { errorType } from '../monitor/recorder.ts'
import { readAssets } from './assets.ts'
import { Feed } from './feed.ts'
import { Guard } from './guard.ts'
import { inUrl, isLoopback } from './hosts.ts'
import type { DashboardOptions, DashboardSettings } from './options.ts'
import { reachableFromElsewhere, readDashboardOptions } from './options.ts'
import { answer } from './server.ts'

/** A dashboard that is up. */
export interface Dashboard extends AsyncDisposable {
  /** Where it is, without the token: `http://127.0.0.1:4000/`. */
  readonly url: string
  readonly port: number
  /** How many look at it now. */
  readonly viewers: number
  /** What viewers were not sent because they were slow, all together: frames, and what comes every few seconds. */
  readonly dropped: number
  /** Ends all streams and watches the pools no longer; they go on. Resolves when its port is free. May be called again. */
  close(): Promise<void>
}

/** What a dashboard works with. */
export interface DashboardSurroundings {
  readonly clock?: Clock | undefined
  /** The folder of the page, as a file URL. Default the one beside the library. */
  readonly assets?: URL | undefined
}

/** Connections at one time: viewers, and those who load the page. */
const MOST_CONNECTIONS = 128

/** A request is a few lines: who has not sent them by then keeps a place from others. */
const ASKING = { headersTimeout: 10_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 } as const

/** A connection on which nothing moves is closed after that; viewers are written to all the time. */
const STILL_MILLIS = 60_000

/**
 * Serves the dashboard of one pool or several, on this machine only unless there is a token. It only reads.
 * @throws SLUICE_BAD_OPTION; what listening fails with (`EADDRINUSE`, …)
 */
export async function dashboard(
  options: DashboardOptions,
  { assets: folder = new URL('web/', import.meta.url), clock = systemClock }: DashboardSurroundings = {},
): Promise<Dashboard> {
  const settings = readDashboardOptions(options)
  const assets = await readAssets(fileURLToPath(folder), settings.title)
  const server = createServer(ASKING)
  server.maxConnections = MOST_CONNECTIONS
  server.timeout = STILL_MILLIS
  if (settings.unref) server.on('connection', (socket) => socket.unref())
  const { port } = await listen(server, settings)
  // Nothing was asked yet: connections are told of in later turns.
  const { everyMillis, host, pools, title, token } = settings
  const about = { version: sluiceVersion(), run: randomUUID(), title }
  const feed = new Feed({ pools, clock, everyMillis, about })
  const site = { guard: new Guard({ ...settings, port }), assets, feed, token }
  server.on('request', (request, response) => answer(site, request, response))
  // A process that has no descriptors left cannot take connections for a while.
  server.on('error', (error) =>
    feed.note('warn', `The dashboard could not take a connection: ${errorType(error)}`),
  )
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= shut(server, feed, clock)
    return closed
  }
  return {
    url: `http://${inUrl(reachable(host))}:${port}/`,
    port,
    get viewers() {
      return feed.viewers.size
    },
    get dropped() {
      return feed.viewers.dropped
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function listen(server: Server, { host, port, token, unref }: DashboardSettings): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      if (unref) server.unref()
      const at = server.address() as AddressInfo
      if (token !== undefined || isLoopback(at.address)) return resolve(at)
      // A name may lead elsewhere than it says.
      server.close()
      reject(reachableFromElsewhere(`${host} (${at.address})`))
    })
  })
}

/** What listens on every address can be reached at this one. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

function shut(server: Server, feed: Feed, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    // Those who ask in this turn would look at pools that are watched no longer.
    server.removeAllListeners('request')
    feed.stop()
    // What was written in this turn is still to be sent.
    clock.endOfTurn(() => server.closeAllConnections())
  })
}
