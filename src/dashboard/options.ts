/** The options of a dashboard, read and refused. */
import { SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import { readBoolean, readNumber, readOptions, readString } from '../base/options.ts'
import { redact } from '../base/redact.ts'
import type { NamedPools } from '../monitor/monitored.ts'
import { readPools } from '../monitor/monitored.ts'
import type { HostName } from './hosts.ts'
import { hostNameOf, isLoopback } from './hosts.ts'
import type { DashboardPool } from './pool.ts'

/** What a dashboard shows, and to whom. */
export interface DashboardOptions {
  /** One pool, or several by name, of up to 200 characters: what `createPools()` makes, a Map, or an object. */
  readonly pools: DashboardPool | NamedPools<DashboardPool>
  /** 0 to 65,535; default 0, which takes a free one. */
  readonly port?: number | string | undefined
  /** The address to listen on; default `127.0.0.1`. Any other than this machine's own needs a `token`. */
  readonly host?: string | undefined
  /** What viewers must know: 16 to 256 characters, no spaces. On this machine's own address it may be left out. */
  readonly token?: string | undefined
  /** Names, with or without a port, under which browsers may ask besides: that of a proxy, or of a forwarded port. */
  readonly allowedHosts?: readonly string[] | undefined
  /** Milliseconds from one frame to the next, 50 to 250; default 250. */
  readonly everyMillis?: number | string | undefined
  /** What the page is called; default `Sluice`. */
  readonly title?: string | undefined
  /** Lets the process end although the dashboard is up; default false, as with any server. */
  readonly unref?: boolean | undefined
}

/** {@link DashboardOptions}, read. */
export interface DashboardSettings {
  readonly pools: ReadonlyMap<string, DashboardPool>
  readonly port: number
  readonly host: string
  readonly token: string | undefined
  readonly allowedHosts: readonly HostName[]
  readonly everyMillis: number
  readonly title: string | undefined
  readonly unref: boolean
}

const WHAT = 'dashboard()'
const NAMES = ['pools', 'port', 'host', 'token', 'allowedHosts', 'everyMillis', 'title', 'unref']
const LONGEST_TITLE = 100
const LONGEST_NAME = 200

/** @throws SLUICE_BAD_OPTION */
export function readDashboardOptions(options: unknown): DashboardSettings {
  const given = readOptions(options, WHAT, NAMES)
  const settings = {
    pools: readShown(given.pools as DashboardOptions['pools']),
    port: readNumber(given, 'port', { min: 0, max: 65_535 }) ?? 0,
    host: readHost(given),
    token: readToken(given),
    allowedHosts: readAllowedHosts(given.allowedHosts),
    everyMillis: readNumber(given, 'everyMillis', { min: 50, max: 250, unit: ' (milliseconds)' }) ?? 250,
    title: readTitle(given),
    unref: readBoolean(given, 'unref') ?? false,
  }
  if (settings.token === undefined && !isLoopback(settings.host)) throw reachableFromElsewhere(settings.host)
  return settings
}

function readShown(asked: DashboardOptions['pools']): DashboardSettings['pools'] {
  const pools = readPools(asked, WHAT, ['stats', 'attach'])
  // A name is in every frame and every event.
  const longest = Math.max(...[...pools.keys()].map(({ length }) => length))
  if (longest > LONGEST_NAME)
    bad(`names of pools must be of at most ${LONGEST_NAME} characters; one has ${longest}`)
  return pools
}

/** Whoever can reach a dashboard without a token sees all of it. */
export function reachableFromElsewhere(host: string): SluiceError {
  return new SluiceError(
    'SLUICE_BAD_OPTION',
    `host ${JSON.stringify(host)} can be reached from other machines: give ${WHAT} a token of 16 or more characters, or leave host at 127.0.0.1`,
  )
}

function readHost(given: Given): string {
  const host = readString(given, 'host')
  if (host === undefined) return '127.0.0.1'
  if (!/^[\w.:%-]+$/.test(host))
    bad('host must be an address or a name without a port, as in 127.0.0.1 or ::1')
  return host.toLowerCase()
}

/** Its value is in no error. */
function readToken(given: Given): string | undefined {
  const token = readString(given, 'token')
  if (token === undefined || /^[\x21-\x7e]{16,256}$/.test(token)) return token
  return bad(
    `token must be 16 to 256 characters, none of them a space or outside ASCII; it has ${token.length}`,
  )
}

function readAllowedHosts(hosts: unknown): readonly HostName[] {
  if (hosts === undefined) return []
  if (!Array.isArray(hosts)) return bad('allowedHosts must be a list of names, each with or without a port')
  return hosts.map((host) => {
    const name = typeof host === 'string' ? hostNameOf(host) : undefined
    if (name !== undefined) return name
    const what = typeof host === 'string' ? JSON.stringify(redact(host)) : `one of type ${typeof host}`
    return bad(`allowedHosts must be names with or without a port, as in db.example.com; ${what} is none`)
  })
}

function readTitle(given: Given): string | undefined {
  const title = readString(given, 'title')
  if (title !== undefined && (title === '' || title.length > LONGEST_TITLE))
    bad(`title must be 1 to ${LONGEST_TITLE} characters; it has ${title.length}`)
  return title
}

function bad(sentence: string): never {
  throw new SluiceError('SLUICE_BAD_OPTION', sentence)
}
