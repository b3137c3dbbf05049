import type { Dashboard, Panel, RowPanel } from '@grafana/schema'
import { defaultDashboard } from '@grafana/schema'
import { expect, test } from 'vitest'
import type { GrafanaOptions } from './grafana.ts'
import { grafanaDashboard } from './grafana.ts'
import { METRICS } from './prometheus/metrics.ts'

const dashboard = JSON.parse(grafanaDashboard()) as Dashboard
const all: readonly (Panel | RowPanel)[] = dashboard.panels ?? []
const panels = all.filter((panel): panel is Panel => panel.type !== 'row')
const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => String(expr)))

test('it is of the version that the current schema has', () => {
  expect(dashboard.schemaVersion).toBe(defaultDashboard.schemaVersion)
  expect(dashboard).toMatchObject({ id: null, uid: 'sluice-pools', title: 'Sluice: connection pools' })
})

test('no two panels have one id, and no two queries of a panel one letter', () => {
  const ids = all.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { title, targets = [] } of panels) {
    const letters = targets.map(({ refId }) => refId)
    expect(new Set(letters).size, title).toBe(letters.length)
  }
})

test('no two panels lie over each other, none leaves the grid, and no line has a gap at its end', () => {
  const taken = new Map<string, string | undefined>()
  const ends = new Map<number, number>()
  for (const { gridPos, title } of all) {
    if (gridPos === undefined) throw new Error(`${title} has no place`)
    const { h, w, x, y } = gridPos
    expect(x + w).toBeLessThanOrEqual(24)
    ends.set(y, Math.max(ends.get(y) ?? 0, x + w))
    for (let column = x; column < x + w; column++)
      for (let line = y; line < y + h; line++) {
        expect(taken.get(`${column},${line}`), `under ${title}`).toBeUndefined()
        taken.set(`${column},${line}`, title)
      }
  }
  expect(new Set(ends.values())).toEqual(new Set([24]))
})

test('each panel has a title of its own, a sentence about it, a unit and a query', () => {
  const titles = panels.map(({ title }) => title)
  expect(new Set(titles).size).toBe(titles.length)
  for (const { description, fieldConfig, targets = [], title } of panels) {
    expect(description, title).toMatch(/\.$/)
    expect(fieldConfig?.defaults.unit, title).toMatch(/^\w+$/)
    expect(targets.length, title).toBeGreaterThan(0)
  }
})

test('what is promised to be seen is there', () => {
  const titles = panels.map(({ title }) => title)
  for (const title of [
    'Connection status',
    'Duration',
    'p95 by class',
    'Utilization',
    'Error rate',
    'Queue by priority',
    'Refusals',
    'Opens and closes',
    'Sessions',
  ])
    expect(titles).toContain(title)
  const status = panels.find(({ title }) => title === 'Connection status')
  expect(status?.targets?.[0]).toMatchObject({
    expr: 'sum by (state) (db_pool_connections{job=~"$job", pool=~"$pool", instance=~"$instance"})',
    legendFormat: '{{state}}',
  })
})

test('every metric that pools have is shown somewhere, and nothing else is asked for', () => {
  const asked = new Set(expressions.flatMap((expression) => expression.match(/\bdb_\w+/g) ?? []))
  const known = Object.values(METRICS).flatMap(({ name, type }) =>
    type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name],
  )
  for (const name of asked) expect(known).toContain(name)
  for (const { name, type } of Object.values(METRICS))
    expect(asked).toContain(type === 'histogram' ? `${name}_bucket` : name)
})

test('every query is of the chosen data source, programs, pools and processes', () => {
  for (const { datasource, targets = [] } of panels) {
    for (const source of [datasource, ...targets.map((target) => target.datasource)])
      expect(source).toEqual({ type: 'prometheus', uid: '$datasource' })
  }
  for (const expression of expressions) {
    const metrics = expression.match(/\bdb_\w+/g) ?? []
    expect(expression.split('{job=~"$job", pool=~"$pool", instance=~"$instance"').length - 1).toBe(
      metrics.length,
    )
  }
  expect(dashboard.templating?.list?.map(({ name }) => name)).toEqual([
    'datasource',
    'job',
    'pool',
    'instance',
  ])
})

