/** What promtool says of a real scrape. */
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { prometheus } from '../../src/monitor/index.ts'
import { knownRun } from '../support/known-run.ts'
import { poolsWith } from '../support/pools.ts'
import { promtool } from '../support/promtool.ts'

const open = poolsWith({ max: 2 })

/** What `promtool check metrics` reads comes on its standard input. */
const check = (metrics: string) => promtool(['check', 'metrics'], {}, metrics)

test('a real scrape is clean', async () => {
  const registry = new Registry()
  const pools = { web: open({ circuitBreaker: true, retry: true }), jobs: open() }
  const { stop } = prometheus(pools, registry, {
    labels: { host: 'a "b"' },
    activity: { timeoutMillis: 20_000 },
  })
  onTestFinished(stop)
  await knownRun(pools.web, 5)
  expect(check(await registry.metrics())).toEqual({ code: 0, said: '' })
})

test('promtool complains of what is not clean', () => {
  const { code, said } = check('# HELP a_count Help.\n# TYPE a_count counter\na_count 1\n')
  expect(code).not.toBe(0)
  expect(said).toContain('a_count')
})
