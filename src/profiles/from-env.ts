/** A pool's options out of the environment: `new Pool(poolConfigFromEnv())`. */
import { SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import type { Address, Part } from './address.ts'
import { PARTS, rewritten } from './address.ts'
import type { Env } from './environments.ts'
import type { ProfileName } from './profiles.ts'
import { ALIASES } from './profiles.ts'
import type { Choices, Hearing, Settled } from './said.ts'
import { hear, settle } from './said.ts'
import { ADDRESS } from './variables.ts'

/** What {@link poolConfigFromEnv} reads out of an environment. All times in milliseconds. */
export interface EnvConfig {
  /** Where `DATABASE_URL` or `DATABASE_POOL_URL` is set; else the address is in the five parts. */
  connectionString?: string
  /** `DATABASE_URL`, where the pool goes through `DATABASE_POOL_URL`. */
  directConnectionString?: string
  host?: string
  port?: number
  user?: string
  password?: string
  database?: string
  applicationName?: string
  endpoint?: 'session' | 'transaction' | 'direct'
  transactions?: false
  max?: number
  min?: number
  maxOverflow?: number
  acquireTimeoutMillis?: number
  connectionTimeoutMillis?: number
  idleTimeoutMillis?: number
  maxLifetimeMillis?: number
  maxUses?: number
  prePing?: number | false
  statementTimeout?: number
  queryTimeout?: number
  preparedStatementCacheSize?: number
  echo?: boolean
  profile?: ProfileName
}

/** Options that win over the environment: those of the pool, and {@link Choices}. */
export type EnvOptions = Choices & { readonly connectionString?: string | undefined }

/**
 * Reads what an environment says of a pool: `DATABASE_URL` and its parameters, `DATABASE_POOL_URL`, `DB_*`, `POOL_*`, pg's
 * own `PG*`, `SLUICE_ENVIRONMENT` or `NODE_ENV` (docs/configuration.md). An option in `options` wins over a URL parameter, that over the URL, that over a variable, that over
 * the environment's table, that over the profile.
 *
 * @throws SLUICE_BAD_OPTION for a malformed value, naming the variable, its value and its range; and one for all that is missing
 */
export function poolConfigFromEnv<O extends object = object>(
  env: Env = process.env,
  options: O & EnvOptions = {} as O,
): EnvConfig & Omit<O, keyof Choices | keyof EnvConfig> {
  const hearing = hear(env, options as Choices & Given)
  const settled = settle(hearing.said)
  refuseMissing(hearing, settled)
  const config: Record<string, unknown> = {}
  for (const { option, winner } of settled)
    if (winner.rank !== 'profile' && winner.rank !== 'default') config[option] = winner.value
  if (settled.find(({ option }) => option === 'ssl')?.winner.rank === 'URL parameter') delete config.ssl
  for (const [name, value] of Object.entries(options as Given)) {
    if (value === undefined || NOT_FOR_THE_POOL.has(name)) continue
    // Under the name that it has in code.
    const ours = ALIASES[name]
    if (ours !== undefined && (options as Given)[ours] === undefined) delete config[ours]
    config[name] = value
  }
  if (hearing.profile !== undefined) config.profile = hearing.profile
  if (hearing.address?.url !== undefined)
    intoUrl(config, hearing.address as Address & { url: URL }, options as Given)
  return config as EnvConfig & Omit<O, keyof Choices | keyof EnvConfig>
}

const NOT_FOR_THE_POOL = new Set(['environment', 'traffic', 'connectionString'])

/** There is no sensible guess at where the data of a production system is. */
function refuseMissing({ environment }: Hearing, settled: readonly Settled[]): void {
  if (environment !== 'production' && environment !== 'staging') return
  const found = new Set(settled.map(({ option }) => option))
  const missing = ADDRESS.filter(({ option }) => !found.has(option)).map(({ name }) => name)
  if (missing.length === 0) return
  const isOne = missing.length === 1
  const are = isOne ? 'is not set, and has' : 'are not set, and have'
  throw new SluiceError(
    'SLUICE_BAD_OPTION',
    `${missing.join(', ')} ${are} no default in ${environment}; set ${isOne ? 'it' : 'them'}, or DATABASE_URL with all of host, database, user and password`,
  )
}

/** pg listens to a connection string more than to what stands beside it: whatever wins over it has to go in. */
function intoUrl(config: Record<string, unknown>, address: Address & { url: URL }, given: Given): void {
  if (typeof config.password === 'function')
    throw new SluiceError(
      'SLUICE_BAD_OPTION',
      `password as a function goes with host, user and database; pg would take the one in ${address.source} instead, or none`,
    )
  const parts: Partial<Record<Part, string | number>> = {}
  for (const part of PARTS) {
    if (config[part] !== undefined) parts[part] = config[part] as string | number
    delete config[part]
  }
  const without = [
    ...(given.ssl === undefined ? [] : ['sslmode']),
    ...(given.applicationName === undefined && given.application_name === undefined
      ? []
      : ['application_name']),
  ]
  config.connectionString = rewritten(address, parts, without)
}