test('a choice is offered from what fits the choices before it', () => {
  const offered = dashboard.templating?.list?.slice(1).map(({ query }) => Object(query).query)
  expect(offered).toEqual([
    'label_values(db_pool_max_connections, job)',
    'label_values(db_pool_max_connections{job=~"$job"}, pool)',
    'label_values(db_pool_max_connections{job=~"$job", pool=~"$pool"}, instance)',
  ])
})

test('without traffic a mean is a dash, and not the last one that there was', () => {
  const stats = panels.filter(({ type }) => type === 'stat')
  expect(stats.length).toBeGreaterThan(0)
  for (const { fieldConfig, options } of stats) {
    expect(options).toMatchObject({ reduceOptions: { calcs: ['last'] } })
    expect(fieldConfig?.defaults.mappings).toEqual([
      { type: 'special', options: { match: 'null+nan', result: { text: '–' } } },
    ])
  }
})

/** A panel, as far as it is a decision: percentiles, thresholds. */
const planned = (name: string) => {
  const panel = panels.find(({ title }) => title === name)
  const steps = panel?.fieldConfig?.defaults.thresholds?.steps.map(({ value }) => value)
  return { unit: panel?.fieldConfig?.defaults.unit, steps, queries: panel?.targets?.map(({ expr }) => expr) }
}

test('what is promised to be seen is asked for, in the units of the metrics', () => {
  const chosen = 'job=~"$job", pool=~"$pool", instance=~"$instance"'
  const sum = `sum by (le) (rate(db_query_duration_seconds_bucket{${chosen}}[$__rate_interval]))`
  expect(planned('Duration')).toMatchObject({
    unit: 's',
    queries: [0.5, 0.95, 0.99].map((share) => `histogram_quantile(${share}, ${sum})`),
  })
  expect(planned('Utilization')).toEqual({
    unit: 'percentunit',
    steps: [null, 0.7, 0.8],
    queries: [`db_pool_utilization_ratio{${chosen}}`],
  })
  expect(planned('Error rate')).toEqual({
    unit: 'percentunit',
    steps: [null, 0.01, 0.05],
    queries: [
      `(sum(rate(db_query_errors_total{${chosen}}[$__rate_interval])) or vector(0)) / sum(rate(db_query_duration_seconds_count{${chosen}}[$__rate_interval]))`,
    ],
  })
  expect(planned('Time to get a connection').steps).toEqual([null, 0.01, 0.05])
  expect(planned('Waiting').steps).toEqual([null, 1, 100])
  expect(planned('p95').steps).toEqual([null, 1, 5])
  expect(planned('Longest statement').steps).toEqual([null, 5, 30])
})

test('title and uid are as they are given', () => {
  expect(JSON.parse(grafanaDashboard({ title: 'Shop', uid: 'shop_pools' }))).toMatchObject({
    title: 'Shop',
    uid: 'shop_pools',
  })
})

test.each([
  [{ title: ' ' }, 'title must not be empty'],
  [{ title: 7 }, 'title must be a string'],
  [{ uid: 'short' }, 'uid must be 8 to 40 letters, digits, - and _'],
  [{ uid: 'shop/pools' }, 'uid must be 8 to 40 letters, digits, - and _'],
  [{ name: 'x' }, 'name is not an option of grafanaDashboard(); it has title, uid'],
])('%j is refused in a sentence', (options, sentence) => {
  expect(() => grafanaDashboard(options as GrafanaOptions)).toThrow(
    expect.objectContaining({ code: 'SLUICE_BAD_OPTION', message: expect.stringContaining(sentence) }),
  )
})
