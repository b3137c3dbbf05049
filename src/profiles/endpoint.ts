/** What a connection string leads to, as far as it is said or its address tells: a session for every connection, or a pooler that lends sessions by the transaction. */
import type { Given } from '../base/options.ts'
import { readWord } from '../base/options.ts'

/** `direct` to the server, through a pooler that keeps a `session` a connection, or through one that does so for a `transaction` only. */
export type Endpoint = 'direct' | 'session' | 'transaction'

/** Who stands between the pool and the server; `'unknown'` is somebody, as far as can be told. */
export type Pooler = 'pgbouncer' | 'supavisor' | 'neon' | 'rds-proxy' | 'unknown'

/** For how long a pooler lends a session. */
export type PoolMode = 'session' | 'transaction' | 'statement'

/** How an endpoint is known: its option says it, its address tells, the server or pooler was asked, or nobody could be asked. */
export type Known = 'said' | 'address' | 'asked' | 'assumed'

/** What is known of an endpoint before anything is opened. */
export interface EndpointTold {
  readonly endpoint: Endpoint
  readonly pooler: Pooler | undefined
  readonly known: Extract<Known, 'said' | 'address' | 'assumed'>
  /** What tells it, in a clause. */
  readonly evidence: string
  /** Whether the address makes a pooler likely, which proves nothing. */
  readonly isSuspect: boolean
}

/** What a pool holds of a pooler that has one of its own, where nothing else is said. Connections, and milliseconds as in the profile `serverless`. */
export const TRANSACTION_DEFAULTS = { max: 5, idleTimeoutMillis: 5_000 } as const

const ENDPOINTS = ['direct', 'session', 'transaction', 'auto'] as const

/** The port of the transaction mode of Supabase's poolers. */
const TRANSACTION_PORT = 6_543
/** The port that PgBouncer has by default. */
const PGBOUNCER_PORT = 6_432

/** Hosts whose names tell. The first that fits counts. */
const HOSTS: readonly {
  readonly host: RegExp
  readonly pooler: Pooler | undefined
  readonly endpoint: Endpoint
  readonly what: string
}[] = [
  {
    host: /\.pooler\.supabase\.(com|co)$/,
    pooler: 'supavisor',
    endpoint: 'session',
    what: "the host is Supabase's pooler, whose session mode any port but 6543 is",
  },
  {
    host: /^db\.[^.]+\.supabase\.co$/,
    pooler: undefined,
    endpoint: 'direct',
    what: 'the host is a Supabase database',
  },
  {
    host: /^[^.]+-pooler\..*\bneon\.(tech|build)$/,
    pooler: 'neon',
    endpoint: 'transaction',
    what: "the host is Neon's pooler",
  },
  {
    host: /^[^.]+-pooler\./,
    pooler: 'unknown',
    endpoint: 'transaction',
    what: 'the host is called a pooler',
  },
  {
    host: /\.neon\.(tech|build)$/,
    pooler: undefined,
    endpoint: 'direct',
    what: 'the host is a Neon compute',
  },
  {
    host: /\.proxy-[^.]+\.[^.]+\.rds\.amazonaws\.com(\.cn)?$/,
    pooler: 'rds-proxy',
    endpoint: 'transaction',
    what: 'the host is an RDS Proxy',
  },
  {
    host: /\.rds\.amazonaws\.com(\.cn)?$/,
    pooler: undefined,
    endpoint: 'direct',
    what: 'the host is an RDS database',
  },
]

/** The endpoint that options name, or that their address tells. @throws SLUICE_BAD_OPTION */
export function endpointOf(given: Given): Endpoint {
  return readEndpoint(given).endpoint
}

/** As `endpointOf`, and how that is known. @throws SLUICE_BAD_OPTION */
export function readEndpoint(given: Given): EndpointTold {
  const said = readWord(given, 'endpoint', ENDPOINTS) ?? 'auto'
  const told = addressTells(given)
  if (said === 'auto') return told
  const pooler = said === 'direct' ? undefined : (told.pooler ?? 'unknown')
  return { endpoint: said, pooler, known: 'said', evidence: `endpoint: '${said}'`, isSuspect: false }
}

/** Known signs: Supabase's port, Prisma's `pgbouncer=true`, the hosts of services. Anything else counts as direct until somebody is asked. */
function addressTells({ connectionString, host, port }: Given): EndpointTold {
  const address = typeof connectionString === 'string' ? parse(connectionString) : undefined
  const name = (address?.hostname || (typeof host === 'string' ? host : '')).toLowerCase()
  const number = Number(address?.port || port)
  const known = HOSTS.find((one) => one.host.test(name))
  if (number === TRANSACTION_PORT) {
    const pooler = known?.pooler ?? (name.endsWith('.supabase.co') ? 'pgbouncer' : 'unknown')
    return told('transaction', pooler, "the port 6543 is that of the transaction mode of Supabase's poolers")
  }
  if (address?.searchParams.get('pgbouncer') === 'true')
    return told('transaction', 'pgbouncer', 'pgbouncer=true in the connection string')
  if (known !== undefined) return told(known.endpoint, known.pooler, known.what)
  return {
    endpoint: 'direct',
    pooler: undefined,
    known: 'assumed',
    evidence: 'nothing speaks against it',
    isSuspect: number === PGBOUNCER_PORT,
  }
}

function told(endpoint: Endpoint, pooler: Pooler | undefined, evidence: string): EndpointTold {
  return { endpoint, pooler, known: 'address', evidence, isSuspect: false }
}

/** pg takes more than URLs for a connection string; those tell nothing here. */
function parse(connectionString: string): URL | undefined {
  return URL.canParse(connectionString) ? new URL(connectionString) : undefined
}
