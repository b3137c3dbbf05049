/** The queries of the Grafana dashboard, as Prometheus itself reads them. */
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { grafanaDashboard } from '../../src/monitor/grafana.ts'
import { promtool } from '../support/promtool.ts'

interface Model {
  readonly panels: readonly {
    readonly title: string
    readonly targets?: readonly { readonly expr: string }[]
  }[]
}

test('Prometheus understands the query of every panel', () => {
  const { panels } = JSON.parse(grafanaDashboard()) as Model
  // What Grafana fills in before it asks.
  const expressions = panels.flatMap(({ targets = [] }) =>
    targets.map(({ expr }) =>
      expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(?:job|pool|instance)\b/g, '.*'),
    ),
  )
  for (const expression of expressions) expect(expression).not.toContain('$')
  const rules = expressions.map((expr, index) => ({ record: `panel:query:${index}`, expr }))
  const file = stringify({ groups: [{ name: 'panels', rules }] })
  const { code, said } = promtool(['check', 'rules', '--lint-fatal', 'rules.yml'], { 'rules.yml': file })
  expect([code, said]).toEqual([0, expect.stringContaining(`SUCCESS: ${expressions.length} rules found`)])
})
