/** Settings of a Postgres server that pools connect to, as the text of a configuration file. */
import { SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import { readNumber, readOptions, readString } from '../base/options.ts'
import { memoryOf } from '../sizing/supply.ts'
import { IDLE_IN_TRANSACTION_MILLIS, LOCK_TIMEOUT_MILLIS } from './targets.ts'

/** The server, and who works there. */
export interface PostgresqlConfOptions {
  /** The server's memory in megabytes (of 1,048,576 bytes), 256 to 16,777,216. */
  readonly memoryMegabytes: number
  /** 10 to 10,000. Default 200. */
  readonly maxConnections?: number
  /** The role of the pools, for its time limits. Default `app`. */
  readonly role?: string
}

const MAX_CONNECTIONS = 200
const STATEMENT_SECONDS = 30
const IDLE_IN_TRANSACTION_SECONDS = 30
const WORK_MEGABYTES = 4

/** Shares of the memory. Source: PostgreSQL's documentation, "Resource Consumption": a quarter to begin with. */
const SHARED = 0.25
/** Source: PostgreSQL's documentation, "Planner Cost Constants"; what shared buffers and the system's cache have together. */
const CACHED = 0.75

/** One setting, with the reason for it. */
interface Setting {
  readonly name: string
  readonly value: string
  readonly why: readonly string[]
}

/**
 * Starting points for a server that pools connect to, for a file that postgresql.conf includes: `max_connections`, memory by
 * shares, time limits, each with its reason; and, as comments, the time limits for the role of the pools.
 * @throws SLUICE_BAD_OPTION
 */
export function postgresqlConf(options: PostgresqlConfOptions): string {
  const { connections, memory, role } = readConf(options)
  const settings = [...sizes(memory, connections), ...timeLimits()]
  const blocks = [
    [
      `# Starting points for a Postgres server with ${inUnits(memory)} of memory that pools connect to.`,
      "# For a file that postgresql.conf includes at its end: include = 'sluice.conf'",
    ],
    ...settings.map(({ name, value, why }) => [...why.map((line) => `# ${line}`), `${name} = ${value}`]),
    roleLimits(role),
  ]
  return blocks.map((lines) => `${lines.join('\n')}\n`).join('\n')
}

function sizes(memory: number, connections: number): Setting[] {
  const shared = Math.floor(memory * SHARED)
  const backends = memoryOf({ connections })
  const isTight = shared + backends.value > memory
  return [
    {
      name: 'max_connections',
      value: String(connections),
      why: [
        'For all pools of all processes and everybody else together. Takes a restart.',
        `${backends.arithmetic.replace(' of the server’s memory', '')}${isTight ? ':' : '.'}`,
        ...(isTight ? ['TOO MUCH beside shared_buffers. Lower it, and put a pooler in front.'] : []),
      ],
    },
    {
      name: 'shared_buffers',
      value: inUnits(shared),
      why: [`${SHARED * 100} % of the memory; the system's cache needs the rest. Takes a restart.`],
    },
    {
      name: 'effective_cache_size',
      value: inUnits(Math.floor(memory * CACHED)),
      why: [`${CACHED * 100} % of the memory: what the planner may think is cached. It reserves nothing.`],
    },
    {
      name: 'work_mem',
      value: `${WORK_MEGABYTES}MB`,
      why: [
        'For each sort and hash of each session, several in one statement: with many sessions it',
        'stays small. SET LOCAL work_mem where one statement needs more.',
      ],
    },
  ]
}

function timeLimits(): Setting[] {
  return [
    {
      name: 'idle_in_transaction_session_timeout',
      value: `${IDLE_IN_TRANSACTION_SECONDS}s`,
      why: ['A client that hangs in a transaction keeps its locks, and vacuum from its work.'],
    },
    {
      name: 'statement_timeout',
      value: `${STATEMENT_SECONDS}s`,
      why: [
        'Ends what nobody waits for any more. It holds for migrations and reports too: give their roles',
        'more. What a pool asks for itself (statementTimeout) wins over it.',
      ],
    },
    {
      name: 'lock_timeout',
      value: `${LOCK_TIMEOUT_MILLIS / 1_000}s`,
      why: ['Whoever waits for a lock for long makes others wait behind.'],
    },
  ]
}

/** What the doctor proposes for a role without limits. */
function roleLimits(role: string): string[] {
  const name = `"${role.replaceAll('"', '""')}"`
  const limits: readonly (readonly [setting: string, seconds: number])[] = [
    ['statement_timeout', STATEMENT_SECONDS],
    ['idle_in_transaction_session_timeout', IDLE_IN_TRANSACTION_MILLIS / 1_000],
    ['lock_timeout', LOCK_TIMEOUT_MILLIS / 1_000],
  ]
  return [
    '# The same for the role of the pools alone, as SQL. It wins over this file, behind a pooler too.',
    '# Whoever thinks inside a transaction has a minute:',
    ...limits.map(([setting, seconds]) => `# ALTER ROLE ${name} SET ${setting} = '${seconds}s';`),
  ]
}

/** As Postgres writes memory, where 1GB is 1,024MB. */
function inUnits(megabytes: number): string {
  return megabytes % 1_024 === 0 ? `${megabytes / 1_024}GB` : `${megabytes}MB`
}

function readConf(options: PostgresqlConfOptions) {
  const given = readOptions(options, 'postgresqlConf()', ['memoryMegabytes', 'maxConnections', 'role'])
  const memory = readNumber(given, 'memoryMegabytes', { min: 256, max: 16_777_216, unit: ' (megabytes)' })
  if (memory === undefined)
    throw new SluiceError('SLUICE_BAD_OPTION', 'postgresqlConf() needs memoryMegabytes: the server’s memory')
  return {
    memory,
    connections: readNumber(given, 'maxConnections', { min: 10, max: 10_000 }) ?? MAX_CONNECTIONS,
    role: readRole(given),
  }
}

/** Any name that Postgres would keep whole; a line break would end the comment that it stands in. */
function readRole(given: Given): string {
  const role = readString(given, 'role') ?? 'app'
  const bytes = new TextEncoder().encode(role).length
  if (bytes >= 1 && bytes <= 63 && !/\p{Cc}/u.test(role)) return role
  throw new SluiceError(
    'SLUICE_BAD_OPTION',
    'role must be the name of a role: 1 to 63 bytes without line breaks and other control characters',
  )
}
