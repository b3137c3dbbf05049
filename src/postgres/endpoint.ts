/** What a connection string leads to: a session of its own for every connection, or a pooler that lends sessions by the transaction. */
import type { Given } from '../base/options.ts'
import { readWord } from '../base/options.ts'

/** `direct` to the server, through a pooler that keeps a `session` a connection, or through one that does so for a `transaction` only. */
export type Endpoint = 'direct' | 'session' | 'transaction'

const ENDPOINTS = ['direct', 'session', 'transaction', 'auto'] as const

/** The port of the transaction mode of Supabase's pooler. */
const TRANSACTION_PORT = 6_543

/** The endpoint that options name, or that their address tells. @throws SLUICE_BAD_OPTION */
export function endpointOf(given: Given): Endpoint {
  const said = readWord(given, 'endpoint', ENDPOINTS) ?? 'auto'
  return said === 'auto' ? addressTells(given) : said
}

/** Known signs: Supabase's port, Prisma's `pgbouncer=true`, the hosts of Neon's pooler. Anything else counts as direct. */
function addressTells({ connectionString, host, port }: Given): Endpoint {
  const address = typeof connectionString === 'string' ? parse(connectionString) : undefined
  const isPooler =
    Number(address?.port || port) === TRANSACTION_PORT ||
    address?.searchParams.get('pgbouncer') === 'true' ||
    /^[^.]+-pooler\./.test(address?.hostname || (typeof host === 'string' ? host : ''))
  return isPooler ? 'transaction' : 'direct'
}

/** pg takes more than URLs for a connection string; those tell nothing here. */
function parse(connectionString: string): URL | undefined {
  return URL.canParse(connectionString) ? new URL(connectionString) : undefined
}
