/** How the doctor asks: one session, one question at a time, each in a read-only transaction with time limits of the server's own. */
import type { ExplainSource } from '../../monitor/explain.ts'
import type { Source } from '../../monitor/source.ts'
import type { EndpointFacts } from '../../postgres/knowledge.ts'
import { Pool } from '../../postgres/pool.ts'
import type { Target } from '../target.ts'
import { withoutName } from '../target.ts'

/** How long one question may take at the server, and how long it may wait there for a lock. */
const QUESTION_MILLIS = 5_000
const LOCK_MILLIS = 500

/** How the server knows the doctor's session. */
export const APPLICATION = 'sluice doctor'

/** Somebody who can be asked, until `end()`. */
export interface Patient extends Source, Pick<ExplainSource, 'connect'> {
  /** The rows of one question. */
  ask<R>(text: string, values?: readonly unknown[]): Promise<R[]>
  /** What is at the other end, once nothing more will become known. */
  endpoint(): Promise<EndpointFacts>
  end(): Promise<void>
}

/** Opens nothing yet. */
export function patientAt(target: Target, timeoutMillis: number): Patient {
  const pool = new Pool({
    connectionString: unsaid(withoutName(target.url)),
    application_name: APPLICATION,
    max: 1,
    connectionTimeoutMillis: timeoutMillis,
    acquireTimeoutMillis: timeoutMillis + QUESTION_MILLIS,
    pipelining: false,
    prepare: false,
  })
  // A connection that dies between two questions shows in the next one.
  pool.on('error', () => {})
  const query = (text: string, values: readonly unknown[] = []) =>
    pool.transaction(
      async (transaction) => {
        // If the doctor dies, the server still ends what it asked.
        await transaction.query(
          `SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true)`,
          [String(QUESTION_MILLIS), String(LOCK_MILLIS)],
        )
        return transaction.query(text, values)
      },
      { readOnly: true, maxWait: timeoutMillis + QUESTION_MILLIS, timeout: 3 * QUESTION_MILLIS },
    )
  return {
    query,
    ask: async <R>(text: string, values: readonly unknown[] = []) => (await query(text, values)).rows as R[],
    connect: () => pool.connect(),
    stats: () => pool.stats(),
    connections: () => pool.connections(),
    settings: () => pool.settings(),
    statements: () => pool.statements(),
    endpoint: async () => {
      // A statement under a name waits until it is known whether that would lead back to it.
      await pool.query({ name: 'sluice_doctor', text: 'SELECT 1' })
      return pool.endpoint()
    },
    end: () => pool.end(),
  }
}

/** Without what the string says of its endpoint: the doctor asks. */
function unsaid(url: string): string {
  return url.replace(/([?&])pgbouncer=[^&]*&?/, '$1').replace(/[?&]$/, '')
}
