/** What an alert is, before it is written as YAML. */

/** How bad it is: someone must look now, or someone must look. */
export type AlertSeverity = 'warning' | 'critical'

/** One alert. */
export interface AlertRule {
  readonly name: string
  /** PromQL: each series that it returns is an alert. */
  readonly expression: string
  /** How long it must hold, in milliseconds; 0 for at once. */
  readonly afterMillis: number
  readonly severity: AlertSeverity
  /** One line. Prometheus fills in `{{ … }}`. */
  readonly summary: string
  /** The numbers. */
  readonly description: string
  /** What to do about it. */
  readonly action: string
}

/** For what is in one process; which one is in the label `instance`. */
export const THIS_POOL = 'Pool {{ $labels.pool }} of {{ $labels.instance }}'

/** For what is the same in all processes. */
export const ALL_POOLS = 'Pool {{ $labels.pool }} of {{ $labels.job }}'

export const MINUTE = 60_000

/** A subject where it does not begin the sentence. */
export function inSentence(subject: string): string {
  return subject.replace(/^P/, 'p')
}
