/** Where each value of a pool's configuration came from, without its secrets. */
import type { Given } from '../base/options.ts'
import { redact, secretsOf } from '../base/redact.ts'
import type { Env } from './environments.ts'
import type { Choices, Said } from './said.ts'
import { hear, settle } from './said.ts'

/** A value that would have held, had nobody else said anything. */
export interface Outvoted {
  readonly value: string | number | boolean | null
  readonly source: string
}

/** One option of the configuration. */
export interface Explanation {
  readonly option: string
  /** Secrets are `***`; what cannot be shown in a word is named by what it is. */
  readonly value: string | number | boolean | null
  /** What a number counts: `ms`, `connections`, `statements`, …; empty for words. */
  readonly unit: string
  /** Who said it: `code`, a variable, a parameter, a row of a table, `default`. */
  readonly source: string
  /** What others said, the one next in turn first. */
  readonly losers: readonly Outvoted[]
  /** What a person should know about it: that the environment's table overrules a profile that was named. */
  readonly note?: string | undefined
}

const NAMES = new Set(['host', 'user', 'database'])

const UNITS: Readonly<Record<string, string>> = {
  max: 'connections',
  min: 'connections',
  maxOverflow: 'connections',
  maxUses: 'uses',
  queueLimit: 'callers',
  priorityLevels: 'levels',
  parallelQueries: 'statements',
  preparedStatementCacheSize: 'statements',
  prePing: 'ms',
  statementTimeout: 'ms',
  lockTimeout: 'ms',
  queryTimeout: 'ms',
  idleInTransactionTimeout: 'ms',
}

/**
 * Explains what {@link poolConfigFromEnv} reads, and what a profile and the pool's defaults add: one row an option, who said it,
 * and who else said something. Passwords are in none of it.
 *
 * @throws SLUICE_BAD_OPTION for a malformed value, as `poolConfigFromEnv` does; what is missing is not there
 */
export function explainConfig(env: Env = process.env, options: Choices & Given = {}): Explanation[] {
  const { said, profile, environment } = hear(env, options)
  const show = shower(said)
  const rows = settle(said).map(({ option, winner, losers }) => ({
    option,
    value: show(winner),
    unit: typeof winner.value === 'number' ? unitOf(option) : '',
    source: winner.source,
    losers: losers.map((loser) => ({ value: show(loser), source: loser.source })),
  }))
  const choice = (option: string, value: string, ...variables: string[]): Explanation => {
    const variable = variables.find((name) => env[name])
    return {
      option,
      value,
      unit: '',
      source: options[option] === undefined ? (variable ?? 'default') : 'code',
      losers: [],
    }
  }
  const chosen = profile && choice('profile', profile, 'SLUICE_PROFILE')
  const table = choice('environment', environment, 'SLUICE_ENVIRONMENT', 'NODE_ENV')
  return [table, ...(chosen ? [{ ...chosen, note: overruled(rows, table, chosen) }] : []), ...rows]
}

/** Where the table of an environment says something else than the profile that was named, which surprises people. */
function overruled(
  rows: readonly Explanation[],
  { value: environment, source: namedBy }: Explanation,
  { value: profile }: Explanation,
): string | undefined {
  const lost = rows.flatMap(({ option, value, source, losers }) => {
    const other = losers.find((loser) => loser.source === `profile ${profile}`)
    const isOver =
      source.startsWith(`environment ${environment}`) && other !== undefined && other.value !== value
    return isOver ? [{ option, value, other: other.value }] : []
  })
  const first = lost.find(({ option }) => option === 'max') ?? lost[0]
  if (first === undefined) return undefined
  const more = lost.filter((one) => one !== first).map(({ option }) => option)
  const besides = more.length === 0 ? '' : `, and so it goes for ${more.join(', ')}`
  const without = namedBy === 'code' ? "environment: 'none'" : 'SLUICE_ENVIRONMENT=none'
  return `${first.option} is ${said(first.value)} by the environment table of ${environment} and ${said(first.other)} by profile ${profile}${besides}; ${without} lets the profile decide`
}

function said(value: Explanation['value']): string {
  return typeof value === 'number' ? value.toLocaleString('en-US') : String(value)
}

function unitOf(option: string): string {
  return UNITS[option] ?? (option.endsWith('Millis') ? 'ms' : '')
}

/** Shows values, with every secret that any of them holds taken out of all of them. */
function shower(said: readonly Said[]): (one: Said) => Outvoted['value'] {
  const secrets = said.flatMap(({ option, value }) => {
    if (typeof value !== 'string') return []
    if (option === 'password') return [value]
    return option === 'directConnectionString' ? secretsOf(value) : []
  })
  const known = secrets.filter((secret) => secret !== '').sort((a, b) => b.length - a.length)
  return ({ option, value }) => {
    if (option === 'password') return value === '' ? '' : '***'
    // That a password is the name of something too is known to nobody who reads the name.
    if (typeof value === 'string') return NAMES.has(option) ? value : redact(value, known)
    if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
    return typeof value === 'function' ? 'a function' : Array.isArray(value) ? 'a list' : 'an object'
  }
}
