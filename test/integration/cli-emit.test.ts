/** `sluice emit`, as the shell runs it. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { startPostgres } from '../../src/demo/embedded.ts'
import { alertRules } from '../../src/monitor/alerts.ts'
import { grafanaDashboard } from '../../src/monitor/grafana.ts'
import { horizontalPodAutoscaler, prometheusAdapterRule } from '../../src/monitor/kubernetes.ts'
import { postgresqlConf } from '../../src/monitor/postgresql-conf.ts'
import { withClient } from '../support/postgres.ts'
import { run } from './cli-support.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-emit-test-'))
  // An embedded server may run as somebody else.
  chmodSync(folder, 0o755)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('standard output is the text that the function makes, and nothing else', () => {
  test.each([
    [['alerts'], alertRules()],
    [
      ['alerts', '--runbook-url', 'https://wiki.example/', '--label', 'team=data', '--label', 'env=a=b'],
      alertRules({ runbookUrl: 'https://wiki.example/', labels: { team: 'data', env: 'a=b' } }),
    ],
    [['grafana'], grafanaDashboard()],
    [
      ['grafana', '--title', 'Shop', '--uid', 'shop-pools'],
      grafanaDashboard({ title: 'Shop', uid: 'shop-pools' }),
    ],
    [['hpa', '--deployment', 'shop'], horizontalPodAutoscaler({ deployment: 'shop' })],
    [
      [...'hpa --deployment shop --name a --namespace b --min-replicas 3 --max-replicas 4'.split(' ')],
      horizontalPodAutoscaler({
        deployment: 'shop',
        name: 'a',
        namespace: 'b',
        minReplicas: 3,
        maxReplicas: 4,
      }),
    ],
    [['adapter'], prometheusAdapterRule()],
    [['postgresql.conf', '--memory', '16GB'], postgresqlConf({ memoryMegabytes: 16_384 })],
    [
      ['postgresql.conf', '--memory', '1.5 gb', '--max-connections', '50', '--role', 'shop'],
      postgresqlConf({ memoryMegabytes: 1_536, maxConnections: 50, role: 'shop' }),
    ],
  ])('%j', async (args, text) => {
    expect(await run(['emit', ...args])).toEqual({ code: 0, stdout: text, stderr: '' })
  })
})

test('replicas that the server has no connections for are said beside the text', async () => {
  const args = ['emit', 'hpa', '--deployment', 'shop', '--pool-max', '20', '--server-limit', '300']
  const { code, stdout, stderr } = await run(args)
  expect(code).toBe(0)
  expect(stderr).toMatch(/^sluice: TOO MANY: 20 replicas \+ 5 in a rolling deploy, × 20 connections = 500/)
  expect(parse(stdout).kind).toBe('HorizontalPodAutoscaler')
  const fits = await run([...args.slice(0, -1), '1000'])
  expect([fits.code, fits.stderr]).toEqual([0, ''])
})

test('--json prints one object with the text in it', async () => {
  const { stdout } = await run(['emit', 'hpa', '--deployment', 'shop', '--pool-max', '50', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    output: null,
    warning: expect.stringContaining('TOO MANY'),
    text: expect.stringContaining('kind: HorizontalPodAutoscaler'),
  })
})

describe('a file', () => {
  test('is written where there is none, and replaced only by force', async () => {
    const file = join(folder, 'sluice.rules.yml')
    const args = ['emit', 'alerts', '--output', file]
    expect(await run(args)).toEqual({ code: 0, stdout: `Wrote ${file}.\n`, stderr: '' })
    expect(readFileSync(file, 'utf8')).toBe(alertRules())

    writeFileSync(file, 'mine')
    const again = await run(args)
    expect([again.code, again.stdout]).toEqual([2, ''])
    expect(again.stderr).toBe(`sluice: ${file} is there already: --force replaces it.\n`)
    expect(readFileSync(file, 'utf8')).toBe('mine')

    expect((await run([...args, '--force', '--json'])).stdout).toContain('"ok": true')
    expect(readFileSync(file, 'utf8')).toBe(alertRules())
  })

  test('that cannot be written is one sentence and exit code 1', async () => {
    const { code, stderr } = await run(['emit', 'grafana', '-o', join(folder, 'no', 'where.json')])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^sluice: .*where\.json cannot be written \(ENOENT\)\.\n$/)
  })
})

describe('what makes no sense is one sentence about the flag, and exit code 2', () => {
  test.each([
    ['', 'Say what to emit: alerts, grafana, hpa, adapter, postgresql.conf.'],
    ['nonsense', 'There is no "nonsense" to emit: alerts, grafana'],
    ['alerts --force', '--force needs --output'],
    ['alerts --runbook-url wiki', '--runbook-url must be an http or https address'],
    ['alerts --label team', '--label must be a name and a value such as team=data; it is "team".'],
    ['alerts --label severity=page', '--label severity is taken: alerts have a label severity already.'],
    ['grafana --uid a', '--uid must be 8 to 40 letters, digits, - and _.'],
    ['hpa', "required option '--deployment <name>' not specified"],
    ['hpa --deployment Shop', '--deployment must be 1 to 63 small letters'],
    [
      'hpa --deployment a --max-replicas 0',
      '--max-replicas must be a whole number from 1 to 1,000; it is "0".',
    ],
    [
      'hpa --deployment a --min-replicas 5 --max-replicas 4',
      '--max-replicas must be a whole number from 5 to 1,000; it is 4.',
    ],
    [
      'hpa --deployment a --server-limit 100',
      '--server-limit needs --pool-max: the connections of one replica.',
    ],
    ['postgresql.conf', "required option '--memory <size>' not specified"],
    ['postgresql.conf --memory 16', '--memory must be a size from 256MB to 16TB such as 16GB; it is "16".'],
    ['postgresql.conf --memory 100MB', '--memory must be a size from 256MB'],
  ])('%s', async (flags, sentence) => {
    const { code, stdout, stderr } = await run(['emit', ...flags.split(' ').filter((flag) => flag !== '')])
    expect([code, stdout, stderr.trim().split('\n').length]).toEqual([2, '', 1])
    expect(stderr).toContain(sentence)
  })
})

test('help in a pipe is no wider than 80 columns, also that of each text', async () => {
  for (const what of [[], ['alerts'], ['grafana'], ['hpa'], ['adapter'], ['postgresql.conf']]) {
    const { code, stdout } = await run(['emit', ...what, '--help'])
    expect(code).toBe(0)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  }
})

test('what the docs show runs', async () => {
  const shown = ['monitoring.md', 'sizing.md'].flatMap((page) => {
    const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8')
    return [...text.matchAll(/^npx sluice (emit [^|\n]+)/gm)].map(([, command = '']) => command.trim())
  })
  expect(shown.map((command) => command.split(' ')[1])).toEqual([
    'alerts',
    'grafana',
    'hpa',
    'adapter',
    'postgresql.conf',
  ])
  for (const command of shown) {
    const { code, stderr } = await run(command.replace(/ --output \S+/, '').split(' '))
    expect([command, code, stderr]).toEqual([command, 0, ''])
  }
})

test('a server starts with the postgresql.conf, and has what it says', async () => {
  const file = join(folder, 'postgresql.conf')
  await run(['emit', 'postgresql.conf', '--memory', '512MB', '--role', 'shop "x"', '--output', file])
  const server = await startPostgres({ settings: { config_file: file } })
  try {
    await withClient(async (client) => {
      const { rows } = await client.query<{ name: string; setting: string; error: string | null }>(
        'SELECT name, setting, error FROM pg_file_settings ORDER BY seqno',
      )
      expect(rows).toEqual([
        { name: 'max_connections', setting: '200', error: null },
        { name: 'shared_buffers', setting: '128MB', error: null },
        { name: 'effective_cache_size', setting: '384MB', error: null },
        { name: 'work_mem', setting: '4MB', error: null },
        { name: 'idle_in_transaction_session_timeout', setting: '30s', error: null },
        { name: 'statement_timeout', setting: '30s', error: null },
        { name: 'lock_timeout', setting: '10s', error: null },
      ])
      const { rows: effective } = await client.query("SELECT current_setting('shared_buffers') AS shared")
      expect(effective).toEqual([{ shared: '128MB' }])
      await client.query('CREATE ROLE "shop ""x"""')
      const limits = readFileSync(file, 'utf8').match(/ALTER ROLE .*;/g) ?? []
      for (const statement of limits) await client.query(statement)
      const { rows: role } = await client.query(`SELECT rolconfig FROM pg_roles WHERE rolname = 'shop "x"'`)
      expect(role).toEqual([
        {
          rolconfig: ['statement_timeout=30s', 'idle_in_transaction_session_timeout=60s', 'lock_timeout=10s'],
        },
      ])
    }, server.url)
  } finally {
    await server.stop()
  }
})
