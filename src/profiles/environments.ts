/** What environments ask of a pool, and which row of their table or of the traffic's is meant. */
import type { Given } from '../base/options.ts'
import { readWord, readWordOfAnyCase } from '../base/options.ts'
import type { TrafficName } from '../sizing/presets.ts'
import { PRESETS } from '../sizing/presets.ts'

/** Where a process runs. */
export type EnvironmentName = 'production' | 'staging' | 'development'

/** Variables of an environment, as `process.env`. */
export type Env = Readonly<Record<string, string | undefined>>

/** A row of the environment table; times in milliseconds. */
export interface EnvironmentOptions {
  readonly max: number
  readonly min: number
  readonly idleTimeoutMillis: number
  readonly connectionTimeoutMillis: number
  readonly acquireTimeoutMillis: number
  readonly maxUses: number
  readonly maxLifetimeMillis: number
  readonly statementTimeout: number
  readonly queryTimeout: number
}

/** What environments have in common. */
const COMMON = {
  idleTimeoutMillis: 30_000,
  connectionTimeoutMillis: 2_000,
  acquireTimeoutMillis: 10_000,
  maxUses: 7_500,
  maxLifetimeMillis: 1_800_000,
  statementTimeout: 30_000,
  queryTimeout: 30_000,
} as const

/** The environments. */
export const ENVIRONMENTS: Readonly<Record<EnvironmentName, EnvironmentOptions>> = {
  production: { max: 50, min: 10, ...COMMON },
  staging: { max: 20, min: 5, ...COMMON },
  development: { max: 10, min: 2, ...COMMON },
}

export const ENVIRONMENT_NAMES: readonly EnvironmentName[] = Object.keys(ENVIRONMENTS) as EnvironmentName[]
export const TRAFFIC_NAMES: readonly TrafficName[] = Object.keys(PRESETS) as TrafficName[]

/** What may be said of the environment: one of them, or that no table is wanted. */
const ENVIRONMENT_CHOICES: readonly (EnvironmentName | 'none')[] = [...ENVIRONMENT_NAMES, 'none']

/**
 * The environment that an option names, else `SLUICE_ENVIRONMENT`, else `NODE_ENV`, of which anything but production and staging
 * is development. @throws SLUICE_BAD_OPTION
 */
export function environmentOf(options: Given, env: Env): EnvironmentName | 'none' {
  const said = wordFrom(options, 'environment', env, 'SLUICE_ENVIRONMENT', ENVIRONMENT_CHOICES)
  if (said !== undefined) return said
  const node = env.NODE_ENV?.trim().toLowerCase()
  return node === 'production' || node === 'staging' ? node : 'development'
}

/**
 * A word from an option in code, else from a variable, where upper and lower case are the same.
 * @throws SLUICE_BAD_OPTION naming the one or the other, and the words
 */
export function wordFrom<W extends string>(
  options: Given,
  option: string,
  env: Env,
  variable: string,
  words: readonly W[],
): W | undefined {
  return (
    readWord(options, option, words) ??
    readWordOfAnyCase({ [variable]: env[variable] || undefined }, variable, words)
  )
}

/** Where a database on the own machine is. */
export function localDatabase(env: Env): Record<string, unknown> {
  return { host: 'localhost', port: 5_432, user: 'postgres', password: '', database: projectOf(env) }
}

/** The name of the project: what npm calls the package, without its scope, else the folder. */
function projectOf(env: Env): string {
  const folder = process.cwd().split(/[\\/]/).at(-1)
  return env.npm_package_name?.split('/').at(-1) || folder || 'postgres'
}
