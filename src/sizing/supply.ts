/** How many connections a server can use and give: by its hardware, its limit and its memory. */
import { SluiceError } from '../base/errors.ts'
import type { Answer, Span } from './answer.ts'
import { said, saidSpan } from './answer.ts'
import { need, orElse } from './need.ts'

/** The database server's. */
export interface Hardware {
  readonly cores: number
  /** Effective spindles: one for each spinning disk, 4 to 8 for an SSD. Default: an SSD, so 4 to 8. */
  readonly spindles?: number
  /** By what statements do: 2 (simple) to 4 (complex), 1 for callers that are no agents. Default: 2 to 4. */
  readonly multiplier?: number
}

export interface HardwareAnswer extends Answer {
  readonly formula: 'hardware'
  /** From the least to the most that the given numbers allow; `value` is the least. */
  readonly range: Span
}

const SSD: Span = { from: 4, to: 8 }
const MULTIPLIER: Span = { from: 2, to: 4 }

/**
 * (cores × 2 + effective spindles) × agent multiplier, for the whole server. Source: PostgreSQL wiki, "Number Of Database
 * Connections"; the multiplier is for agents.
 * @throws SLUICE_BAD_OPTION
 */
export function sizeForHardware(given: Hardware): HardwareAnswer {
  const cores = need(given, 'cores', { min: 1 })
  const disks = spanOf(given, 'spindles', { min: 0 }, SSD)
  const times = spanOf(given, 'multiplier', { min: 1, max: MULTIPLIER.to, whole: false }, MULTIPLIER)
  const range = {
    from: Math.floor((cores * 2 + disks.from) * times.from),
    to: Math.floor((cores * 2 + disks.to) * times.to),
  }
  return {
    formula: 'hardware',
    value: range.from,
    range,
    arithmetic: `(${said(cores)} cores × 2 + ${saidSpan(disks)} spindles) × ${saidSpan(times)} = ${saidSpan(range)}`,
    caveat:
      'It is for the whole server, all its pools together. Above the number that the server can work on at a time, more connections only add queueing, inside it and out of your sight: measure with sluice tune.',
    source: 'PostgreSQL wiki, Number Of Database Connections; the multiplier is for agents',
  }
}

function spanOf(given: Hardware, name: 'spindles' | 'multiplier', range: Range, usual: Span): Span {
  if (given[name] === undefined) return usual
  const value = need(given, name, range)
  return { from: value, to: value }
}

type Range = Parameters<typeof need>[2]

/** Processes with a pool each on one server. */
export interface Instances {
  readonly instances: number
  /** `max_connections` of the server. Default 100, PostgreSQL's own. */
  readonly limit?: number
  /** What is kept for others: administration, monitoring, superusers. Default: a fifth of the limit, rounded up. */
  readonly reserved?: number
  /** Instances beyond those while a rolling deploy runs old and new side by side. Default 0. */
  readonly surge?: number
}

export interface InstancesAnswer extends Answer {
  readonly formula: 'instances'
  /** The same number as lasting connections and temporary ones: `max` and `maxOverflow`. */
  readonly split: { readonly max: number; readonly maxOverflow: number }
  /** How many share. */
  readonly sharers: number
}

/**
 * (limit − reserved) ÷ (instances + surge), rounded down: what each process may open without the server ever refusing one.
 * @throws SLUICE_BAD_OPTION also where that is less than one connection each
 */
export function sizeForInstances(given: Instances): InstancesAnswer {
  const instances = need(given, 'instances', { min: 1 })
  const limit = orElse(given, 'limit', { min: 1 }, 100)
  const reserved = orElse(given, 'reserved', { min: 0, max: limit - 1 }, Math.ceil(limit / 5))
  const surge = orElse(given, 'surge', { min: 0 }, 0)
  const sharers = instances + surge
  const value = Math.floor((limit - reserved) / sharers)
  if (value < 1) throw tooMany(limit, reserved, sharers)
  const max = Math.ceil(value / 2)
  const by = surge === 0 ? said(instances) : `(${said(instances)} + ${said(surge)} in a deploy)`
  return {
    formula: 'instances',
    value,
    arithmetic: `(${said(limit)} − ${said(reserved)}) ÷ ${by} = ${said(value)}, or ${max} + ${value - max} overflow`,
    caveat: instancesCaveat(instances, surge, limit - reserved),
    source: 'max_connections of the server, whose limit is for all its databases together',
    split: { max, maxOverflow: value - max },
    sharers,
  }
}

