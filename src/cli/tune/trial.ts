/** Runs every statement before a sweep does: whether it works, whether it only reads, and how long it takes. */
import { codeOf, messageOf } from '../../base/errors.ts'
import { badInput, exitCodes, Refusal } from '../refusal.ts'
import type { Question, Workload } from './workload.ts'
import { shortened } from './workload.ts'

/** A session of its own. */
export interface Session {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
}

/** How often a statement is tried, unless it takes longer than a second. */
const tries = 3

/**
 * Asks one question of each kind, a few times.
 *
 * @returns the mean of what they take, in milliseconds: the fastest try of each, since the first one also plans and reads from the disk
 * @throws Refusal for a statement that writes, fails, or undoes that the session only reads
 */
export async function tryOut(session: Session, { samples }: Workload): Promise<number> {
  let sum = 0
  for (const sample of samples) sum += await fastest(session, sample)
  return sum / samples.length
}

async function fastest(session: Session, { text, values }: Question): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let n = 0; n < tries && (n === 0 || best < 1_000); n++) {
    const began = performance.now()
    await session.query(text, values).catch((error: unknown) => {
      throw refusalOf(error, text)
    })
    best = Math.min(best, performance.now() - began)
  }
  const { rows } = await session.query('SHOW default_transaction_read_only')
  if (rows[0]?.default_transaction_read_only !== 'on')
    throw badInput(`${JSON.stringify(shortened(text))} lets its session write, and sluice tune only reads.`)
  return best
}

/** Why a statement cannot be part of a sweep. The server's own words name the statement's tables and values: they are the user's. */
export function refusalOf(error: unknown, text: string): unknown {
  const code = codeOf(error) ?? ''
  const what = JSON.stringify(shortened(text))
  if (code === '25006') return badInput(`${what} writes (${messageOf(error)}), and sluice tune only reads.`)
  if (code === '42P02' || (code === '08P01' && /parameter/.test(messageOf(error))))
    return badInput(`${what} has parameters, and sluice tune has no values for them: write constants.`)
  // What is no SQLSTATE, or speaks of the connection, is for those who explain connections.
  if (!/^[0-9A-Z]{5}$/.test(code) || /^(?:08|28|53|57)/.test(code) || /^E[A-Z]+$/.test(code)) return error
  return new Refusal(`${what} fails: ${messageOf(error)}.`, exitCodes.failed)
}
