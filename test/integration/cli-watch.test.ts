/** `sluice watch`, as the shell runs it, at a feed that a test writes. */
import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { readAddress } from '../../src/cli/watch/address.ts'
import { follow } from '../../src/cli/watch/feed.ts'
import { dashboard } from '../../src/dashboard/index.ts'
import { Pool } from '../../src/index.ts'
import type { FakeDashboard, FakeOptions } from '../support/fake-dashboard.ts'
import { fakeDashboard, frameOf, hello, poolFrame, slowFrame } from '../support/fake-dashboard.ts'
import { databaseUrl } from '../support/postgres.ts'
import { answering, run, start } from './cli-support.ts'

const token = 'a-word-that-nobody-may-see'
const fakes: FakeDashboard[] = []

async function fake(options?: FakeOptions): Promise<FakeDashboard> {
  const made = await fakeDashboard(options)
  fakes.push(made)
  return made
}

afterEach(async () => {
  await Promise.all(fakes.splice(0).map((made) => made.close()))
})

describe('into a pipe', () => {
  test('writes a line for each pool, now and then, and ends at Ctrl-C as something that is done', async () => {
    const { url } = await fake({ frame: () => frameOf([poolFrame(), poolFrame({ name: 'reports' })]) })
    const { child, said, ended } = start(['watch', url])
    await said('reports')
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^ Sluice 0\.1\.0 at http:\/\/127\.0\.0\.1:\d+\/\n/)
    expect(stdout).toContain('  default  20 % of 10 busy  1,234/s  simple p95 1.20 ms  waiting 12\n')
    expect(stdout).not.toContain('\u001B')
  })

  test('tells of what goes wrong when it does, and of no event twice', async () => {
    const event = { id: 1, at: 0, level: 'warn', text: 'planner \u001B[2J has held on' } as const
    const { url } = await fake({ frame: () => frameOf([poolFrame()], { events: [event] }) })
    const { child, said, ended } = start(['watch', url])
    await said('held on')
    await said('waiting 12')
    child.kill('SIGINT')
    const { stdout } = await ended
    expect(stdout.match(/warn {2}planner {2}?\[2J has held on/g)).toHaveLength(1)
    expect(stdout).not.toContain('\u001B')
  })

  test('says that a dashboard is lost, and comes back to it when it does', async () => {
    const first = await fake()
    const { child, said, ended } = start(['watch', first.url])
    await said('waiting 12')
    await first.close()
    await said('Trying again.')
    const lost = await fake({ port: first.port, hello: hello({ run: 'second', version: '0.2.0' }) })
    await said(' back')
    expect(lost.port).toBe(first.port)
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
  })

  test('ends quietly when nobody reads its output any more', async () => {
    const { url } = await fake()
    const { child, said, ended } = start(['watch', url])
    await said('waiting 12')
    child.stdout?.destroy()
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('once', () => {
  test('shows the pools as they are and ends', async () => {
    const text =
      'a sentence that is longer than a terminal is wide, as some of those that tell why a pool is slow are'
    const advice = [
      { code: 'x', severity: 'advice', title: text, evidence: '', reason: '', change: text } as const,
    ]
    const { url } = await fake({
      hello: hello({ slow: [slowFrame({ advice })], events: [{ id: 1, at: 0, level: 'info', text }] }),
    })
    const { code, stdout } = await run(['watch', url, '--once'])
    expect(code).toBe(0)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(stdout.match(/slow are/g)).toHaveLength(3)
    expect(stdout).toMatch(/slots +LSi·······/)
    expect(stdout).toMatch(/queue +1 {2}planner/)
  })

  test('is one JSON object with --json', async () => {
    const { url } = await fake({ token })
    const { code, stdout, stderr } = await run(['watch', `${url}/?token=${token}`, '--json'])
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      url: `${url}/`,
      version: '0.1.0',
      run: 'first',
      pools: [{ name: 'default', counts: { waiting: 12 }, endpoint: 'postgresql, direct', advice: [] }],
      events: [],
    })
    expect(stdout).not.toContain(token)
  })
})

describe('the token', () => {
  test.each([
    ['--token', '', ['--token', token], {}],
    ['the URL', `/?token=${token}`, [], {}],
    ['the environment', '', [], { SLUICE_DASHBOARD_TOKEN: token }],
  ])('of %s opens the door and is not shown', async (_, query, more, env) => {
    const { url } = await fake({ token })
    const { code, stdout, stderr } = await run(['watch', `${url}${query}`, '--once', ...more], { ...env })
    expect(code).toBe(0)
    expect(stdout + stderr).not.toContain(token)
  })

  test.each([
    ['none', [], 'wants a token. Set SLUICE_DASHBOARD_TOKEN, or give --token.'],
    ['another', ['--token', 'another-word-that-is-wrong'], 'did not accept the token'],
  ])('where it is %s, it says so and shows none', async (_, more, sentence) => {
    const { url } = await fake({ token })
    const { code, stdout, stderr } = await run(['watch', url, ...more])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(sentence)
    expect(stderr).not.toContain('word-that')
  })

  test('goes to nobody that the dashboard points to', async () => {
    const seen: unknown[] = []
    const other = await fake({
      answer: (response) => {
        seen.push(response.req.headers.authorization)
        response.end()
      },
    })
    const pointing = await fake({
      answer: (response) => response.writeHead(302, { location: `${other.url}/events` }).end(),
    })
    const { code, stderr } = await run(['watch', pointing.url, '--token', token])
    expect([code, seen]).toEqual([1, []])
    expect(stderr).toContain('is not a dashboard of Sluice: it answers 302.')
  })
})

describe('at a real dashboard', () => {
  test('shows the numbers that the pool has', async () => {
    await using pool = new Pool({ connectionString: databaseUrl(), max: 3 })
    await using page = await dashboard({ pools: { orders: pool }, token })
    const [one, two] = await Promise.all([pool.lease({ agent: 'planner' }), pool.lease()])
    const { code, stdout } = await run(['watch', page.url, '--token', token, '--json'])
    expect(code).toBe(0)
    const [seen] = JSON.parse(stdout).pools
    const { total, leased, idle, waiting } = pool.stats()
    expect(seen).toMatchObject({ name: 'orders', max: 3, counts: { total, leased, idle, waiting } })
    expect(leased).toBe(2)
    expect(seen.slots.map((slot: { agent: string | null }) => slot.agent)).toContain('planner')
    one.release()
    two.release()
  })

  test('says what its door says', async () => {
    await using pool = new Pool({ connectionString: databaseUrl(), max: 1 })
    await using page = await dashboard({ pools: pool, token })
    expect((await run(['watch', page.url])).stderr).toContain('wants a token')
    const { code, stderr } = await run(['watch', page.url, '--token', 'another-word-that-is-wrong'])
    expect([code, stderr.includes('did not accept the token')]).toEqual([1, true])
  })
})

describe('who falls silent', () => {
  const signal = new AbortController().signal
  const silently = (first: string) => (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(first)
  }
  const heardFrom = (url: string, patienceMillis: number) =>
    follow(readAddress(url, undefined, undefined), signal, patienceMillis)

  test('at first is not watched', async () => {
    const { url } = await fake({ answer: silently(':\n\n') })
    await expect(heardFrom(url, 100).next()).rejects.toThrow('does not answer')
  })

  test('later is lost, and asked again', async () => {
    const { url } = await fake({ answer: silently(`event: hello\ndata: ${JSON.stringify(hello())}\n\n`) })
    const kinds: string[] = []
    for await (const heard of heardFrom(url, 300)) {
      kinds.push(heard.kind)
      if (kinds.length === 4) break
    }
    expect(kinds).toEqual(['hello', 'lost', 'hello', 'lost'])
  })
})

describe('what is no dashboard is told apart in a sentence', () => {
  const withStatus = (status: number) => (response: ServerResponse) => void response.writeHead(status).end()
  const saying = (text: string) => (response: ServerResponse) =>
    void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text)

  test.each([
    [
      'a page',
      (response: ServerResponse) => void response.setHeader('content-type', 'text/html').end('<p>'),
      'it answers with text/html.',
    ],
    ['an error', withStatus(500), 'it answers 500.'],
    ['a refusal of the host name', withStatus(403), 'does not answer to this host name'],
    ['a full house', withStatus(503), 'has no place for another viewer'],
    ['another feed', saying('event: frame\ndata: {"price": 3}\n\n'), 'its event "frame" lacks what'],
    ['a feed that ends', saying(': nothing\n\n'), 'closed the connection'],
  ])('%s', async (_, answer, sentence) => {
    const { url } = await fake({ answer })
    const { code, stdout, stderr } = await run(['watch', url])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(sentence)
    expect(stderr).toMatch(/^sluice: [^\n]+\n$/)
  })

  test('a port where nothing listens, in JSON too', async () => {
    const { url, close } = await fake()
    await close()
    const { code, stdout, stderr } = await run(['watch', url, '--json'])
    expect(code).toBe(1)
    expect(stderr).toContain(`Nothing accepts connections at ${url}/.`)
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      kind: 'refused',
      code: 'ECONNREFUSED',
      url: `${url}/`,
    })
  })

  test('a server that speaks something else', async () => {
    const { port, server } = await answering(Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'))
    const { code, stderr } = await run(['watch', `http://127.0.0.1:${port}`])
    server.close()
    expect(code).toBe(1)
    expect(stderr).toContain('does not speak HTTP')
  })

  test.each([
    [['watch', 'localhost:5480'], 'must begin with http:// or https://'],
    [['watch', `http://me:${token}@localhost/`], 'must hold no user and no password'],
    [['watch'], "missing required argument 'url'"],
  ])('%j', async (args, sentence) => {
    const { code, stdout, stderr } = await run(args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(sentence)
    expect(stderr).not.toContain(token)
  })
})
