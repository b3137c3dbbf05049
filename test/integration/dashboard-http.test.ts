/** The dashboard's server on a real socket: who gets what, and who gets nothing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Dashboard, DashboardOptions } from '../../src/dashboard/index.ts'
import { dashboard } from '../../src/dashboard/index.ts'
import { look } from '../support/event-stream.ts'
import { poolsWith } from '../support/pools.ts'

const TOKEN = 'a-token-that-is-long-enough'
const PAGE = '<!doctype html><title>Sluice</title><h1>page</h1>'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-page-'))
  await writeFile(join(folder, 'index.html'), PAGE)
  await writeFile(join(folder, 'style.css'), 'h1 { color: teal }')
  await writeFile(join(folder, 'page.js'), 'export {}')
  await writeFile(join(folder, 'notes.txt'), 'not for the page')
})
afterAll(() => rm(folder, { recursive: true }))

const up: Dashboard[] = []
afterEach(async () => {
  await Promise.all(up.splice(0).map((each) => each.close()))
})

const pools = poolsWith({ max: 2 })

async function served(options: Partial<DashboardOptions> = {}, assets = pathToFileURL(`${folder}/`)) {
  const made = await dashboard({ pools: pools(), everyMillis: 50, ...options }, { assets })
  up.push(made)
  return made
}

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface Question {
  readonly path?: string
  readonly method?: string
  readonly headers?: Record<string, string>
}

/** Asks as it is told to: paths and headers go out as they are. */
function ask(
  { port }: Dashboard,
  { headers = {}, method = 'GET', path = '/' }: Question = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, headers, agent: false }
    const asking = request(options, (response) => {
      let body = ''
      response.setEncoding('utf8')
      const done = () => resolve({ status: response.statusCode, headers: response.headers, body })
      response.on('data', (text: string) => {
        body += text
        // A stream has no end of its own.
        if (path.startsWith('/events')) {
          asking.destroy()
          done()
        }
      })
      response.on('end', done)
    })
    asking.on('error', reject)
    asking.end()
  })
}

describe('the page', () => {
  test('it comes with what it loads, and nothing that a page of another site could use', async () => {
    const site = await served()
    expect(site.url).toBe(`http://127.0.0.1:${site.port}/`)
    const page = await ask(site)
    expect(page).toMatchObject({ status: 200, body: PAGE })
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    })
    expect(page.headers['access-control-allow-origin']).toBeUndefined()
    for (const [name, type] of [
      ['style.css', 'text/css; charset=utf-8'],
      ['page.js', 'text/javascript; charset=utf-8'],
      ['uPlot.esm.js', 'text/javascript; charset=utf-8'],
      ['uPlot.min.css', 'text/css; charset=utf-8'],
    ]) {
      const { body, headers, status } = await ask(site, { path: `/assets/${name}` })
      expect([name, status, headers['content-type'], body.length > 0]).toEqual([name, 200, type, true])
    }
  })

  test('what a browser has already is not sent again', async () => {
    const site = await served()
    const { headers } = await ask(site, { path: '/assets/style.css' })
    const again = await ask(site, {
      path: '/assets/style.css',
      headers: { 'if-none-match': headers.etag as string },
    })
    expect([again.status, again.body, again.headers['cache-control']]).toEqual([304, '', 'private, no-cache'])
    const other = await ask(site, { path: '/assets/style.css', headers: { 'if-none-match': '"other"' } })
    expect(other.status).toBe(200)
  })

  test('its title is the one that was given, as text', async () => {
    const site = await served({ title: 'Orders </title><script>' })
    const { body } = await ask(site)
    expect(body).toContain('<title>Orders &lt;/title>&lt;script></title>')
    expect((await look(site.url)).hello.title).toBe('Orders </title><script>')
  })

  test('a copy of the package without it is no dashboard', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'sluice-empty-'))
    await expect(served({}, pathToFileURL(`${empty}/`))).rejects.toThrow('there is no index.html in')
    await rm(empty, { recursive: true })
    await expect(served({}, pathToFileURL(`${empty}/`))).rejects.toThrow('ENOENT')
  })

  test.each([
    '/index.html',
    '/assets/index.html',
    '/assets/notes.txt',
    '/assets/',
    '/assets',
    '/assets/../../package.json',
    '/assets/..%2f..%2fpackage.json',
    '/assets/%2e%2e/style.css',
    '/assets/./style.css',
    '//assets/style.css',
    '/assets/__proto__',
    '/assets/constructor',
    '/assets/style.css/',
    '/events/',
    '/EVENTS',
    '/metrics',
    'http://127.0.0.1/assets/style.css',
  ])('there is nothing at %s', async (path) => {
    expect((await ask(await served(), { path })).status).toBe(404)
  })

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'])(
    '%s is refused everywhere',
    async (method) => {
      const site = await served()
      for (const path of ['/', '/events', '/assets/style.css', '/nothing']) {
        const { body, headers, status } = await ask(site, { method, path })
        expect([status, headers.allow, body]).toEqual([405, 'GET, HEAD', ''])
      }
    },
  )

  test('HEAD says what GET would, without a body and without a stream', async () => {
    const site = await served()
    for (const path of ['/', '/assets/style.css']) {
      const [head, get] = [await ask(site, { method: 'HEAD', path }), await ask(site, { path })]
      expect([head.status, head.body, head.headers.etag]).toEqual([200, '', get.headers.etag])
      expect(head.headers['content-length']).toBe(get.headers['content-length'])
    }
    const events = await ask(site, { method: 'HEAD', path: '/events' })
    expect(events).toMatchObject({ status: 200, body: '' })
    expect(events.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    expect(site.viewers).toBe(0)
  })

  test('what is no HTTP is answered without a crash', async () => {
    const site = await served()
    const said = await converse(site, '\x16\x03\x01 nonsense\r\n\r\n').heard
    expect(said).toMatch(/^HTTP\/1\.1 400 /)
    expect((await ask(site)).status).toBe(200)
  })
})

