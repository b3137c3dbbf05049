/** A real scrape has what the alert rules and the Grafana dashboard ask for. */
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { Pool } from '../../src/index.ts'
import { alertRules } from '../../src/monitor/alerts.ts'
import { grafanaDashboard } from '../../src/monitor/grafana.ts'
import { prometheus } from '../../src/monitor/prometheus.ts'
import type { Scrape } from '../support/exposition.ts'
import { readExposition } from '../support/exposition.ts'
import { databaseUrl } from '../support/postgres.ts'

let scrape: Scrape
const pools: Pool[] = []
afterAll(() => Promise.all(pools.map((pool) => pool.end())))

function made(config: ConstructorParameters<typeof Pool>[0]): Pool {
  const pool = new Pool({ connectionString: databaseUrl(), ...config })
  pools.push(pool)
  return pool
}

beforeAll(async () => {
  const registry = new Registry()
  const web = made({ max: 1, circuitBreaker: true })
  const nowhere = made({ connectionString: 'postgres://nobody@127.0.0.1:1/nothing' })
  prometheus({ web, nowhere }, registry, { activity: { timeoutMillis: 10_000 } })
  // One answers, and two fail.
  await Promise.allSettled([web.query('SELECT 1'), web.query('SELECT 1 / 0'), nowhere.query('SELECT 1')])
  const client = await web.connect()
  client.release(true)
  scrape = readExposition(await registry.metrics())
})

/** A metric and the labels that it is asked for by; the choice of the viewer left out. */
function selectors(expression: string): { name: string; labels: Record<string, string> }[] {
  return [...expression.matchAll(/\b(db_\w+)(?:\{([^}]*)\})?/g)].map(([, name = '', matchers = '']) => ({
    name,
    labels: Object.fromEntries(
      [...matchers.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', value = '']) => [label, value]),
    ),
  }))
}

function has({ name, labels }: ReturnType<typeof selectors>[number]): boolean {
  return [...scrape.families.values()]
    .flatMap(({ samples }) => samples)
    .some(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    )
}

test('every series that an alert rule asks for', () => {
  const { groups } = parse(alertRules()) as { groups: { rules: { expr: string }[] }[] }
  const asked = groups.flatMap(({ rules }) => rules.flatMap(({ expr }) => selectors(expr)))
  expect(asked).toContainEqual({ name: 'db_pool_connections', labels: { state: 'idle' } })
  expect(asked.filter((selector) => !has(selector))).toEqual([])
})

test('every series that a panel asks for, and each label that it sorts them by', () => {
  const { panels } = JSON.parse(grafanaDashboard()) as { panels: { targets?: { expr: string }[] }[] }
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  expect(expressions.flatMap(selectors).filter((selector) => !has(selector))).toEqual([])
  for (const expression of expressions) {
    const by = /\b(?:sum|max) by \(([^)]+)\)/.exec(expression)?.[1]?.split(', ') ?? []
    const [{ name } = { name: '' }] = selectors(expression)
    const samples = [...scrape.families.values()].flatMap((family) => family.samples)
    const labels = new Set(
      samples.filter((sample) => sample.name === name).flatMap((sample) => Object.keys(sample.labels)),
    )
    for (const label of by) expect(labels, expression).toContain(label)
  }
})

test('a series that nobody has is missed', () => {
  expect(has({ name: 'db_pool_connections', labels: { state: 'asleep' } })).toBe(false)
  expect(has({ name: 'db_pool_dreams', labels: {} })).toBe(false)
})
