/** Several statements as one transaction in one round trip. */
import { SluiceError } from '../base/errors.ts'
import type { Client, QueryResult } from './driver.ts'
import { canPipeline, corked, serialize, setPipeline } from './driver.ts'

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
    await client.query('ROLLBACK')
    throw error
  }
  return results
}

/** Whether a client is as `runBatch` found it; otherwise it must not be used again. */
export function isUnchanged(client: Client): boolean {
  return (client as { pipeline?: boolean }).pipeline !== true
}
