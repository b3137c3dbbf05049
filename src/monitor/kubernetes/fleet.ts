/** Whether a server has enough connections for as many replicas as an autoscaler may start. */
import { SluiceError } from '../../base/errors.ts'
import { sizeForInstances } from '../../sizing/supply.ts'
import { count } from '../words.ts'

/** The replicas at most, and what each may open. */
export interface Fleet {
  readonly replicas: number
  readonly poolMax: number
  /** `max_connections` of the server; undefined for PostgreSQL's own. */
  readonly limit: number | undefined
}

/** What it comes to. */
export interface FleetFit {
  readonly fits: boolean
  /** With the arithmetic and, where it does not fit, what to do. */
  readonly sentence: string
}

/** A rolling deploy runs old and new side by side: Kubernetes' default is a quarter more, rounded up. */
const SURGE = 0.25

/** Compares what the replicas may open, those of a rolling deploy too, with what the server has to give. */
export function fleetFit({ limit, poolMax, replicas }: Fleet): FleetFit {
  const surge = Math.ceil(replicas * SURGE)
  const most = (replicas + surge) * poolMax
  const asked = `${count(replicas)} replicas + ${count(surge)} in a rolling deploy, × ${count(poolMax)} connections = ${count(most)}`
  const each = shareOf({ instances: replicas, surge, ...(limit !== undefined && { limit }) })
  if (each === undefined)
    return { fits: false, sentence: `${asked}: the server has not even one connection for each.` }
  const { arithmetic, value } = each
  const room = `the server has ${count(value)} for each: ${arithmetic.replace(/, or .*/, '')}`
  if (poolMax <= value) return { fits: true, sentence: `${asked}; ${room}.` }
  return {
    fits: false,
    sentence: `TOO MANY: ${asked}; ${room}. Lower max or maxReplicas, or put a pooler in between.`,
  }
}

function shareOf(given: Parameters<typeof sizeForInstances>[0]) {
  try {
    return sizeForInstances(given)
  } catch (error) {
    if (SluiceError.is(error, 'SLUICE_BAD_OPTION')) return undefined
    throw error
  }
}
