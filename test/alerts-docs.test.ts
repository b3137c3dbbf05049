/** The table of alerts in docs/monitoring.md. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { alertRules } from '../src/monitor/alerts.ts'

const text = readFileSync(new URL('../docs/monitoring.md', import.meta.url), 'utf8')

interface Rule {
  readonly alert: string
  readonly for?: string
  readonly labels: { readonly severity: string }
}

test('has a row for every alert, with its time and severity, and for nothing else', () => {
  const { groups } = parse(alertRules()) as { groups: { rules: Rule[] }[] }
  const minutes = (time: string | undefined) =>
    time === undefined ? '' : `${Number.parseInt(time, 10) / 60} min`
  const rules = groups.flatMap((group) =>
    group.rules.map((rule) => [`\`${rule.alert}\``, minutes(rule.for), rule.labels.severity]),
  )
  const rows = [...text.matchAll(/^\| `Database.*$/gm)].map(([row]) => {
    const [, name, , time, severity] = row.split('|').map((cell) => cell.trim())
    return [name, time, severity]
  })
  expect(rows).toEqual(rules)
})
