/** The statements of the sample workload: constant texts, everything else a parameter. */

export const statementKinds = ['lookup', 'write', 'transaction', 'similarity', 'aggregate'] as const

/** What a statement is to its caller: short or long, reading or writing. */
export type StatementKind = (typeof statementKinds)[number]

/**
 * One thing an agent asks of the database. A transaction reads one memory and writes it back, with an event,
 * on one client.
 */
export type Statement =
  | {
      kind: Exclude<StatementKind, 'transaction'>
      text: string
      values: unknown[]
      /** The caller walks away after this time. */
      giveUpMillis?: number
    }
  | { kind: 'transaction'; agent: number; key: number; note: string }

export const findDocument = (id: number): Statement => ({
  kind: 'lookup',
  text: 'SELECT id, title, topic, words FROM sluice_demo.documents WHERE id = $1',
  values: [id],
})

export const findChunks = (document: number): Statement => ({
  kind: 'lookup',
  text: 'SELECT id, position, content FROM sluice_demo.chunks WHERE document_id = $1 ORDER BY position',
  values: [document],
})

export const recall = (agent: number, key: number): Statement => ({
  kind: 'lookup',
  text: 'SELECT value, revision FROM sluice_demo.memory WHERE agent = $1 AND key = $2',
  values: [agent, key],
})

export const latestEvents = (agent: number): Statement => ({
  kind: 'lookup',
  text: 'SELECT id, kind, tokens FROM sluice_demo.events WHERE agent = $1 ORDER BY id DESC LIMIT 5',
  values: [agent],
})

export const remember = (agent: number, key: number, value: string): Statement => ({
  kind: 'write',
  text: `INSERT INTO sluice_demo.memory (agent, key, value) VALUES ($1, $2, $3)
    ON CONFLICT (agent, key) DO UPDATE SET value = excluded.value, revision = sluice_demo.memory.revision + 1`,
  values: [agent, key, value],
})

export const appendEvent = (agent: number, kind: string, tokens: number): Statement => ({
  kind: 'write',
  text: `INSERT INTO sluice_demo.events (agent, kind, tokens, detail) VALUES ($1, $2, $3, '{}')`,
  values: [agent, kind, tokens],
})

export const revise = (agent: number, key: number, note: string): Statement => ({
  kind: 'transaction',
  agent,
  key,
  note,
})

/** The five chunks of a topic nearest to a vector: scans the topic, tens of milliseconds at full scale. */
export const findSimilar = (embedding: number[], topic: number, giveUpMillis?: number): Statement => ({
  kind: 'similarity',
  text: `SELECT id, document_id, sluice_demo.dot(embedding, $1::real[]) AS score
    FROM sluice_demo.chunks WHERE topic = $2 ORDER BY score DESC LIMIT 5`,
  values: [embedding, topic],
  ...(giveUpMillis !== undefined && { giveUpMillis }),
})

/** Tokens by kind of event and topic over a range of the log: some 100 milliseconds at full scale. */
export const countTokens = (firstEvent: number, lastEvent: number): Statement => ({
  kind: 'aggregate',
  text: `SELECT e.kind, d.topic, count(*)::int AS events, avg(e.tokens)::float AS mean,
      percentile_cont(0.95) WITHIN GROUP (ORDER BY e.tokens) AS p95
    FROM sluice_demo.events AS e JOIN sluice_demo.documents AS d ON d.id = (e.detail ->> 'document')::int
    WHERE e.id BETWEEN $1 AND $2 GROUP BY e.kind, d.topic ORDER BY events DESC, e.kind, d.topic LIMIT 20`,
  values: [firstEvent, lastEvent],
})

/** The parts of a transaction. */
export const revision = {
  begin: 'BEGIN',
  read: 'SELECT value, revision FROM sluice_demo.memory WHERE agent = $1 AND key = $2 FOR UPDATE',
  write: 'UPDATE sluice_demo.memory SET value = $3, revision = $4 WHERE agent = $1 AND key = $2',
  append: `INSERT INTO sluice_demo.events (agent, kind, tokens, detail) VALUES ($1, 'remembered', $2, '{}')`,
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
} as const
