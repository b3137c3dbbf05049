/** What health, advice, `explain()` and `sluice doctor` have to say: one thing that is wrong or could be better, with its reasons. */

/** How bad it is: `critical` hurts now, `warning` will, `advice` could be better. */
export type Severity = 'critical' | 'warning' | 'advice'

/** One finding. Its texts name no password, token or bound value; they are sentences, the title without its full stop. */
export interface Finding {
  /** What it is, for programs: `idle-in-transaction`, `sequential-scan`, … */
  readonly code: string
  readonly severity: Severity
  /** What is wrong, in one sentence. */
  readonly title: string
  /** What was seen, in numbers. */
  readonly evidence: string
  /** Why that hurts. */
  readonly reason: string
  /** What to change: an option, a setting, or nothing but the SQL statement that does it. */
  readonly change: string
}
