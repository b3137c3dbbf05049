import { describe, expect, test } from 'vitest'
import type { Asked } from './guard.ts'
import { Guard } from './guard.ts'
import type { HostName } from './hosts.ts'

const TOKEN = 'a-token-of-24-characters'

function guard({
  host = '127.0.0.1',
  token,
  allowedHosts = [],
}: {
  host?: string
  token?: string
  allowedHosts?: HostName[]
} = {}) {
  return new Guard({ host, port: 4_000, token, allowedHosts })
}

function asked(
  headers: Record<string, string | string[]>,
  url = '/events',
  localAddress = '127.0.0.1',
): Asked {
  const [path = '', query = ''] = url.split('?')
  const lists = Object.entries(headers).map(([name, value]) => [name, [value].flat()])
  return { path, query, headers: Object.fromEntries(lists) as Asked['headers'], localAddress }
}

describe('names', () => {
  test.each(['127.0.0.1:4000', 'localhost:4000', 'LOCALHOST:4000', '[::1]:4000'])(
    'on this machine’s own address %s is ours',
    (host) => {
      expect(guard().judge(asked({ host }))).toBe('welcome')
    },
  )

  test.each([
    'evil.example:4000',
    'evil.example',
    'localhost',
    'localhost:4001',
    '127.0.0.1.evil.example:4000',
    'localhost.:4000',
    '192.168.0.7:4000',
    'localhost:4000/evil',
    'me@localhost:4000',
    '',
  ])('%j is not', (host) => {
    expect(guard().judge(asked({ host }))).toBe('foreign')
  })

  test('no name at all, or two of them, is none of ours', () => {
    expect(guard().judge(asked({}))).toBe('foreign')
    expect(guard().judge(asked({ host: ['localhost:4000', 'localhost:4000'] }))).toBe('foreign')
  })

  test('names that were allowed are ours too, those without a port under any', () => {
    const allowedHosts = [
      { name: 'db.example', port: undefined },
      { name: 'localhost', port: 9_000 },
    ]
    const judge = (host: string) => guard({ allowedHosts }).judge(asked({ host }))
    expect(['db.example', 'db.example:8443', 'localhost:9000', 'localhost:4000'].map(judge)).toEqual(
      Array.from({ length: 4 }, () => 'welcome'),
    )
    expect(['www.db.example', 'localhost:9001'].map(judge)).toEqual(['foreign', 'foreign'])
  })

  test('elsewhere only the address that it listens on is ours', () => {
    const judge = (host: string) =>
      guard({ host: '10.0.0.5', token: TOKEN }).judge(asked({ host, authorization: `Bearer ${TOKEN}` }))
    expect(judge('10.0.0.5:4000')).toBe('welcome')
    expect(['127.0.0.1:4000', 'localhost:4000', '10.0.0.6:4000'].map(judge)).toEqual(
      Array.from({ length: 3 }, () => 'foreign'),
    )
  })

  test('of a server on all addresses the one is ours that the request came in at', () => {
    const authorization = `Bearer ${TOKEN}`
    const judge = (host: string, address: string) =>
      guard({ host: '0.0.0.0', token: TOKEN }).judge(asked({ host, authorization }, '/events', address))
    expect(judge('10.0.0.5:4000', '10.0.0.5')).toBe('welcome')
    expect(judge('10.0.0.5:4000', '::ffff:10.0.0.5')).toBe('welcome')
    expect(judge('[fe80::1]:4000', 'fe80::1')).toBe('welcome')
    expect(judge('10.0.0.6:4000', '10.0.0.5')).toBe('foreign')
    expect(judge('evil.example:4000', '10.0.0.5')).toBe('foreign')
  })

  test('on port 80 browsers leave the port out', () => {
    const web = new Guard({ host: '127.0.0.1', port: 80, token: undefined, allowedHosts: [] })
    expect(web.judge(asked({ host: 'localhost' }))).toBe('welcome')
  })
})

describe('other sites', () => {
  const host = 'localhost:4000'

  test.each(['http://evil.example', 'http://localhost:3000', 'null', 'http://127.0.0.1:4000', 'file://'])(
    'the origin %s is foreign',
    (origin) => {
      expect(guard().judge(asked({ host, origin }))).toBe('foreign')
    },
  )

  test.each(['http://localhost:4000', 'https://localhost:4000'])('the origin %s is ours', (origin) => {
    expect(guard().judge(asked({ host, origin }))).toBe('welcome')
  })

  test.each(['cross-site', 'same-site'])('what a browser calls %s gets no data', (site) => {
    const headers = { host, 'sec-fetch-site': site }
    expect(guard().judge(asked(headers))).toBe('foreign')
    expect(guard().judge(asked(headers, '/assets/style.css'))).toBe('foreign')
  })

  test('a link of another site may lead to the page', () => {
    expect(guard().judge(asked({ host, 'sec-fetch-site': 'cross-site' }, '/'))).toBe('welcome')
  })

  test.each(['same-origin', 'none'])('what a browser calls %s may ask', (site) => {
    expect(guard().judge(asked({ host, 'sec-fetch-site': site }))).toBe('welcome')
  })
})

describe('the token', () => {
  const locked = guard({ token: TOKEN })
  const host = '127.0.0.1:4000'
  const cookie = locked.cookie(TOKEN).split(';')[0] as string

  test('without it nobody gets anything', () => {
    for (const path of ['/', '/events', '/assets/style.css', '/nothing'])
      expect(locked.judge(asked({ host }, path))).toBe('unknown')
  })

  test('it opens the page from the address, and nothing else', () => {
    expect(locked.judge(asked({ host }, `/?token=${TOKEN}`))).toBe('token')
    expect(locked.judge(asked({ host }, `/events?token=${TOKEN}`))).toBe('unknown')
    expect(locked.judge(asked({ host }, `/?token=${TOKEN}x`))).toBe('unknown')
    expect(locked.judge(asked({ host }, '/?token='))).toBe('unknown')
  })

  test('it may come in a header', () => {
    expect(locked.judge(asked({ host, authorization: `Bearer ${TOKEN}` }))).toBe('welcome')
    expect(locked.judge(asked({ host, authorization: `bearer ${TOKEN}` }))).toBe('welcome')
    expect(locked.judge(asked({ host, authorization: `Basic ${TOKEN}` }))).toBe('unknown')
    expect(locked.judge(asked({ host, authorization: 'Bearer ' }))).toBe('unknown')
  })

  test('the cookie stands for it, does not contain it, and is good after a restart', () => {
    expect(locked.judge(asked({ host, cookie: `theme=dark; ${cookie}` }))).toBe('welcome')
    expect(guard({ token: TOKEN }).judge(asked({ host, cookie }))).toBe('welcome')
    expect(guard({ token: `${TOKEN}2` }).judge(asked({ host, cookie }))).toBe('unknown')
    expect(cookie).not.toContain(TOKEN)
    expect(locked.judge(asked({ host, cookie: cookie.replace(/=.*/, `=${TOKEN}`) }))).toBe('unknown')
    expect(locked.cookie(TOKEN)).toMatch(/; HttpOnly; SameSite=Strict$/)
  })

  test('dashboards on two ports of a machine have cookies of their own', () => {
    const other = new Guard({ host: '127.0.0.1', port: 4_001, token: TOKEN, allowedHosts: [] })
    expect(other.cookie(TOKEN).split('=')[0]).not.toBe(cookie.split('=')[0])
  })

  test('a foreign name gets nothing even with it', () => {
    expect(locked.judge(asked({ host: 'evil.example', authorization: `Bearer ${TOKEN}` }))).toBe('foreign')
  })
})
