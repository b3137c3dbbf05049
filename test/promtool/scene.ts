/** What Prometheus would have scraped of a pool, for `promtool test rules`. */
import { stringify } from 'yaml'
import type { MetricId } from '../../src/monitor/prometheus/metrics.ts'
import { METRICS } from '../../src/monitor/prometheus/metrics.ts'
import { promtool } from '../support/promtool.ts'

/** Half an hour of scrapes, 30 s apart. */
const SCRAPES = 60

/** A series of one process: a gauge that stays, or a counter that grows by so much between two scrapes. */
export interface Scraped {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly values: string
}

/** @param labels over those of pool `web` in the process `a:9090`; undefined leaves one out */
export function gauge(id: MetricId, value: number, labels: Record<string, string> = {}): Scraped {
  return scraped(METRICS[id].name, `${value}x${SCRAPES}`, labels)
}

/** @param part of a histogram */
export function counter(
  id: MetricId,
  each: number,
  labels: Record<string, string> = {},
  part?: 'bucket' | 'sum' | 'count',
): Scraped {
  const { name } = METRICS[id]
  return scraped(part === undefined ? name : `${name}_${part}`, `0+${each}x${SCRAPES}`, labels)
}

/** A counter that reaches a value at the second scrape, and stays there. */
export function once(
  id: MetricId,
  value: number,
  part?: 'sum' | 'count',
  labels: Record<string, string> = {},
): Scraped {
  const { name } = METRICS[id]
  return scraped(part === undefined ? name : `${name}_${part}`, `0 ${value}x${SCRAPES - 1}`, labels)
}

/** The same where every fourth scrape fails: its series end, and begin again. */
export function withFailedScrapes({ name, labels, values }: Scraped): Scraped {
  const value = values.replace(/x.*/, '')
  return { name, labels, values: Array.from({ length: SCRAPES / 4 }, () => `${value}x2 stale`).join(' ') }
}

/** The same of a process that was scraped once more and then ended. */
export function thenGone({ name, labels, values }: Scraped): Scraped {
  return { name, labels, values: `${values.replace(/x.*/, '')} stale` }
}

function scraped(name: string, values: string, labels: Record<string, string>): Scraped {
  return { name, values, labels: { job: 'shop', instance: 'a:9090', pool: 'web', ...labels } }
}

/** The gauges of a pool. */
export interface Gauges {
  readonly max?: number
  readonly total?: number
  readonly idle?: number
  readonly waiting?: number
  readonly maxOverflow?: number
}

/** A pool as its gauges show it: all that is not idle is in use. */
export function pool(gauges: Gauges = {}, labels: Record<string, string> = {}): Scraped[] {
  const { max = 10, total = 0, idle = 0, waiting = 0, maxOverflow = 0 } = gauges
  const active = total - idle
  return [
    gauge('connections', total, { ...labels, state: 'total' }),
    gauge('connections', idle, { ...labels, state: 'idle' }),
    gauge('connections', active, { ...labels, state: 'active' }),
    gauge('connections', waiting, { ...labels, state: 'waiting' }),
    gauge('max', max, labels),
    gauge('maxOverflow', maxOverflow, labels),
    gauge('overflow', Math.max(0, total - max), labels),
    gauge('utilization', active / max, labels),
  ]
}

/** Acquires of a pool between two scrapes: how many, their mean wait in seconds, and the part that was reused. */
export function acquires(each: number, meanSeconds: number, reused: number): Scraped[] {
  return [
    counter('wait', each, {}, 'count'),
    counter('wait', each * meanSeconds, {}, 'sum'),
    counter('acquires', each),
    counter('reuses', reused),
  ]
}

/** Statements between two scrapes: how many of 100 take longer than 5 s; the others take 2 to 5. */
export function statements(slow: number, each = 100, labels: Record<string, string> = {}): Scraped[] {
  const upTo: readonly (readonly [le: string, count: number])[] = [
    ['2', 0],
    ['5', each - (slow * each) / 100],
    ['10', each],
    ['+Inf', each],
  ]
  return upTo.map(([le, count]) => counter('queries', count, { class: 'simple', ...labels, le }, 'bucket'))
}

function seriesText({ name, labels }: Scraped): string {
  const matchers = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  return `${name}{${matchers.join(',')}}`
}

/** A run of the rules over what was scraped, and what is asked of it. */
export function judge(
  rules: string,
  seen: readonly Scraped[],
  questions: object,
): { code: number | null; said: string } {
  const file = {
    rule_files: ['rules.yml'],
    evaluation_interval: '30s',
    tests: [
      {
        interval: '30s',
        input_series: seen.map((one) => ({ series: seriesText(one), values: one.values })),
        ...questions,
      },
    ],
  }
  return promtool(['test', 'rules', 'test.yml'], { 'rules.yml': rules, 'test.yml': stringify(file) })
}

/** How many alerts of that name are firing at that moment, as a question. */
export function firing(name: string, at: string, count: number): object {
  return counted(`alertname="${name}",alertstate="firing"`, at, count)
}

/** That no alert at all fires, as a question. */
export function noneFiring(at: string): object {
  return counted('alertstate="firing"', at, 0)
}

/** That no alert at all fires or is about to, as a question. */
export function silence(at: string): object {
  return counted('', at, 0)
}

function counted(matchers: string, at: string, count: number): object {
  const samples = count === 0 ? [] : [{ labels: '{}', value: count }]
  return {
    promql_expr_test: [{ expr: `count(ALERTS{${matchers}})`, eval_time: at, exp_samples: samples }],
  }
}