/** Kubernetes' default for `maxSurge` is a quarter, rounded up. */
function instancesCaveat(instances: number, surge: number, available: number): string {
  const shared = 'It is a limit, not a goal.'
  if (surge > 0) return `${shared} All pools of a process share it.`
  const more = Math.ceil(instances / 4)
  const each = Math.floor(available / (instances + more))
  return `${shared} A rolling deploy is not counted in: with a quarter more instances (${more}) for its time each may have ${said(each)}.`
}

function tooMany(limit: number, reserved: number, sharers: number): SluiceError {
  return new SluiceError(
    'SLUICE_BAD_OPTION',
    `instances must be ${said(limit - reserved)} or fewer, those of a deploy counted in, for one connection each of the ${said(limit)} − ${said(reserved)} that there are; it is ${said(sharers)}: put a pooler such as PgBouncer between them and the server`,
  )
}

/** Who gets how many of the connections that a server has to give. */
export interface Shares {
  readonly application: number
  readonly admin: number
  readonly monitoring: number
  readonly buffer: number
}

export interface AllocationAnswer extends Answer {
  readonly formula: 'allocation'
  readonly shares: Shares
}

/** Percent; the buffer is what the other three leave. */
export const ALLOCATION: Shares = { application: 60, admin: 10, monitoring: 5, buffer: 25 }

/**
 * Application 60 %, admin 10 %, monitoring 5 %, each rounded; the buffer is the rest, so that all four add up to what there is.
 * @throws SLUICE_BAD_OPTION
 */
export function allocate(available: number): AllocationAnswer {
  const all = need({ available }, 'available', { min: 1 })
  const part = (percent: number): number => Math.round((all * percent) / 100)
  const application = part(ALLOCATION.application)
  const admin = part(ALLOCATION.admin)
  const monitoring = part(ALLOCATION.monitoring)
  const buffer = all - application - admin - monitoring
  return {
    formula: 'allocation',
    value: application,
    arithmetic: `${said(all)} × 60 %, 10 %, 5 % and the rest = application ${application}, admin ${admin}, monitoring ${monitoring}, buffer ${buffer}`,
    caveat:
      'The buffer is for deploys, migrations and the day on which something hangs: do not plan with it.',
    source: 'planning shares; the four add up to what the server has to give',
    shares: { application, admin, monitoring, buffer },
  }
}

/** Backends of a server. */
export interface Backends {
  readonly connections: number
  /** Measured megabytes of one backend. Default: 10, a planning figure. */
  readonly megabytesEach?: number
}

/** A backend's memory where nobody has measured it, in megabytes. */
export const BACKEND_MEGABYTES = 10

/** Connections × megabytes a backend. @throws SLUICE_BAD_OPTION */
export function memoryOf(given: Backends): Answer & { readonly formula: 'memory' } {
  const connections = need(given, 'connections', { min: 0 })
  const each = orElse(given, 'megabytesEach', { min: 0, whole: false }, BACKEND_MEGABYTES)
  const value = connections * each
  const origin = given.megabytesEach === undefined ? 'about ' : ''
  return {
    formula: 'memory',
    value,
    arithmetic: `${said(connections)} connections × ${origin}${said(each)} MB = ${said(value)} MB of the server’s memory`,
    caveat:
      'Sorts and hashes take work_mem on top, each of them; a backend that has seen many tables and prepared statements grows.',
    source: given.megabytesEach === undefined ? 'planning figure' : 'measured',
  }
}
