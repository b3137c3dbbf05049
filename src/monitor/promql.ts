/** Pieces of PromQL, for the alert rules and the Grafana dashboard: the names come from the table of metrics alone. */
import type { MetricId } from './prometheus/metrics.ts'
import { METRICS } from './prometheus/metrics.ts'

/** What tells the processes of one program apart: the labels that Prometheus and Kubernetes give to what they scrape. */
const PROCESS_LABELS = 'instance, pod'

/** What a histogram has a series of its own for. */
type Part = 'bucket' | 'sum' | 'count'

/**
 * The series of a metric, such as `db_pool_connections{state="idle"}`.
 * @param matchers what stands in the braces; empty for all
 */
export function series(id: MetricId, matchers = '', part?: Part): string {
  const name = part === undefined ? METRICS[id].name : `${METRICS[id].name}_${part}`
  return matchers === '' ? name : `${name}{${matchers}}`
}

/** How much a counter grows a second, over a window such as `5m`. */
export function rate(of: string, window: string): string {
  return `rate(${of}[${window}])`
}

/** How long a gauge counts that is not seen any more: less than the two minutes that an alert about one has to last at least. */
const SEEN_WITHIN = '119s'

/**
 * What a gauge was when it was seen last. A scrape that fails ends every series at once, and with them the time that an alert has lasted;
 * it fails most where there is most to tell, in a process or at a server that is too busy to answer.
 */
export function lately(of: string): string {
  return `last_over_time(${of}[${SEEN_WITHIN}])`
}

/** One series for those that differ in `label` alone: alerts carry no label that their name says already. */
export function without(label: string, of: string): string {
  return `sum without (${label}) (${of})`
}

/** The sum, as it is for one pool of all processes together. @param labels further ones to sum over */
export function overProcesses(of: string, ...labels: readonly string[]): string {
  return without([...labels, PROCESS_LABELS].join(', '), of)
}

/** The largest that any process reports, for what all of them see of one server. @param labels further ones to leave out */
export function asAnySees(of: string, ...labels: readonly string[]): string {
  return `max without (${[...labels, PROCESS_LABELS].join(', ')}) (${of})`
}
