import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const script = join(import.meta.dirname, '../../scripts/check-layers.mjs')
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-layers-'))
})

afterEach(() => {
  rmSync(root, { recursive: true })
})

function check(files: Record<string, string>) {
  for (const [file, source] of Object.entries(files)) {
    const path = join(root, 'src', file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, source)
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, root], { encoding: 'utf8' })
  return { status, stdout, problems: stderr.split('\n').filter((line) => line !== '') }
}

test('a tree that keeps every rule passes with one line', () => {
  const { status, stdout, problems } = check({
    'index.ts':
      "export { Pool } from './postgres/pool.ts'\nexport type { PoolClient } from 'pg'\nexport {}\n",
    'base/clock.ts':
      'export const systemClock = { now: () => performance.now(), after: setTimeout, at: Date.now }\n',
    'base/ring.ts': 'export class Ring {}\n',
    'core/index.ts': "// The engine.\nexport * from './pool.ts'\nexport { Ring } from '../base/ring.ts'\n",
    'core/pool.ts': "import { Ring } from '../base/ring.ts'\nexport const ring = new Ring()\n",
    'core/pool.test.ts':
      "import { ring } from './pool.ts'\nimport { fake } from '../../test/support/fake.ts'\n",
    'postgres/driver.ts': "import pg from 'pg'\nimport { ring } from '../core/pool.ts'\n",
    'postgres/pool.ts': "import type { PoolClient } from 'pg'\nexport class Pool {}\n",
    'profiles/env.ts': 'export const url = process.env.DATABASE_URL\n',
    'demo/run.ts': "import type { Client } from 'pg'\nsetTimeout(() => {}, 1)\n",
    'cli/main.ts': "import { Pool } from '../postgres/pool.ts'\nconsole.log(new Date(), process.env, Pool)\n",
  })
  expect(problems).toEqual([])
  expect(status).toBe(0)
  expect(stdout).toBe('check-layers: 11 files keep to their floors\n')
})

test('every problem is one line, in order of file and line, and the exit code is 1', () => {
  const { status, stdout, problems } = check({
    'postgres/pool.ts': 'export const a = 1\n',
    'core/b.ts':
      "import { x } from '../base/x.ts'\n\nimport {\n  a,\n} from '../postgres/pool.ts'\nconsole.log(a)\n",
    'core/a.ts': 'console.log(1)\n',
    'base/x.ts': 'export const x = 1\n',
  })
  expect(status).toBe(1)
  expect(stdout).toBe('')
  expect(problems).toEqual([
    'src/core/a.ts:1 the console is for cli',
    'src/core/b.ts:3 core may not import from postgres (floor 1 < 3)',
    'src/core/b.ts:6 the console is for cli',
  ])
})

