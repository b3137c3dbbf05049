/** Where an embedded server listens, and the settings it starts with. */
import { createServer } from 'node:net'

/** The one address it listens on. */
export const host = '127.0.0.1'

/** The server's command line: our defaults, then `settings`, then what is not up for choice. */
export function serverArguments(settings: Record<string, string | number> = {}): string[] {
  const all = {
    max_connections: 200,
    fsync: 'off',
    ...settings,
    listen_addresses: host,
    unix_socket_directories: '',
  }
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** A port nobody listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, host, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
