/** The query of the adapter's rule, as Prometheus itself answers it. */
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { prometheusAdapterRule } from '../../src/monitor/kubernetes.ts'
import { gauge, judge } from './scene.ts'

test('a pod has the percentage of its fullest pool, and pods are told apart', () => {
  const { rules } = parse(prometheusAdapterRule())
  const asked = String(rules[0].metricsQuery)
    .replaceAll('<<.Series>>', 'db_pool_utilization_ratio')
    .replaceAll('<<.LabelMatchers>>', 'namespace="prod",pod=~"a|b"')
    .replaceAll('<<.GroupBy>>', 'pod')
  const seen = [
    gauge('utilization', 0.25, { namespace: 'prod', pod: 'a', pool: 'web' }),
    gauge('utilization', 0.75, { namespace: 'prod', pod: 'a', pool: 'jobs' }),
    gauge('utilization', 0.5, { namespace: 'prod', pod: 'b', pool: 'web' }),
    gauge('utilization', 1, { namespace: 'test', pod: 'a', pool: 'web' }),
  ]
  const samples = [
    { labels: '{pod="a"}', value: 75 },
    { labels: '{pod="b"}', value: 50 },
  ]
  const question = { promql_expr_test: [{ expr: asked, eval_time: '1m', exp_samples: samples }] }
  expect(judge('groups: []\n', seen, question)).toMatchObject({ code: 0 })
})
