/** The queries of the dashboard: of what the viewer has chosen at its top. */
import type { MetricId } from '../prometheus/metrics.ts'
import { rate, series } from '../promql.ts'
import type { Query } from './panel.ts'

/** The programs, pools and processes that the viewer has chosen. */
const CHOSEN = 'job=~"$job", pool=~"$pool", instance=~"$instance"'

/** As long as Grafana thinks right for the scrape interval and the width of the picture. */
const WINDOW = '$__rate_interval'

/** A metric of what is chosen. @param matchers further ones */
export function chosen(id: MetricId, matchers = '', part?: 'bucket' | 'sum' | 'count'): string {
  return series(id, matchers === '' ? CHOSEN : `${CHOSEN}, ${matchers}`, part)
}

/** How much a counter of what is chosen grows a second. */
export function growth(id: MetricId, part?: 'sum' | 'count'): string {
  return rate(chosen(id, '', part), WINDOW)
}

/** One number for all that is chosen. */
export function total(expression: string): string {
  return `sum(${expression})`
}

/** One curve for each value of a label. */
export function by(label: string, expression: string): Query {
  return { expression: `sum by (${label}) (${expression})`, legend: `{{${label}}}` }
}

/** One curve for each pool and process. */
export function each(expression: string): Query {
  return { expression, legend: '{{pool}} {{instance}}' }
}

/** A percentile of a histogram, of all that is chosen together. */
export function percentile(id: MetricId, percent: 50 | 95 | 99): Query {
  return { expression: quantile(id, percent, 'le'), legend: `p${percent}` }
}

/** p50, p95 and p99 of a histogram. */
export function percentiles(id: MetricId): readonly Query[] {
  return [percentile(id, 50), percentile(id, 95), percentile(id, 99)]
}

/** A percentile for each value of a label. */
export function percentileBy(label: string, id: MetricId, percent: 50 | 95 | 99): Query {
  return { expression: quantile(id, percent, `le, ${label}`), legend: `{{${label}}}` }
}

/** The mean of a histogram. */
export function mean(id: MetricId): string {
  return `${total(growth(id, 'sum'))} / ${total(growth(id, 'count'))}`
}

function quantile(id: MetricId, percent: number, labels: string): string {
  return `histogram_quantile(${percent / 100}, sum by (${labels}) (${rate(chosen(id, '', 'bucket'), WINDOW)}))`
}
