/** The startup options of a client: time limits that a pooler may refuse, or take and not keep. Reads and changes what pg parsed from its options and connection string. */

/** Limits of Postgres that a client may ask for when it connects. */
export type LimitName = 'statement_timeout' | 'lock_timeout' | 'idle_in_transaction_session_timeout'

/** Limits by name, in milliseconds. */
export type Limits = Readonly<Partial<Record<LimitName, number>>>

const LIMITS: readonly LimitName[] = [
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
]

/** What pg sends at startup. Missing on other drivers' clients. */
interface Parameters {
  database?: string | undefined
  options?: unknown
  statement_timeout?: unknown
  lock_timeout?: unknown
  idle_in_transaction_session_timeout?: unknown
}

function parametersOf(client: object): Parameters | undefined {
  return (client as { connectionParameters?: Parameters }).connectionParameters
}

export function isLimit(name: string): name is LimitName {
  return (LIMITS as readonly string[]).includes(name)
}

/** The limits that a client would ask for, also those inside `options`. Call before it connects. */
export function limitsOf(client: object): Limits {
  const parameters = parametersOf(client)
  if (parameters === undefined) return {}
  const limits: Partial<Record<LimitName, number>> = { ...limitsIn(parameters.options)?.limits }
  for (const name of LIMITS) {
    const millis = Number.parseInt(String(parameters[name]), 10)
    if (millis > 0) limits[name] = millis
  }
  return limits
}

/** Whether a client asks for something under that name. */
export function asksFor(client: object, name: LimitName | 'options'): boolean {
  const asked = parametersOf(client)?.[name]
  return name === 'options' ? Boolean(asked) : Number.parseInt(String(asked), 10) > 0
}

/** Whether everything that `options` asks for is a limit, so that somebody else can keep it. */
export function areOnlyLimits(client: object): boolean {
  return limitsIn(parametersOf(client)?.options)?.isAll === true
}

/** Takes startup options back. Call before the client connects. */
export function dropStartup(client: object, names: Iterable<LimitName | 'options'>): void {
  const parameters = parametersOf(client)
  if (parameters !== undefined) for (const name of names) parameters[name] = undefined
}

/** Leads a client to another database of the same server. Call before it connects. */
export function leadTo(client: object, database: string): void {
  const parameters = parametersOf(client)
  if (parameters === undefined)
    throw new Error('BUG: a client is led elsewhere that does not say where it goes')
  parameters.database = database
}

const UNITS: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1_000, min: 60_000, h: 3_600_000 }

/** Reads `-c name=value` and `--name=value`. Values with spaces in them are none of a limit. */
function limitsIn(options: unknown): { readonly limits: Limits; readonly isAll: boolean } | undefined {
  if (typeof options !== 'string') return undefined
  const limits: Partial<Record<LimitName, number>> = {}
  let isAll = true
  for (const setting of options
    .trim()
    .split(/\s*(?:-c\s*|--)/)
    .filter(Boolean)) {
    const [, name = '', amount = '', unit = ''] = /^([\w-]+)=(\d+)(ms|s|min|h)?$/.exec(setting.trim()) ?? []
    const known = name.replaceAll('-', '_')
    if (isLimit(known)) limits[known] = Number(amount) * (UNITS[unit] as number)
    else isAll = false
  }
  return { limits, isAll }
}
