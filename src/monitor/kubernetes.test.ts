import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { AutoscalerOptions } from './kubernetes.ts'
import { autoscalerFit, horizontalPodAutoscaler, prometheusAdapterRule } from './kubernetes.ts'

/** The text without what the parser does not see. */
const comment = (text: string) => text.split('\n', 1)[0]

describe('the autoscaler', () => {
  test('has every field of the promise', () => {
    expect(parse(horizontalPodAutoscaler({ deployment: 'shop' }))).toEqual({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'shop' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' },
        minReplicas: 2,
        maxReplicas: 20,
        metrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
          },
          {
            type: 'Pods',
            pods: {
              metric: { name: 'database_connection_pool_utilization' },
              target: { type: 'AverageValue', averageValue: '75' },
            },
          },
        ],
        behavior: {
          scaleUp: {
            stabilizationWindowSeconds: 60,
            policies: [{ type: 'Percent', value: 50, periodSeconds: 60 }],
          },
          scaleDown: {
            stabilizationWindowSeconds: 300,
            policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }],
          },
        },
      },
    })
  })

  test('has the names and limits that are given', () => {
    const options = {
      deployment: 'shop',
      name: 'shop-pools',
      namespace: 'prod',
      minReplicas: 3,
      maxReplicas: 8,
    }
    expect(parse(horizontalPodAutoscaler(options))).toMatchObject({
      metadata: { name: 'shop-pools', namespace: 'prod' },
      spec: { scaleTargetRef: { name: 'shop' }, minReplicas: 3, maxReplicas: 8 },
    })
    expect(parse(horizontalPodAutoscaler({ deployment: 'shop', minReplicas: 30 })).spec).toMatchObject({
      minReplicas: 30,
      maxReplicas: 30,
    })
  })

  test('a name that YAML would take for a number stays a text', () => {
    expect(parse(horizontalPodAutoscaler({ deployment: '1e3', namespace: '007' }))).toMatchObject({
      metadata: { name: '1e3', namespace: '007' },
    })
  })

  test('reminds of the server, and does the sum where the numbers are given', () => {
    expect(comment(horizontalPodAutoscaler({ deployment: 'shop' }))).toBe(
      '# Every replica has pools of its own: maxReplicas × their max must fit the server (sluice size --instances).',
    )
    expect(comment(horizontalPodAutoscaler({ deployment: 'shop', poolMax: 10, serverLimit: 500 }))).toBe(
      '# 20 replicas + 5 in a rolling deploy, × 10 connections = 250; the server has 16 for each: (500 − 100) ÷ (20 + 5 in a deploy) = 16.',
    )
    expect(comment(horizontalPodAutoscaler({ deployment: 'shop', poolMax: 10 }))).toBe(
      '# TOO MANY: 20 replicas + 5 in a rolling deploy, × 10 connections = 250; the server has 3 for each: (100 − 20) ÷ (20 + 5 in a deploy) = 3. Lower max or maxReplicas, or put a pooler in between.',
    )
  })

  test('what fits to the last connection fits, and one more does not', () => {
    const fits = (poolMax: number) =>
      autoscalerFit({ deployment: 'shop', maxReplicas: 8, poolMax, serverLimit: 100 })?.fits
    expect([fits(8), fits(9)]).toEqual([true, false])
    expect(autoscalerFit({ deployment: 'shop', maxReplicas: 90, poolMax: 1 })).toEqual({
      fits: false,
      sentence: expect.stringContaining('not even one connection for each'),
    })
    expect(autoscalerFit({ deployment: 'shop' })).toBeUndefined()
  })

  test.each([
    [undefined, 'needs a deployment'],
    [{}, 'needs a deployment'],
    [{ deployment: 'Shop' }, 'deployment must be 1 to 63 small letters, digits and hyphens'],
    [{ deployment: 'shop-' }, 'deployment must be'],
    [{ deployment: 'a'.repeat(64) }, 'deployment must be'],
    [{ deployment: 'shop\nkind: Secret' }, 'deployment must be'],
    [{ deployment: 'shop', name: '' }, 'name must be'],
    [{ deployment: 'shop', namespace: 'a.b' }, 'namespace must be'],
    [{ deployment: 'shop', minReplicas: 0 }, 'minReplicas must be a whole number from 1 to 1,000; it is 0'],
    [{ deployment: 'shop', maxReplicas: 1 }, 'maxReplicas must be a whole number from 2 to 1,000; it is 1'],
    [{ deployment: 'shop', poolMax: 0 }, 'poolMax must be a whole number from 1 to 100,000; it is 0'],
    [
      { deployment: 'shop', poolMax: 1, serverLimit: 0 },
      'serverLimit must be a whole number from 1 to 1,000,000; it is 0',
    ],
    [{ deployment: 'shop', serverLimit: 100 }, 'serverLimit needs poolMax'],
    [{ deployment: 'shop', replicas: 3 }, 'replicas is not an option'],
  ])('%j is refused in a sentence', (options, sentence) => {
    expect(() => horizontalPodAutoscaler(options as AutoscalerOptions)).toThrow(
      expect.objectContaining({ code: 'SLUICE_BAD_OPTION', message: expect.stringContaining(sentence) }),
    )
  })
})

test('the rule of prometheus-adapter gives each pod the percentage of its fullest pool', () => {
  expect(parse(prometheusAdapterRule())).toEqual({
    rules: [
      {
        seriesQuery: 'db_pool_utilization_ratio{namespace!="",pod!=""}',
        resources: { overrides: { namespace: { resource: 'namespace' }, pod: { resource: 'pod' } } },
        name: { matches: '^db_pool_utilization_ratio$', as: 'database_connection_pool_utilization' },
        metricsQuery: 'max by (<<.GroupBy>>) (<<.Series>>{<<.LabelMatchers>>}) * 100',
      },
    ],
  })
})
