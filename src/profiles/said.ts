/** Everything that is said of a pool, by everybody, and who is listened to. */
import { SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import { closest } from '../base/options.ts'
import { readPoolOptions } from '../core/options.ts'
import type { TrafficName } from '../sizing/presets.ts'
import { PRESETS } from '../sizing/presets.ts'
import type { Address } from './address.ts'
import { endpointTold, PARTS, readAddress } from './address.ts'
import { readEndpoint, TRANSACTION_DEFAULTS } from './endpoint.ts'
import type { Env, EnvironmentName } from './environments.ts'
import { ENVIRONMENTS, environmentOf, localDatabase, TRAFFIC_NAMES, wordFrom } from './environments.ts'
import type { ProfileName } from './profiles.ts'
import { ALIASES, PROFILE_NAMES, PROFILES } from './profiles.ts'
import type { Variable } from './variables.ts'
import {
  ADDRESS,
  FAMILIES,
  PARAMETERS,
  refuseMisspelt,
  refuseMisspeltParameters,
  STANDARD,
} from './variables.ts'

/** Who may say something, the one who is listened to first. */
export const RANKS = [
  'code',
  'URL parameter',
  'URL',
  'variable',
  'traffic preset',
  'environment',
  'profile',
  'address',
  'fallback',
  'default',
] as const

/** Who says something. */
export type Rank = (typeof RANKS)[number]

/** Something that somebody says. */
export interface Said {
  readonly option: string
  readonly value: unknown
  readonly rank: Rank
  /** Where exactly: the name of a variable, of a parameter, of a table's row. */
  readonly source: string
}

/** What is said beside the options of the pool itself. */
export interface Choices {
  /** The row of the environment table; `'none'` leaves the table out. Default: `SLUICE_ENVIRONMENT`, else what `NODE_ENV` names, else development. */
  readonly environment?: EnvironmentName | 'none' | undefined
  /** Sizes by traffic, in the place of the environment's. Default: `POOL_TRAFFIC`, else none. */
  readonly traffic?: TrafficName | undefined
  /** Values for what the tables leave open. Default: `SLUICE_PROFILE`, else none. */
  readonly profile?: ProfileName | undefined
}

/** All that is said, in the order in which it counts. */
export interface Hearing {
  readonly said: readonly Said[]
  readonly address: Address | undefined
  readonly environment: EnvironmentName | 'none'
  readonly profile: ProfileName | undefined
}

/** What is not an option of the pool, or is taken apart. */
const CHOICES = new Set(['environment', 'traffic', 'profile', 'connectionString'])

/** What a pool does of which nobody has said anything, as far as {@link hear} may hear of it. */
function defaults(said: readonly Said[]): Given {
  const first = (name: string) => said.find(({ option }) => option === name)?.value
  const pool = readPoolOptions({})
  const { endpoint } = readEndpoint({ endpoint: first('endpoint'), host: first('host'), port: first('port') })
  const isPooled = endpoint === 'transaction'
  return {
    max: isPooled ? Math.max(TRANSACTION_DEFAULTS.max, Number(first('min') ?? 0)) : pool.max,
    min: pool.min,
    maxOverflow: pool.maxOverflow,
    acquireTimeoutMillis: pool.acquireTimeoutMillis,
    connectionTimeoutMillis: pool.connectionTimeoutMillis,
    idleTimeoutMillis: (isPooled ? TRANSACTION_DEFAULTS : pool).idleTimeoutMillis,
    prePing: pool.prePingMillis,
    endpoint: 'auto',
  }
}

/** Hears everybody. @throws SLUICE_BAD_OPTION for the first thing that makes no sense, naming it, its value and its range */
export function hear(env: Env, options: Choices & Given): Hearing {
  refuseShapes(env, options)
  refuseMisspelt(env)
  const environment = environmentOf(options, env)
  const profile = wordFrom(options, 'profile', env, 'SLUICE_PROFILE', PROFILE_NAMES)
  const traffic = wordFrom(options, 'traffic', env, 'POOL_TRAFFIC', TRAFFIC_NAMES)
  const [address, direct] = addressesOf(env, options)
  const said = [
    ...fromCode(options),
    ...fromParameters(address),
    ...fromAddress(address),
    ...(direct === undefined ? [] : [direct]),
    ...fromVariables([...ADDRESS, ...FAMILIES.flat(), ...STANDARD], env),
    ...(traffic === undefined ? [] : from(PRESETS[traffic], 'traffic preset', `traffic ${traffic}`)),
    ...fromEnvironment(environment, env),
    ...(profile === undefined ? [] : from(PROFILES[profile].options, 'profile', `profile ${profile}`)),
    ...told(address),
    ...fallbacks(env),
  ]
  return { said: [...said, ...from(defaults(said), 'default', 'default')], address, environment, profile }
}

function refuseShapes(env: unknown, options: unknown): void {
  if (typeof env !== 'object' || env === null)
    throw new SluiceError(
      'SLUICE_BAD_OPTION',
      'the environment must be an object of variables, as process.env is',
    )
  if (typeof options !== 'object' || options === null)
    throw new SluiceError('SLUICE_BAD_OPTION', 'the options must be an object')
  for (const name of Object.keys(options)) {
    const meant = CHOICES.has(name) ? undefined : closest(name, CHOICES)
    if (meant !== undefined)
      throw new SluiceError('SLUICE_BAD_OPTION', `${name} is not an option of Sluice; did you mean ${meant}?`)
  }
}

function from(values: object, rank: Rank, source: string): Said[] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([option, value]) => ({ option, value, rank, source }))
}

