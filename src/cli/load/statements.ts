/** What a load test asks, tried once before hundreds ask it. */
import { codeOf, messageOf } from '../../base/errors.ts'
import type { PgClient } from '../../postgres/driver.ts'
import { badInput } from '../refusal.ts'

/** A lookup by primary key that every Postgres can answer. */
export const lookup = 'SELECT typname FROM pg_catalog.pg_type WHERE oid = 23'

const readOnlyTransaction = '25006'
/** What changes a session instead of doing work: through a pool it would meet whoever comes next. */
const session =
  /^(?:BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|RESET|DISCARD|LISTEN|UNLISTEN|DECLARE|FETCH|CLOSE|PREPARE|DEALLOCATE|LOCK)\b/

/**
 * Runs each statement once, in a transaction that is rolled back and, unless writes are allowed, read-only.
 * @throws Refusal for a statement that fails, that writes, that is several in one, or that works on the session
 */
export async function tryOut(
  client: InstanceType<typeof PgClient>,
  statements: readonly string[],
  allowWrites: boolean,
): Promise<void> {
  for (const text of statements) {
    await client.query(allowWrites ? 'BEGIN' : 'BEGIN READ ONLY')
    try {
      // The extended protocol takes one statement at a time: nothing can hide behind the first.
      const { command } = await client.query({ text, queryMode: 'extended' } as { text: string })
      if (!command) throw badInput(`${quote(text)} is empty: give one that asks for something.`)
      if (session.test(command))
        throw badInput(`${quote(text)} works on its session; give statements that do work.`)
    } catch (error) {
      if (codeOf(error) === readOnlyTransaction)
        throw badInput(`${quote(text)} writes; if that is what you want, say --allow-writes.`)
      // What is no word of the server is no fault of the statement.
      if (!(error instanceof Error && 'severity' in error)) throw error
      throw badInput(`${quote(text)} fails: ${messageOf(error)}.`)
    } finally {
      await client.query('ROLLBACK')
    }
  }
}

function quote(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return `The statement ${JSON.stringify(line.length > 60 ? `${line.slice(0, 59)}…` : line)}`
}
