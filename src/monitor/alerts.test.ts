import { expect, test } from 'vitest'
import { parse } from 'yaml'
import type { AlertOptions } from './alerts.ts'
import { alertRules } from './alerts.ts'
import { METRICS } from './prometheus/metrics.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

function read(options?: AlertOptions): { name: string; interval: string; rules: Rule[] } {
  const { groups } = parse(alertRules(options))
  expect(groups).toHaveLength(1)
  return groups[0]
}

test('the rules have the names, times and severities that are promised', () => {
  const { interval, rules } = read()
  expect(interval).toBe('30s')
  expect(rules.map((rule) => [rule.alert, rule.for, rule.labels.severity])).toEqual([
    ['DatabasePoolSaturated', '300s', 'warning'],
    ['DatabasePoolHighWaitTime', '120s', 'critical'],
    ['DatabasePoolHighUtilization', '300s', 'warning'],
    ['DatabasePoolExhausted', '60s', 'critical'],
    ['DatabasePoolQueueLong', '60s', 'critical'],
    ['DatabasePoolOverflowHigh', '300s', 'warning'],
    ['DatabasePoolSlowAcquire', '120s', 'warning'],
    ['DatabasePoolAcquireTimeouts', '60s', 'critical'],
    ['DatabasePoolLowReuse', '300s', 'warning'],
    ['DatabaseConnectionErrors', '120s', 'warning'],
    ['DatabaseSlowQueries', '300s', 'warning'],
    ['DatabaseIdleInTransaction', '300s', 'warning'],
    ['DatabaseLongStatement', undefined, 'warning'],
  ])
})

test('each says what is wrong, in numbers, and what to do', () => {
  for (const { annotations, alert } of read().rules) {
    expect(Object.keys(annotations), alert).toEqual(['summary', 'description', 'action'])
    expect(annotations.summary).toContain('{{ $labels.pool }}')
    expect(annotations.description).toContain('{{ $value | ')
    expect(annotations.action?.length).toBeGreaterThan(40)
  }
})

test('each asks for metrics that there are, and for series that a metric has', () => {
  const known = new Set(
    Object.values(METRICS).flatMap(({ name, type }) =>
      type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name],
    ),
  )
  for (const { expr, alert } of read().rules) {
    const names = expr.match(/\bdb_\w+/g) ?? []
    expect(names.length, alert).toBeGreaterThan(0)
    for (const name of names) expect(known).toContain(name)
  }
})

test('a runbook and labels are added to each', () => {
  const { rules } = read({ runbookUrl: 'https://wiki.example/db#', labels: { team: 'data' } })
  for (const { annotations, alert, labels } of rules) {
    expect(annotations.runbook_url).toBe(`https://wiki.example/db#${alert}`)
    expect(labels).toMatchObject({ team: 'data', severity: expect.any(String) })
  }
})

test.each([
  [{ runbookUrl: 'wiki/alerts' }, 'runbookUrl must be an http or https address'],
  [{ runbookUrl: 'https://ann:secret@wiki.example/' }, 'runbookUrl must be an http or https address'],
  [{ runbookUrl: 'https://wiki.example/{{ x }}' }, 'runbookUrl must be an http or https address'],
  [{ runbookUrl: 7 }, 'runbookUrl must be a string; it is of type number'],
  [{ labels: ['team'] }, 'labels must be an object of names and texts'],
  [{ labels: { 'a-b': 'c' } }, 'labels.a-b is no name of a label'],
  [{ labels: { severity: 'page' } }, 'labels.severity is taken'],
  [{ labels: { job: 'shop' } }, 'labels.job is taken: alerts have a label job already'],
  [{ labels: { namespace: 'prod' } }, 'labels.namespace is taken'],
  [{ labels: { team: 7 } }, 'labels.team must be a string; it is of type number'],
  [{ labels: { team: '{{ x }}' } }, 'labels.team must be a plain text without {{'],
  [{ label: {} }, 'label is not an option of alertRules(); did you mean labels?'],
])('%j is refused in a sentence', (options, sentence) => {
  const asked = () => alertRules(options as AlertOptions)
  expect(asked).toThrow(sentence)
  expect(asked).toThrow(expect.objectContaining({ code: 'SLUICE_BAD_OPTION' }))
  expect(asked).not.toThrow('secret')
})
