/** What an error of the server says about the connection it came on, and about the others. */
import { codeOf } from '../base/errors.ts'
import { poolerSays } from './pooler.ts'

/** What to do with the connections after an error. */
export type Verdict =
  /** nothing: it is about the statement */
  | 'keep'
  /** ask the connection, when it comes back, whether its server still takes writes; if not, replace all */
  | 'ask'
  /** close this connection when it comes back */
  | 'retire'
  /** replace every connection: the server is going down */
  | 'renew'

/** Decides what becomes of the connections after an error of the server. `verdict` is what Sluice would do. */
export type Classify = (error: Error, verdict: Verdict) => Verdict

/**
 * Sluice's own opinion. SQLSTATE classes and codes after the Postgres manual, appendix A: 08 connection exceptions; 57P01 a
 * session was ended, 57P02 and 57P03 the server goes down or is not up; 57P04 its database was dropped; 57P05 it was idle for too
 * long; 25P03 so was its transaction; 25006 a write on a server that is read-only. Of 08P01 only
 * those that end the session: the others are a caller's own, who has given a statement the wrong number of values. Of 0A000 only the one by which a plan
 * that was prepared earlier no longer fits its tables, which comes again each time that name is used. What a pooler says in its
 * own name ends at most the connection that it says it on: the others go on through it, also when the server behind it is away.
 */
export function verdictOf(error: Error): Verdict {
  const said = poolerSays(error)?.means
  if (said === 'leaving') return 'renew'
  if (said !== undefined && (error as { severity?: unknown }).severity === 'FATAL') return 'retire'
  const code = codeOf(error) ?? ''
  switch (code) {
    case '57P01':
    case '57P04':
    case '57P05':
    case '25P03':
      return 'retire'
    case '57P02':
    case '57P03':
      return 'renew'
    case '25006':
      return 'ask'
    case '0A000':
      return (error as { routine?: unknown }).routine === 'RevalidateCachedQuery' ? 'retire' : 'keep'
    case '08P01':
      return (error as { severity?: unknown }).severity === 'ERROR' ? 'keep' : 'retire'
    default:
      return code.startsWith('08') ? 'retire' : 'keep'
  }
}
