import { expect, test } from 'vitest'
import { readDashboardOptions } from './options.ts'

const pools = { stats: () => undefined, attach: () => () => undefined }

test('without options it listens on this machine only, on a free port, four times a second', () => {
  expect(readDashboardOptions({ pools })).toMatchObject({
    port: 0,
    host: '127.0.0.1',
    token: undefined,
    allowedHosts: [],
    everyMillis: 250,
    title: undefined,
    unref: false,
  })
})

test.each(['0.0.0.0', '::', '10.0.0.5', 'db.example', '128.0.0.1', '127.example'])(
  'listening on %s needs a token, and the refusal says what to do',
  (host) => {
    expect(() => readDashboardOptions({ pools, host })).toThrow(
      `host "${host}" can be reached from other machines: give dashboard() a token of 16 or more characters, or leave host at 127.0.0.1`,
    )
    expect(readDashboardOptions({ pools, host, token: '0123456789abcdef' }).host).toBe(host)
  },
)

test.each(['127.0.0.1', '127.8.9.10', '::1', 'localhost', 'LOCALHOST'])(
  'listening on %s needs none',
  (host) => {
    expect(readDashboardOptions({ pools, host }).token).toBeUndefined()
  },
)

test.each(['short', 'with a space in its middle', 'pässword-pässword'])(
  'a token of another shape is refused and not repeated',
  (token) => {
    expect(() => readDashboardOptions({ pools, token })).toThrow(
      `token must be 16 to 256 characters, none of them a space or outside ASCII; it has ${token.length}`,
    )
  },
)

test.each([
  [{ everyMillis: 251 }, 'everyMillis must be a whole number from 50 to 250 (milliseconds); it is 251'],
  [{ everyMillis: 10 }, 'everyMillis must be a whole number from 50 to 250 (milliseconds); it is 10'],
  [{ port: 70_000 }, 'port must be a whole number from 0 to 65,535; it is 70000'],
  [{ everyMilis: 100 }, 'everyMilis is not an option of dashboard(); did you mean everyMillis?'],
  [{ unref: 'yes' }, 'unref must be true or false; it is "yes"'],
  [{ pools: { ['x'.repeat(201)]: pools } }, 'names of pools must be of at most 200 characters; one has 201'],
  [
    { pools: { 'postgres://me:s3cr3t@db/': pools } },
    'dashboard() was given a pool under "postgres://me:***@db/", with a password in it: names are shown, give it another',
  ],
  [{ title: '' }, 'title must be 1 to 100 characters; it has 0'],
  [{ host: 'http://x' }, 'host must be an address or a name without a port, as in 127.0.0.1 or ::1'],
  [{ allowedHosts: 'a' }, 'allowedHosts must be a list of names, each with or without a port'],
  [
    { allowedHosts: ['http://a/'] },
    'allowedHosts must be names with or without a port, as in db.example.com; "http://a/" is none',
  ],
  [
    { allowedHosts: ['postgres://me:s3cr3t@db/'] },
    'allowedHosts must be names with or without a port, as in db.example.com; "postgres://me:***@db/" is none',
  ],
  [
    { allowedHosts: [5] },
    'allowedHosts must be names with or without a port, as in db.example.com; one of type number is none',
  ],
])('%j is refused in one sentence', (options, sentence) => {
  expect(() => readDashboardOptions({ pools, ...options })).toThrow(sentence)
})

test('without a pool there is nothing to show', () => {
  expect(() => readDashboardOptions({})).toThrow('dashboard() takes a pool; it got undefined')
  expect(() => readDashboardOptions(undefined)).toThrow('dashboard() takes a pool; it got undefined')
  expect(() => readDashboardOptions({ pools: new (class Other {})() })).toThrow(
    'dashboard() takes a pool; what it got has no stats()',
  )
  expect(() => readDashboardOptions({ pools: {} })).toThrow('dashboard() was given no pool')
  expect(() => readDashboardOptions({ pools: { web: { stats: () => 1 } } })).toThrow(
    'dashboard() under "web" takes a pool; what it got has no attach()',
  )
})

test.each([[[pools]], [new Set([pools])], [new Map([[1, pools]])]])(
  'pools without names are refused, and what to give is said',
  (list) => {
    expect(() => readDashboardOptions({ pools: list })).toThrow(
      'dashboard() was given a list in which not each is a pair of name and pool: give an object or a Map of pools by name',
    )
  },
)

test('allowed names are compared in lower case', () => {
  expect(
    readDashboardOptions({ pools, allowedHosts: ['DB.example', 'localhost:9000'] }).allowedHosts,
  ).toEqual([
    { name: 'db.example', port: undefined },
    { name: 'localhost', port: 9_000 },
  ])
})
