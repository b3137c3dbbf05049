/** Several statements as one transaction in one round trip. */
import { SluiceError } from '../base/errors.ts'
import { refuseCache } from './call.ts'
import type { Client, QueryResult } from './driver.ts'
import { atRest, canPipeline, corked, isBusy, serialize, setPipeline } from './driver.ts'

/** One statement of a batch. */
export interface BatchQuery {
  readonly text: string
  readonly values?: readonly unknown[] | undefined
}

/**
 * Reads the statements of a batch and serialises their values, so that nothing is sent when one of them cannot be: the others
 * would be committed without it.
 * @throws SLUICE_BAD_OPTION; what pg throws for a value that it cannot send
 */
export function readBatch(queries: readonly (string | BatchQuery)[]): BatchQuery[] {
  if (!Array.isArray(queries))
    throw new SluiceError('SLUICE_BAD_OPTION', 'batch takes an array of statements')
  return queries.map((query, index) => {
    refuseCache(query)
    const { text, values = [] } = typeof query === 'string' ? { text: query } : (query ?? {})
    if (typeof text !== 'string')
      throw new SluiceError('SLUICE_BAD_OPTION', `statement ${index} of the batch has no text`)
    if (!Array.isArray(values)) {
      throw new SluiceError(
        'SLUICE_BAD_OPTION',
        `the values of statement ${index} of the batch are not an array`,
      )
    }
    return { text, values: values.map(serialize) }
  })
}

/**
 * Runs the statements between BEGIN and COMMIT: sent together where the client can, else one after another.
 * @throws the first error; then nothing of the batch has taken effect
 */
export async function runBatch(client: Client, queries: readonly BatchQuery[]): Promise<QueryResult[]> {
  // A listener of `connect` or `acquire` may have sent something of its own.
  if (isBusy(client)) await atRest(client)
  if (!canPipeline(client)) return runInTurn(client, queries)
  setPipeline(client, true)
  const sent = corked(client, () => {
    const run = ({ text, values }: BatchQuery) => client.query(text, values as unknown[])
    return [client.query('BEGIN'), ...queries.map(run), client.query('COMMIT')]
  })
  const outcomes = await Promise.allSettled(sent)
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  // The answer to a failed COMMIT has not ended yet; such a connection is closed by whoever gets the error.
  if (outcomes.at(-1)?.status === 'fulfilled') setPipeline(client, false)
  if (failed !== undefined) throw failed.reason
  return outcomes.slice(1, -1).map((outcome) => (outcome as PromiseFulfilledResult<QueryResult>).value)
}

async function runInTurn(client: Client, queries: readonly BatchQuery[]): Promise<QueryResult[]> {
  const results: QueryResult[] = []
  await client.query('BEGIN')
  try {
    for (const { text, values } of queries) results.push(await client.query(text, values as unknown[]))
    await client.query('COMMIT')
  } catch (error) {
    // A connection that cannot roll back is closed by whoever gets the error.
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
  return results
}

/** Whether a client that failed a batch may be used again: it must be outside the transaction, and known to be. */
export function survivesFailure(client: Client): boolean {
  return canPipeline(client) && (client as { pipeline?: boolean }).pipeline !== true
}
