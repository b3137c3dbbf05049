/** The example apps, as their readers start them: the built package, and a database in DATABASE_URL. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { databaseUrl, sessions, withClient } from '../support/postgres.ts'

const scriptOf = (name: string) =>
  fileURLToPath(new URL(`../../examples/${name}/server.mjs`, import.meta.url))

interface App {
  url: string
  child: ChildProcess
  /** Everything it said so far. */
  said: () => string
}

async function startApp(name: string): Promise<App> {
  const child = spawn(process.execPath, [scriptOf(name)], {
    env: { ...process.env, DATABASE_URL: databaseUrl(), PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    text += `${line}\n`
  })
  const url = await new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      const found = /http:\S+/.exec(line)?.[0]
      if (found) resolve(found)
    })
    child.once('exit', () => reject(new Error(`the app did not start: ${text}`)))
  })
  return { url, child, said: () => text }
}

/** Resolves once the server at the other end runs a report for the app, or runs none any more. */
async function reportRuns(wanted: boolean): Promise<void> {
  const text = `SELECT count(*)::int AS n FROM pg_stat_activity
    WHERE application_name = 'agent-memory' AND state = 'active' AND query LIKE '%pg_sleep%'`
  await withClient(async (client) => {
    for (;;) {
      const { rows } = await client.query<{ n: number }>(text)
      if ((rows[0]?.n ?? 0) > 0 === wanted) return
    }
  })
}

describe('agent-memory', () => {
  let app: App

  beforeAll(async () => {
    app = await startApp('agent-memory')
  })
  afterAll(async () => {
    app.child.kill('SIGKILL')
    await withClient((client) => client.query('DROP TABLE IF EXISTS agent_memory'))
  })

  const at = (path: string): string => `${app.url}${path}`

  test('remembers, recalls and reports', async () => {
    const put = await fetch(at('/memory/ada/taste%2Fsweet'), { method: 'PUT', body: 'likes canals' })
    expect(put.status).toBe(204)
    const found = await fetch(at('/memory/ada/taste%2Fsweet'))
    expect([found.status, await found.json()]).toEqual([
      200,
      { value: 'likes canals', at: expect.any(String) },
    ])
    const report = await fetch(at('/report'))
    expect(await report.json()).toMatchObject([{ agent: 'ada', memories: 1, longest: 12 }])
  })

  test('answers what it cannot with the status that says why', async () => {
    const statuses = await Promise.all(
      ['/memory/ada/nothing', '/elsewhere', '/memory/ada/%zz', '/report?seconds=9'].map(
        async (path) => (await fetch(at(path))).status,
      ),
    )
    expect(statuses).toEqual([404, 404, 400, 504])
    // What it writes and what it answers come on two ways.
    await vi.waitFor(() => expect(app.said()).toContain('no answer within'))
  })

  test('serves a lookup while reports wait, and stops a report whose caller hung up', async () => {
    let answered = 0
    const reports = Array.from({ length: 8 }, () =>
      get(at('/report?seconds=2'), () => answered++).on('error', () => {}),
    )
    await reportRuns(true)
    for (const report of reports) report.destroy()
    await reportRuns(false)
    const found = await fetch(at('/memory/ada/taste%2Fsweet'))
    expect([found.status, answered]).toEqual([200, 0])
    const stats = (await (await fetch(at('/stats'))).json()) as { aborted: number }
    expect(stats.aborted).toBeGreaterThan(0)
  })

  test('on SIGTERM answers what it has taken on, then ends with nothing left open', async () => {
    // A caller that would keep its connection for more.
    const agent = new Agent({ keepAlive: true })
    const answer = once(get(at('/report?seconds=1'), { agent }), 'response')
    await reportRuns(true)
    app.child.kill('SIGTERM')
    const [response] = await answer
    response.resume()
    expect(response.statusCode).toBe(200)
    const [code] = await once(app.child, 'exit')
    expect([code, app.said()]).toEqual([0, expect.stringContaining('agent-memory has ended')])
    expect(await sessions('agent-memory')).toBe(0)
    agent.destroy()
  })
})

describe('agent-api', () => {
  let app: App

  beforeAll(async () => {
    app = await startApp('agent-api')
  })
  afterAll(async () => {
    app.child.kill('SIGKILL')
    await withClient((client) => client.query('DROP TABLE IF EXISTS agent_api'))
  })

  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${app.url}${path}`, { ...init, headers: { 'x-agent': 'ada' } })
  const stats = async () =>
    (await (await ask('/stats')).json()) as { total: number; leased: number; acquired: number }

  test('fifty requests that wait for the model are answered through six connections, and hold none meanwhile', async () => {
    const asked = Array.from({ length: 50 }, () => ask('/ask?q=why'))
    await vi.waitFor(async () => expect(await stats()).toMatchObject({ leased: 0, waiting: 0, max: 6 }), {
      timeout: 20_000,
    })
    const statuses = (await Promise.all(asked)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(50)
    expect((await stats()).total).toBeLessThanOrEqual(6)
    expect(await (await ask('/report')).json()).toEqual([{ agent: 'ada', questions: 50 }])
  })

  test('a client that hangs up while the model thinks leaves no answer behind', async () => {
    const client = new AbortController()
    const asked = ask('/ask?q=gone', { signal: client.signal }).catch((error: Error) => error.name)
    setTimeout(() => client.abort(), 200)
    expect(await asked).toBe('AbortError')
    // Nothing is behind it, so what it would have written comes before this.
    await ask('/ask?q=after')
    const { rows } = await withClient((client) =>
      client.query(`SELECT question FROM agent_api WHERE question IN ('gone', 'after')`),
    )
    expect(rows).toEqual([{ question: 'after' }])
  })

  test('on SIGTERM answers what it has taken on, then ends with nothing left open', async () => {
    const agent = new Agent({ keepAlive: false })
    const before = (await stats()).acquired
    const asked = once(get(`${app.url}/ask?q=last`, { agent }), 'response')
    await vi.waitFor(async () => expect((await stats()).acquired).toBeGreaterThan(before), {
      timeout: 20_000,
    })
    app.child.kill('SIGTERM')
    const [response] = await asked
    response.resume()
    expect(response.statusCode).toBe(200)
    const [code] = await once(app.child, 'exit')
    expect([code, app.said()]).toEqual([0, expect.stringContaining('agent-api has ended')])
    expect(await sessions('agent-api')).toBe(0)
    agent.destroy()
  })
})

test.each(['agent-memory', 'agent-api'])('%s says in one sentence that it needs a database', async (name) => {
  const { DATABASE_URL: _, ...env } = process.env
  const child = spawn(process.execPath, [scriptOf(name)], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    said += part
  })
  const [code] = await once(child, 'close')
  expect([code, said.trim().split('\n').length]).toEqual([2, 1])
  expect(said).toContain('DATABASE_URL')
})
