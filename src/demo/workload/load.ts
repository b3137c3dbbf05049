/** Loading, resetting and removing the data of the sample workload. */
import type { WorkloadClient, WorkloadPool } from './port.ts'
import type { DataSize, Filling } from './schema.ts'
import { create, dataSize, drop, fillings, indexes, settle, undo, version } from './schema.ts'

/** What is loaded. */
export interface DataSet {
  seed: number
  scale: number
  size: DataSize
}

/** What `loadWorkload` takes. */
export interface LoadOptions {
  /** Any whole number; the same seed gives the same rows. Default 1. */
  seed?: number
  /** 1 (the default) is some 290,000 rows, 0.1 a tenth of that. */
  scale?: number
  /** Told after every batch how many of the rows are in, and of what. */
  onProgress?: (done: number, total: number, label: string) => void
}

const rowsPerBatch = 5_000
// Any number will do, as long as nobody else takes it: two loads into one database wait for each other.
const lock = 7_385_104_223

/**
 * Loads the data unless a set of the same seed, scale and version is there already; that one is only reset to
 * its loaded state. An interrupted load leaves nothing behind.
 *
 * @returns what is loaded, and whether it was loaded now
 */
export async function loadWorkload(
  pool: WorkloadPool,
  options: LoadOptions = {},
): Promise<DataSet & { fresh: boolean }> {
  const { seed = 1, scale = 1, onProgress } = options
  const size = dataSize(scale)
  const fresh = await inTransaction(pool, async (client) => {
    const present = await findDataSet(client)
    const fresh = present?.seed !== seed || present.scale !== scale
    if (fresh) await build(client, { seed, scale, size }, onProgress)
    else await undoRuns(client, size)
    return fresh
  })
  if (fresh) await pool.query(settle.read)
  await pool.query(settle.written)
  return { seed, scale, size, fresh }
}

/** Puts the data back to its loaded state, so that the next run does the same work as the last one. */
export async function resetWorkload(pool: WorkloadPool): Promise<void> {
  const present = await inTransaction(pool, async (client) => {
    const present = await findDataSet(client)
    if (present) await undoRuns(client, present.size)
    return present
  })
  if (present) await pool.query(settle.written)
}

/** Removes the schema and all in it. */
export async function dropWorkload(pool: WorkloadPool): Promise<void> {
  await inTransaction(pool, (client) => client.query(drop))
}

/** What is loaded, `undefined` when nothing is, or only half, or by another version. */
export async function findDataSet(client: WorkloadClient): Promise<DataSet | undefined> {
  const { rows } = await client.query(`SELECT to_regclass('sluice_demo.data_set') IS NOT NULL AS made`)
  if (!rows[0]?.made) return undefined
  const found = await client.query('SELECT seed::text, scale FROM sluice_demo.data_set WHERE version = $1', [
    version,
  ])
  const row = found.rows[0]
  if (!row) return undefined
  const scale = Number(row.scale)
  return { seed: Number(row.seed), scale, size: dataSize(scale) }
}

async function build(
  client: WorkloadClient,
  { seed, scale, size }: DataSet,
  onProgress: LoadOptions['onProgress'],
): Promise<void> {
  for (const text of [drop, ...create]) await client.query(text)
  await fill(client, size, seed, onProgress)
  for (const text of indexes) await client.query(text)
  await client.query('INSERT INTO sluice_demo.data_set (version, seed, scale) VALUES ($1, $2, $3)', [
    version,
    seed,
    scale,
  ])
  await undoRuns(client, size)
}

async function fill(
  client: WorkloadClient,
  size: DataSize,
  seed: number,
  onProgress: LoadOptions['onProgress'],
): Promise<void> {
  const total = fillings.reduce((sum, filling) => sum + filling.rows(size), 0)
  let done = 0
  for (const filling of fillings) {
    for (const [first, last] of batches(filling, size)) {
      await client.query(filling.text, [first, last, seed])
      done += last - first + 1
      onProgress?.(done, total, filling.label)
    }
  }
}

function* batches(filling: Filling, size: DataSize): Generator<[first: number, last: number]> {
  const rows = filling.rows(size)
  for (let first = 1; first <= rows; first += rowsPerBatch)
    yield [first, Math.min(rows, first + rowsPerBatch - 1)]
}

async function undoRuns(client: WorkloadClient, size: DataSize): Promise<void> {
  for (const text of undo) await client.query(text, text.includes('$1') ? [size.events] : [])
}

async function inTransaction<R>(
  pool: WorkloadPool,
  work: (client: WorkloadClient) => Promise<R>,
): Promise<R> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    await client.query('SELECT pg_advisory_xact_lock($1)', [lock])
    const result = await work(client)
    await client.query('COMMIT')
    client.release()
    return result
  } catch (error) {
    // Closing the connection rolls back, whatever state it is in.
    client.release(true)
    throw error
  }
}