/** Sends bytes as they are, and hears until the other side hangs up, or until `hear` has it. */
function converse({ port }: Dashboard, bytes: string, hear: (text: string) => boolean = () => false) {
  const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
  const heard = new Promise<string>((resolve, reject) => {
    let text = ''
    socket.on('data', (data) => {
      text += data.toString()
      if (hear(text)) resolve(text)
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
  return { heard, leave: () => socket.destroy() }
}

describe('one connection', () => {
  test('has one stream: what is asked behind it gets none, and leaves no viewer behind', async () => {
    const site = await served()
    const asking = `GET /events HTTP/1.1\r\nHost: 127.0.0.1:${site.port}\r\n\r\n`
    const { heard, leave } = converse(site, asking.repeat(20), (text) => text.includes('event: frame'))
    expect(await heard).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(site.viewers).toBe(1)
    leave()
    await expect.poll(() => site.viewers).toBe(0)
  })

  test('is closed when its request is not over after ten seconds', { timeout: 30_000 }, async () => {
    const site = await served()
    const half = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${site.port}\r\n`
    const answers = await Promise.all(['', half].map((bytes) => converse(site, bytes).heard))
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  })
})

describe('who gets nothing', () => {
  const nothing = { status: 403, body: '' }

  test('a foreign name, as after DNS rebinding', async () => {
    const site = await served()
    for (const host of [
      'evil.example',
      `evil.example:${site.port}`,
      'localhost',
      `127.0.0.1:${site.port + 1}`,
    ])
      for (const path of ['/', '/events', '/assets/style.css'])
        expect(await ask(site, { path, headers: { host } })).toMatchObject(nothing)
    expect((await ask(site, { headers: { host: `localhost:${site.port}` } })).status).toBe(200)
  })

  test('a page of another origin', async () => {
    const site = await served()
    for (const origin of ['https://evil.example', 'null', 'http://localhost:1'])
      for (const path of ['/', '/events'])
        expect(await ask(site, { path, headers: { origin } })).toMatchObject(nothing)
    const own = { origin: `http://127.0.0.1:${site.port}` }
    expect((await ask(site, { path: '/events', headers: own })).status).toBe(200)
  })

  test('a page of another site that sends no origin', async () => {
    const headers = { 'sec-fetch-site': 'cross-site' }
    expect(await ask(await served(), { path: '/events', headers })).toMatchObject(nothing)
  })
})

describe('the token', () => {
  test('without it there is 401 for everything, with how to give it', async () => {
    const site = await served({ token: TOKEN })
    for (const path of ['/', '/events', '/assets/style.css', '/nothing', `/events?token=${TOKEN}`]) {
      const { body, headers, status } = await ask(site, { path })
      expect([path, status, headers['www-authenticate']]).toEqual([path, 401, 'Bearer'])
      expect(body).toContain('?token=')
    }
    expect((await ask(site, { method: 'POST' })).status).toBe(401)
    for (const wrong of ['', 'wrong', `${TOKEN}x`, TOKEN.slice(0, -1)]) {
      expect((await ask(site, { path: `/?token=${wrong}` })).status).toBe(401)
      expect((await ask(site, { headers: { authorization: `Bearer ${wrong}` } })).status).toBe(401)
    }
  })

  test('given once in the address it becomes a cookie, and leaves the address', async () => {
    const site = await served({ token: TOKEN })
    const { body, headers, status } = await ask(site, { path: `/?token=${TOKEN}` })
    expect([status, headers.location, headers['cache-control'], body]).toEqual([303, '/', 'no-store', ''])
    const [cookie = ''] = headers['set-cookie'] ?? []
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict$/)
    expect(JSON.stringify(headers)).not.toContain(TOKEN)
    const known = { cookie: cookie.split(';')[0] as string }
    expect(await ask(site, { headers: known })).toMatchObject({ status: 200, body: PAGE })
    expect((await ask(site, { path: '/events', headers: known })).status).toBe(200)
    expect((await ask(site, { headers: { cookie: 'sluice_dashboard=1' } })).status).toBe(401)
  })

  test('programs send it as a header', async () => {
    const site = await served({ token: TOKEN })
    await (await look(site.url, { authorization: `Bearer ${TOKEN}` })).next('frame')
    await expect(look(site.url)).rejects.toThrow('status 401')
  })

  test('with it the dashboard may listen on every address, under those of this machine', async () => {
    await expect(served({ host: '0.0.0.0' })).rejects.toThrow('give dashboard() a token')
    const site = await served({ host: '0.0.0.0', token: TOKEN, allowedHosts: ['db.example'] })
    const known = { authorization: `Bearer ${TOKEN}` }
    expect((await ask(site, { headers: known })).status).toBe(200)
    expect((await ask(site, { headers: { ...known, host: 'db.example' } })).status).toBe(200)
    expect((await ask(site, { headers: { ...known, host: 'evil.example' } })).status).toBe(403)
  })
})

test('a port that is taken is said to be so, and nothing stays behind', async () => {
  const pool = pools()
  let attached = 0
  const watched = {
    stats: () => pool.stats(),
    attach: () => {
      attached += 1
      return () => undefined
    },
  }
  const { port } = await served()
  await expect(served({ pools: watched, port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  expect(attached).toBe(0)
})

describe('the process', () => {
  const library = new URL('../../dist/dashboard/index.js', import.meta.url).href
  const code = (unref: boolean) => `
    import { dashboard } from ${JSON.stringify(library)}
    const pool = { stats: () => ({}), attach: () => () => {} }
    const { url } = await dashboard({ pools: pool, unref: ${unref} })
    console.log(url)`
  const started = (unref: boolean) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', code(unref)])
    return { child, ended: once(child, 'exit'), said: once(child.stdout, 'data') }
  }

  test('it stays up with the dashboard', async () => {
    const { child, ended, said } = started(false)
    const url = String(await said).trim()
    await sleep(500)
    expect([child.exitCode, (await fetch(url)).status]).toEqual([null, expect.any(Number)])
    child.kill()
    await ended
  })

  test('with unref it ends as if there was none', async () => {
    const { ended, said } = started(true)
    expect(String(await said)).toMatch(/^http:/)
    expect(await ended).toEqual([0, null])
  })
})
