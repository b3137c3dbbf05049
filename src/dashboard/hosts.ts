/** Names under which a server is asked, as they stand in the header Host. */
import { isIPv4 } from 'node:net'

/** A name and, where it is said, a port. */
export interface HostName {
  /** In lower case; an IPv6 address in brackets. */
  readonly name: string
  readonly port: number | undefined
}

/** Undefined for what is no name. */
export function hostNameOf(text: string): HostName | undefined {
  const [, name, port] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(text) ?? []
  if (name === undefined) return undefined
  return { name: name.toLowerCase(), port: port === undefined ? undefined : Number(port) }
}

/** An address as it stands in a URL. */
export function inUrl(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}
