/** The example apps, as their readers start them: the built package, and a database in DATABASE_URL. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { databaseUrl, sessions, withClient } from '../support/postgres.ts'

const script = fileURLToPath(new URL('../../examples/agent-memory/server.mjs', import.meta.url))

interface App {
  url: string
  child: ChildProcess
  /** Everything it said so far. */
  said: () => string
}

async function startApp(): Promise<App> {
  const child = spawn(process.execPath, [script], {
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
    app = await startApp()
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

test('agent-memory says in one sentence that it needs a database', async () => {
  const { DATABASE_URL: _, ...env } = process.env
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    said += part
  })
  const [code] = await once(child, 'close')
  expect([code, said.trim().split('\n').length]).toEqual([2, 1])
  expect(said).toContain('DATABASE_URL')
})
