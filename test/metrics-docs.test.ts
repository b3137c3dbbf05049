/** The table of metrics in docs/monitoring.md. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { METRICS } from '../src/monitor/prometheus/metrics.ts'

const text = readFileSync(new URL('../docs/monitoring.md', import.meta.url), 'utf8')

test('has a row for every metric, with what is said of it, and for nothing else', () => {
  const rows = Object.values(METRICS).map(({ name, type, labels, help }) =>
    ['', `\`${name}\``, type, labels.map((label) => `\`${label}\``).join(', '), help, ''].join(' | ').trim(),
  )
  const plain = (row: string) => row.replaceAll(/\s+/g, ' ')
  expect([...text.matchAll(/^\| `db_.*$/gm)].map(([row]) => plain(row))).toEqual(rows.map(plain))
})