describe('floors', () => {
  const above = 'core may not import from postgres (floor 1 < 3)'
  const postgres = { 'postgres/pool.ts': 'export const a = 1\n' }

  test.each([
    ['an import', "import { a } from '../postgres/pool.ts'"],
    ['a type import', "import type { a } from '../postgres/pool.ts'"],
    ['a default and named import', "import a, { b } from '../postgres/pool.ts'"],
    ['a namespace import', "import * as a from '../postgres/pool.ts'"],
    ['a bare import', "import '../postgres/pool.ts'"],
    ['a re-export', "export { a } from '../postgres/pool.ts'"],
    ['a star export', "export * from '../postgres/pool.ts'"],
    ['a dynamic import', "const a = await import('../postgres/pool.ts')"],
    ['a type query', "type A = typeof import('../postgres/pool.ts')"],
    ['a .js specifier', "import { a } from '../postgres/pool.js'"],
  ])('%s may not go up', (_, line) => {
    expect(check({ ...postgres, 'core/pool.ts': `export {}\n${line}\n` }).problems).toEqual([
      `src/core/pool.ts:2 ${above}`,
    ])
  })

  test('a room may not import sideways', () => {
    const source = "import { a } from '../postgres/pool.ts'\n"
    expect(check({ ...postgres, 'monitor/health.ts': source }).problems).toEqual([
      'src/monitor/health.ts:1 monitor may not import from postgres (floor 3 = 3)',
    ])
  })

  test('a test beside a file keeps to the floor of its room', () => {
    const source = "import { a } from '../postgres/pool.ts'\n"
    expect(check({ ...postgres, 'core/pool.test.ts': source }).problems).toEqual([
      `src/core/pool.test.ts:1 ${above}`,
    ])
  })

  test('a file outside the rooms is refused', () => {
    expect(check({ 'util/a.ts': 'export {}\n', 'loose.ts': 'export {}\n' }).problems).toEqual([
      'src/loose.ts:1 stands in no room of the house (see FLOORS in scripts/check-layers.mjs)',
      'src/util/a.ts:1 stands in no room of the house (see FLOORS in scripts/check-layers.mjs)',
    ])
  })

  test('src may import neither tests nor anything outside itself, nor the package by name', () => {
    expect(
      check({
        'core/pool.ts':
          "import '../../test/support/fake.ts'\nimport './slot.test.ts'\nimport 'sluice/core'\n",
      }).problems,
    ).toEqual([
      'src/core/pool.ts:1 src may not import from outside src',
      'src/core/pool.ts:2 a test may not be imported',
      'src/core/pool.ts:3 src may not import the package by its own name',
    ])
  })
})

describe('circles', () => {
  test('a circle of three files is reported once, types included', () => {
    expect(
      check({
        'core/a.ts': "\nimport { b } from './b.ts'\n",
        'core/b.ts': "import type { c } from './c.ts'\n",
        'core/c.ts': "export { a } from './a.ts'\n",
      }).problems,
    ).toEqual(['src/core/a.ts:2 circle: core/a.ts → core/b.ts → core/c.ts → core/a.ts'])
  })

  test('a file may not import itself', () => {
    expect(check({ 'core/a.ts': "import { a } from './a.ts'\n" }).problems).toEqual([
      'src/core/a.ts:1 circle: core/a.ts → core/a.ts',
    ])
  })
})

describe('packages', () => {
  test.each([
    ['pg', 'postgres'],
    ['ioredis', 'redis'],
    ['undici', 'http'],
  ])('%s is loaded only in the driver of %s', (name, room) => {
    const load = `import '${name}'\n`
    const files = { [`${room}/driver.ts`]: load, [`${room}/pool.ts`]: load, 'cli/main.ts': load }
    expect(check(files).problems.toSorted()).toEqual(
      [
        `src/${room}/pool.ts:1 ${name} is loaded only in ${room}/driver.ts`,
        `src/cli/main.ts:1 ${name} is loaded only in ${room}/driver.ts`,
      ].toSorted(),
    )
  })

  test.each([
    ['an inline type name, which still loads the module', "import { type Client } from 'pg'"],
    ['a path of the package', "import Query from 'pg/lib/query.js'"],
    ['a dynamic import', "const pg = await import('pg')"],
    ['a require', "const pg = require('pg')"],
  ])('%s counts as loading the driver', (_, line) => {
    expect(check({ 'postgres/pool.ts': `${line}\n` }).problems).toEqual([
      'src/postgres/pool.ts:1 pg is loaded only in postgres/driver.ts',
    ])
  })

  test('types of a driver stay in its room, the programs and the front door', () => {
    const types = "export type { Client } from 'pg'\n"
    const files = { 'index.ts': types, 'postgres/a.ts': types, 'demo/a.ts': types, 'cli/a.ts': types }
    expect(check({ ...files, 'monitor/a.ts': types }).problems).toEqual([
      'src/monitor/a.ts:1 types of pg are for postgres, demo, cli and the front door',
    ])
  })

  test.each(['prom-client', '@opentelemetry/api', '@aws-sdk/client-cloudwatch'])(
    '%s is handed in',
    (name) => {
      const source = `import type { A } from '${name}'\nimport { B } from '${name}'\n`
      expect(check({ 'monitor/a.ts': source }).problems).toEqual([
        `src/monitor/a.ts:2 ${name} is handed in by the user, never loaded`,
      ])
    },
  )
})

