/** Pools on the run's server, networks between them, and servers that break, that end with their test. */
import { afterEach } from 'vitest'
import type { PoolConfig } from '../../src/index.ts'
import { Pool } from '../../src/index.ts'
import type { FakePostgres } from './fake-postgres.ts'
import { startFakePostgres } from './fake-postgres.ts'
import type { Script } from './fake-script.ts'
import { databaseUrl } from './postgres.ts'
import type { TcpProxy } from './proxy.ts'
import { startProxy } from './proxy.ts'

/** Returns a function that opens pools with `defaults`; all of them end after the test that opened them. */
export function poolsWith(defaults: PoolConfig): (config?: PoolConfig) => Pool {
  const open: Pool[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((pool) => pool[Symbol.asyncDispose]()))
  })
  return (config = {}) => {
    const pool = new Pool({ connectionString: databaseUrl(), ...defaults, ...config })
    open.push(pool)
    return pool
  }
}

/** A network, and the way to a server through it. */
export interface Network {
  readonly proxy: TcpProxy
  readonly connectionString: string
}

/**
 * Returns a function that lays a network in front of a server; all of them end after the test. To be called before `poolsWith`:
 * what is said last is done first, and pools end through their networks.
 */
export function networks(): (latencyMillis?: number, connectionString?: string) => Promise<Network> {
  const proxies: TcpProxy[] = []
  afterEach(async () => {
    await Promise.all(proxies.splice(0).map((proxy) => proxy.close()))
  })
  return async (latencyMillis = 0, connectionString = databaseUrl()) => {
    const url = new URL(connectionString)
    const proxy = await startProxy({ host: url.hostname, port: Number(url.port || 5432) }, { latencyMillis })
    proxies.push(proxy)
    url.host = `${proxy.host}:${proxy.port}`
    return { proxy, connectionString: url.href }
  }
}

/** Returns a function that starts fake servers; all of them end after the test. To be called before `poolsWith`, as `networks`. */
export function fakeServers(): (script?: Script) => Promise<FakePostgres> {
  const servers: FakePostgres[] = []
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()))
  })
  return async (script) => {
    const server = await startFakePostgres(script)
    servers.push(server)
    return server
  }
}
