/** What a health check says. */

/** `warning` still serves; `unhealthy` does not. */
export type HealthStatus = 'healthy' | 'warning' | 'unhealthy'

/** What one check found. */
export interface CheckOutcome {
  readonly status: HealthStatus
  /** One sentence, without secrets. */
  readonly message: string
}

/** One check. */
export interface Check extends CheckOutcome {
  /** How long it took, in milliseconds. */
  readonly millis: number
}

const ORDER: readonly HealthStatus[] = ['healthy', 'warning', 'unhealthy']

/** The worst of several; healthy where there are none. */
export function worst(statuses: readonly HealthStatus[]): HealthStatus {
  return ORDER[Math.max(0, ...statuses.map((status) => ORDER.indexOf(status)))] as HealthStatus
}

/** What somebody else's check returned, where it says how it went. */
export function outcomeOf(value: unknown): CheckOutcome | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { status, message } = value as { status?: unknown; message?: unknown }
  const known = ORDER.find((word) => word === status)
  return known && { status: known, message: typeof message === 'string' ? message : known }
}