describe('index files', () => {
  test('nothing inside src imports one', () => {
    expect(
      check({
        'base/index.ts': 'export {}\n',
        'index.ts': "export * from './base/index.ts'\n",
        'core/a.ts': "import '../base/index.ts'\n",
      }).problems,
    ).toEqual([
      'src/core/a.ts:1 base/index.ts may not be imported inside src, import the file itself',
      'src/index.ts:1 base/index.ts may not be imported inside src, import the file itself',
    ])
  })

  test.each([
    ['a declaration', 'export const one = 1'],
    ['an import', "import './a.ts'"],
    ['a statement', 'start()'],
  ])('%s in one is refused', (_, line) => {
    const files = { 'core/a.ts': 'export {}\n', 'core/index.ts': `export * from './a.ts'\n\n${line}\n` }
    expect(check(files).problems).toEqual(['src/core/index.ts:3 an index.ts only re-exports'])
  })
})

describe('words', () => {
  const time = 'time comes only from Clock (base/clock.ts)'
  const environment = 'the environment is read only in profiles and cli'
  const console = 'the console is for cli'

  test.each([
    ['Date.now()', time],
    ['performance.now()', time],
    ['setTimeout(f, 1)', time],
    ['globalThis.setInterval(f, 1)', time],
    ['const later = setImmediate', time],
    ['new Date()', time],
    ['process.hrtime.bigint()', time],
    ['AbortSignal.timeout(5)', time],
    ["import { setTimeout as sleep } from 'node:timers/promises'", time],
    ['process.env.HOME', environment],
    ["process['env']", environment],
    ['const { env } = process', environment],
    ["import { env } from 'node:process'", environment],
    ['console.log(1)', console],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the fixture is a template
    ['const a = `text ${console.log(1)}`', console],
  ])('%s is refused', (line, rule) => {
    expect(check({ 'core/a.ts': `\n${line}\n` }).problems).toEqual([`src/core/a.ts:2 ${rule}`])
  })

  test.each([
    'clock.setTimeout(f, 1)',
    'new Date(millis)',
    '// Date.now() and console.log, import { x } from "pg"',
    "/* setTimeout\n * import 'pg' */",
    'const text = \'process.env "quoted" Date.now()\' + "it\'s console.log"',
    "const text = 'it\\'s setTimeout(f)'",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the fixture is a template
    'const text = `setTimeout ${[1].map((a) => { return `console.log ${a}` })} Date.now() import "pg"`',
    'const found = /console.log[/"]/.test(text)',
    'const half = (a + b) / 2 // console.log / setTimeout',
    'const afterConsole = consoleLike.log',
  ])('%s is fine', (line) => {
    expect(check({ 'core/a.ts': `${line}\n` }).problems).toEqual([])
  })

  test('demo may tell the time but not read the environment', () => {
    expect(check({ 'demo/a.ts': 'setTimeout(f, 1)\nprocess.env.HOME\n' }).problems).toEqual([
      `src/demo/a.ts:2 ${environment}`,
    ])
  })
})

test('the page runs in a browser: it may know the time, and take nothing but types from elsewhere', () => {
  const { problems } = check({
    'dashboard/frame.ts': 'export const a = 1\nexport interface Frame {}\n',
    'dashboard/web/app.ts': "import type { Frame } from '../frame.ts'\nsetInterval(() => Date.now(), 1000)\n",
    'dashboard/web/bad.ts': "import { a } from '../frame.ts'\n",
    'dashboard/server.ts': "import { App } from './web/app.ts'\nsetInterval(() => {}, 1)\n",
  })
  expect(problems).toEqual([
    'src/dashboard/server.ts:1 the page is for browsers',
    'src/dashboard/server.ts:2 time comes only from Clock (base/clock.ts)',
    'src/dashboard/web/bad.ts:1 a browser cannot load this, the page may import only its type',
  ])
})
