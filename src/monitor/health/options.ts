/** The options of `health()`, and how they are read. */
import { SluiceError } from '../../base/errors.ts'
import { readMillis, readOptions } from '../../base/options.ts'
import type { Circumstances } from '../snapshot.ts'

/** A check of the caller's own: it throws or rejects where something is wrong, or resolves with a `CheckOutcome` that says how it went. */
export type ExtraCheck = (signal: AbortSignal) => unknown

/** Options of `health()`. */
export interface HealthOptions {
  /**
   * How long the answer may take, in milliseconds, whatever the state of the pool and of its server. 1 or more; default 800, which is less
   * than the second that Kubernetes gives a probe by default.
   */
  readonly timeoutMillis?: number | undefined
  /** Further checks by name: a cache, a service that is needed. Each has the same time, and a signal that tells when it is over. */
  readonly checks?: Readonly<Record<string, ExtraCheck>> | undefined
  /** What is known of the process, for `recommendations`. */
  readonly circumstances?: Omit<Circumstances, 'earlier'> | undefined
}

const OWN_CHECKS = ['database', 'pool', 'sessions']

/** What was asked for, with the defaults. @param what who asks @throws SLUICE_BAD_OPTION */
export function readHealthOptions(
  options: HealthOptions,
  what: string,
): { readonly millis: number; readonly checks: Readonly<Record<string, ExtraCheck>> } {
  const given = readOptions(options, what, ['timeoutMillis', 'checks', 'circumstances'])
  const millis = readMillis(given, 'timeoutMillis', 1) ?? 800
  const checks = options.checks ?? {}
  const taken = Object.keys(checks).find((name) => OWN_CHECKS.includes(name))
  if (taken !== undefined)
    throw new SluiceError('SLUICE_BAD_OPTION', `checks.${taken} has the name of a check of health() itself`)
  return { millis, checks }
}
