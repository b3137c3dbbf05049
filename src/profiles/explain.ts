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
  const choice = (option: string, value: string, variable: string): Explanation => {
    const source = options[option] !== undefined ? 'code' : env[variable] ? variable : 'default'
    return { option, value, unit: '', source, losers: [] }
  }
  return [
    choice('environment', environment, 'NODE_ENV'),
    ...(profile === undefined ? [] : [choice('profile', profile, 'SLUICE_PROFILE')]),
    ...rows,
  ]
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