function fromCode(options: Given): Said[] {
  const own = Object.entries(options).filter(([name]) => !CHOICES.has(name))
  return from(Object.fromEntries(own), 'code', 'code').map((one) => {
    const option = ALIASES[one.option] ?? one.option
    return {
      ...one,
      option,
      value: one.option === 'maxLifetimeSeconds' ? Number(one.value) * 1_000 : one.value,
    }
  })
}

/** The string that the pool uses, and what leads past a pooler where there are two. */
function addressesOf(env: Env, { connectionString }: Given): [Address | undefined, Said | undefined] {
  if (typeof connectionString === 'string')
    return [readAddress(connectionString, 'connectionString'), undefined]
  const { DATABASE_URL: plain, DATABASE_POOL_URL: pooled } = env
  if (!pooled) return [plain ? readAddress(plain, 'DATABASE_URL') : undefined, undefined]
  const address = readAddress(pooled, 'DATABASE_POOL_URL')
  if (!plain) return [address, undefined]
  readAddress(plain, 'DATABASE_URL')
  return [address, { option: 'directConnectionString', value: plain, rank: 'URL', source: 'DATABASE_URL' }]
}

function fromParameters(address: Address | undefined): Said[] {
  if (address?.url !== undefined) refuseMisspeltParameters(address.url.searchParams, address.source)
  return PARAMETERS.flatMap((parameter) => {
    const text = address?.url?.searchParams.get(parameter.name)
    if (!text) return []
    const source = `${parameter.name} of ${address?.source}`
    return from({ [parameter.option]: parameter.read(text, source) }, 'URL parameter', source)
  })
}

function fromAddress(address: Address | undefined): Said[] {
  return address === undefined ? [] : from(address.parts, 'URL', address.source)
}

/** What an address tells by its looks. */
function told(address: Address | undefined): Said[] {
  const endpoint = address && endpointTold(address)
  return from({ endpoint }, 'address', `the address in ${address?.source}`)
}

/** A variable that is empty is not set; but an empty password is one. */
function isSet(env: Env, { name }: Variable): boolean {
  return Boolean(env[name]) || (name === 'DB_PASSWORD' && env[name] !== undefined)
}

function fromVariables(variables: readonly Variable[], env: Env): Said[] {
  return variables
    .filter((variable) => isSet(env, variable))
    .flatMap((variable) =>
      from(
        { [variable.option]: variable.read(env[variable.name] as string, variable.name) },
        'variable',
        variable.name,
      ),
    )
}

function fallbacks(env: Env): Said[] {
  return FAMILIES.filter((family) => family.some((variable) => isSet(env, variable))).flatMap((family) =>
    family.flatMap((variable) =>
      variable.fallback === undefined || isSet(env, variable)
        ? []
        : from(
            { [variable.option]: variable.read(variable.fallback, variable.name) },
            'fallback',
            `default of ${variable.name}`,
          ),
    ),
  )
}

function fromEnvironment(environment: EnvironmentName | 'none', env: Env): Said[] {
  if (environment === 'none') return []
  const database = environment === 'development' ? localDatabase(env) : { port: 5_432 }
  return from({ ...ENVIRONMENTS[environment], ...database }, 'environment', `environment ${environment}`)
}

/** One option: who is listened to, and who would have been. */
export interface Settled {
  readonly option: string
  readonly winner: Said
  readonly losers: readonly Said[]
}

/** What holds for each option, in the order in which people look for them. */
export function settle(said: readonly Said[]): Settled[] {
  const byOption = new Map<string, Said[]>(PARTS.map((part) => [part, []]))
  for (const one of said) byOption.set(one.option, [...(byOption.get(one.option) ?? []), one])
  const settled = [...byOption].flatMap(([option, [winner, ...losers]]) =>
    winner === undefined ? [] : [{ option, winner, losers }],
  )
  const winnerOf = (name: string) => settled.find(({ option }) => option === name)?.winner
  const [max, opens] = [winnerOf('max'), winnerOf('connectionTimeoutMillis')]
  return settled.map((one) => {
    if (one.option === 'min' && max !== undefined) return notAbove(one, max)
    return one.option === 'acquireTimeoutMillis' && opens !== undefined ? asLongAs(one, opens) : one
  })
}

/** Where nobody says how long callers wait, whoever says how long an open may take has said it, as in pg-pool. */
function asLongAs(wait: Settled, opens: Said): Settled {
  const { rank, source } = wait.winner
  if (rank !== 'default' || opens.rank === 'default' || Number(opens.value) === 0) return wait
  return {
    ...wait,
    winner: { ...wait.winner, value: opens.value, source: `${source}: connectionTimeoutMillis` },
  }
}

/** What a table keeps open must fit the size that somebody else has chosen. */
function notAbove(min: Settled, max: Said): Settled {
  const { value, rank, source } = min.winner
  const isChosen = rank === 'code' || Number(value) <= Number(max.value) || Number.isNaN(Number(max.value))
  if (isChosen) return min
  return { ...min, winner: { ...min.winner, value: max.value, source: `${source}, but not above max` } }
}
