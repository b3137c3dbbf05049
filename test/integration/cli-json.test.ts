/** `--json`, as a script reads it: one object on standard output, whatever happens. */
import { describe, expect, test } from 'vitest'
import { run } from './cli-support.ts'

/** Nothing listens there. */
const nowhere = 'postgres://sluice:secret-word@127.0.0.1:1/sluice'

describe('bad input with --json is one object with ok false, the sentence, and exit code 2', () => {
  test.each([
    [['check', 'nonsense'], 'is not a connection string'],
    [['check', nowhere, '--timeout', '0'], '--timeout must be a whole number from 1 to 60'],
    [['check', '--nonsense'], "unknown option '--nonsense'"],
    [['tune', nowhere, '--max', '2'], '--max must be a whole number from 3 to 1,000'],
    [['tune', 'postgres://a:b#c@d/e'], 'has characters in its password'],
    [['load', nowhere, '--callers', '0'], '--callers must be a whole number from 1'],
    [['load', 'mysql://x'], 'must begin with postgres://'],
    [['size', '--agents', '50'], '--agents and --queries belong together'],
    [
      ['size', '--limit', '10', '--reserved', '20'],
      '--reserved must be a whole number from 0 to 9; it is 20.',
    ],
    [['config', '--traffic', 'huge'], "argument 'huge' is invalid"],
    [['emit'], 'Say what to emit'],
    [['emit', 'nonsense'], 'There is no "nonsense" to emit'],
    [['emit', 'hpa', '--deployment', 'Shop'], '--deployment must be 1 to 63 small letters'],
    [['watch', 'localhost:5480/?token=secret-word'], 'must begin with http:// or https://'],
    [['demo', '--serve'], '--serve goes on after the comparison'],
  ])('%j', async (args, sentence) => {
    const { code, stdout, stderr } = await run([...args, '--json'])
    const found = JSON.parse(stdout)
    expect([code, found.ok]).toEqual([2, false])
    expect(found.error).toContain(sentence)
    expect(stderr).toContain(sentence)
    expect(stdout).not.toContain('secret-word')
  })
})

test.each(['check', 'doctor', 'tune', 'load'])(
  '%s says in one object why there is no connection',
  async (command) => {
    const { code, stdout } = await run([command, nowhere, '--json'])
    const found = JSON.parse(stdout)
    expect(code).toBe(1)
    expect(found).toMatchObject({
      ok: false,
      host: '127.0.0.1',
      port: 1,
      kind: 'refused',
      code: 'ECONNREFUSED',
    })
    expect(found.advice).toContain('listen_addresses')
    expect(stdout).not.toContain('secret-word')
  },
)

test.each([
  [['size', '--tier', 'medium'], {}],
  [['config'], { DATABASE_URL: nowhere }],
  [['emit', 'grafana'], {}],
])('what %j found has ok true', async (args, env) => {
  const { code, stdout } = await run([...args, '--json'], env)
  expect([code, JSON.parse(stdout).ok]).toEqual([0, true])
})

test('help in a pipe is no wider than 80 columns', async () => {
  const { stdout } = await run(['load', '--help'])
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
})
