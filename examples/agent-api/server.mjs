// An Express application that asks a model in the middle of its requests: no connection is held meanwhile, and reports have a pool of
// their own under the same cap.
import { once } from 'node:events'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import express from 'express'
import { globalPools, onShutdown } from 'sluice'
import { databaseOf, expressDatabase, expressUnavailable } from 'sluice/middleware'

const { DATABASE_URL, PORT = '3000' } = process.env
if (!DATABASE_URL) {
  console.error('Set DATABASE_URL, for example to postgres://user@localhost/database.')
  process.exit(2)
}

// Under a key, so that a development server that loads this file anew does not connect anew.
const pools = globalPools(
  'agent-api',
  { default: { min: 1 }, reports: { max: 2, statementTimeout: 60_000 } },
  // Together they never have more than six connections.
  { max: 6, connectionString: DATABASE_URL, applicationName: 'agent-api', acquireTimeoutMillis: 2_000 },
)

await pools.default.query(
  'CREATE TABLE IF NOT EXISTS agent_api (agent text, question text, answer text, at timestamptz DEFAULT now())',
)

const app = express()
app.use(expressDatabase(pools.default, { agent: (request) => request.get('x-agent') }))

/** GET /ask?q=…: reads, asks a model, writes. A client that hangs up ends all three. */
app.get('/ask', async (request, response) => {
  const db = databaseOf(request)
  const agent = request.get('x-agent') ?? 'nobody'
  const { rows } = await db.query(
    'SELECT question FROM agent_api WHERE agent = $1 ORDER BY at DESC LIMIT 3',
    [agent],
  )
  const answer = await askModel(request.query.q, rows, db.signal)
  await db.query('INSERT INTO agent_api (agent, question, answer) VALUES ($1, $2, $3)', [
    agent,
    request.query.q,
    answer,
  ])
  response.json({ answer })
})

/** GET /report is slow, and leaves the connections of /ask alone. */
app.get('/report', async (request, response) => {
  const { rows } = await pools.reports.query(
    'SELECT agent, count(*)::int AS questions FROM agent_api GROUP BY agent ORDER BY agent',
    [],
    { class: 'analytical', signal: databaseOf(request).signal },
  )
  response.json(rows)
})

/** GET /stats is the pools in numbers. */
app.get('/stats', (_, response) => {
  const { max, total, leased, waiting } = pools.stats()
  response.json({ max, total, leased, waiting, acquired: pools.default.stats().acquired })
})

app.use(expressUnavailable())

/** Stands for the model: two seconds of somebody else's time. */
async function askModel(question, memories, signal) {
  await pause(2_000, undefined, { signal })
  return `${question}? You have asked ${memories.length} things before.`
}

const server = app.listen(Number(PORT), '127.0.0.1')
await once(server, 'listening')
console.log(`agent-api listens on http://127.0.0.1:${server.address().port}`)

onShutdown(pools, {
  before: () => {
    server.close()
    server.closeIdleConnections()
    return once(server, 'close')
  },
  after: () => console.log('agent-api has ended'),
})
