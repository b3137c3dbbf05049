// What agents remember, over HTTP: small lookups that must be fast, and a report that may be slow, on one pool.
import { once } from 'node:events'
import { createServer } from 'node:http'
import process from 'node:process'
import { Pool, SluiceError } from 'sluice'

const { DATABASE_URL, PORT = '3000' } = process.env
if (!DATABASE_URL) {
  console.error('Set DATABASE_URL, for example to postgres://user@localhost/database.')
  process.exit(2)
}

const pool = new Pool({
  connectionString: DATABASE_URL,
  applicationName: 'agent-memory',
  max: 5,
  // Whoever cannot be served in this time is told so, while there is still somebody to tell.
  acquireTimeoutMillis: 2_000,
})

await pool.query(`CREATE TABLE IF NOT EXISTS agent_memory (
  agent text, key text, value text NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (agent, key))`)

/** GET /memory/:agent/:key is what an agent waits for in the middle of a thought: it goes before everything else. */
async function recall({ agent, key, signal }) {
  const { rows } = await pool.query(
    'SELECT value, at FROM agent_memory WHERE agent = $1 AND key = $2',
    [agent, key],
    { priority: 'high', agent, timeout: 1_000, signal },
  )
  return rows.length === 0
    ? { status: 404, body: { error: 'not remembered' } }
    : { status: 200, body: rows[0] }
}

/** PUT /memory/:agent/:key. No signal: the write counts even if the agent has gone before it hears of it. */
async function remember({ agent, key, body }) {
  await pool.query(
    `INSERT INTO agent_memory (agent, key, value) VALUES ($1, $2, $3)
     ON CONFLICT (agent, key) DO UPDATE SET value = excluded.value, at = now()`,
    [agent, key, body],
    { agent, timeout: 2_000 },
  )
  return { status: 204 }
}

/** GET /report reads everything: it waits for all others, and ends when it takes too long or nobody waits for it. */
async function report({ agent = 'report', signal, seconds }) {
  const { rows } = await pool.query(
    // The pause makes it as slow as a report over more than a toy's worth of rows.
    `SELECT agent, count(*)::int AS memories, max(length(value)) AS longest, max(at) AS latest
     FROM agent_memory, pg_sleep($1) GROUP BY agent ORDER BY memories DESC, agent LIMIT 100`,
    [seconds],
    { class: 'analytical', agent, timeout: 3_000, signal },
  )
  return { status: 200, body: rows }
}

/** GET /stats is the pool in numbers. */
function stats() {
  const { max, leased, idle, waitingByPriority, acquired, timeouts, aborted } = pool.stats()
  return { status: 200, body: { max, leased, idle, waitingByPriority, acquired, timeouts, aborted } }
}

async function route(request, signal) {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  const [, place, agent, key] = pathname.split('/').map(decodeURIComponent)
  const { method } = request
  if (place === 'memory' && agent && key) {
    if (method === 'GET') return recall({ agent, key, signal })
    if (method === 'PUT') return remember({ agent, key, body: await textOf(request) })
  }
  if (method === 'GET' && place === 'report') {
    return report({ signal, seconds: Math.min(60, Number(searchParams.get('seconds') ?? 0) || 0) })
  }
  if (method === 'GET' && place === 'stats') return stats()
  return { status: 404, body: { error: 'no such place' } }
}

async function textOf(request) {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += part
  return text
}

/** An error in the words of HTTP; its message, full of numbers, goes to the log and not to strangers. */
function failure(error) {
  if (error instanceof URIError) return { status: 400, body: { error: 'bad path' } }
  console.error(error instanceof Error ? error.message : error)
  if (SluiceError.is(error, 'SLUICE_QUERY_TIMEOUT')) return { status: 504, body: { error: 'took too long' } }
  // No connection in time, a full queue, a server that cannot be reached: another try later may well succeed.
  if (SluiceError.is(error)) {
    const seconds = Math.ceil((error.retryAfterMillis ?? 1_000) / 1_000)
    return { status: 503, headers: { 'retry-after': String(seconds) }, body: { error: 'busy' } }
  }
  return { status: 500, body: { error: 'failed' } }
}

async function serve(request, response) {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const answer = await route(request, gone.signal).catch((error) => !gone.signal.aborted && failure(error))
  // A caller who hung up gets no answer.
  if (!answer || gone.signal.aborted) return
  const { status, headers, body } = answer
  // At the end of the server's life its callers shall not hold their connections for more.
  const last = server.listening ? {} : { connection: 'close' }
  response.writeHead(status, { 'content-type': 'application/json', ...headers, ...last })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}

const server = createServer((request, response) => void serve(request, response))

server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`agent-memory listens on http://127.0.0.1:${server.address().port}`)
})

// Takes no new requests, answers the ones it has, then closes its connections.
await Promise.race(['SIGINT', 'SIGTERM'].map((name) => once(process, name)))
server.close()
server.closeIdleConnections()
// No request takes this long: what is still open then is a caller who never asked for anything.
setTimeout(() => server.closeAllConnections(), 5_000).unref()
await once(server, 'close')
await pool.end()
console.log('agent-memory has ended')
