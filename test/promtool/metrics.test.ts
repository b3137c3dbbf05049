/** What promtool says of a real scrape. */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { prometheus } from '../../src/monitor/index.ts'
import { knownRun } from '../support/known-run.ts'
import { poolsWith } from '../support/pools.ts'
import { PROMTOOL } from '../support/programs.ts'

const open = poolsWith({ max: 2 })

/** Runs `promtool check metrics`. */
async function check(metrics: string) {
  const child = spawn(PROMTOOL.file ?? '', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(metrics)
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [code, out, complaints] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { code, said: out + complaints }
}

test('a real scrape is clean', async () => {
  const registry = new Registry()
  const pools = { web: open({ circuitBreaker: true, retry: true }), jobs: open() }
  const { stop } = prometheus(pools, registry, {
    labels: { host: 'a "b"' },
    activity: { timeoutMillis: 20_000 },
  })
  onTestFinished(stop)
  await knownRun(pools.web, 5)
  expect(await check(await registry.metrics())).toEqual({ code: 0, said: '' })
})

test('promtool complains of what is not clean', async () => {
  const { code, said } = await check('# HELP a_count Help.\n# TYPE a_count counter\na_count 1\n')
  expect(code).not.toBe(0)
  expect(said).toContain('a_count')
})
