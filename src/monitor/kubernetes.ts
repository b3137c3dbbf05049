/** What Kubernetes needs to scale by how full pools are, as text: the autoscaler, and the rule that gives it the metric. */
import { stringify } from 'yaml'
import { SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import { readNumber, readOptions, readString } from '../base/options.ts'
import type { Fleet } from './kubernetes/fleet.ts'
import { fleetFit } from './kubernetes/fleet.ts'
import { series } from './promql.ts'

/** What is to be scaled, and within which limits. */
export interface AutoscalerOptions {
  /** The Deployment. */
  readonly deployment: string
  /** Of the autoscaler itself. Default: that of the Deployment. */
  readonly name?: string
  /** Default: the one that it is applied in. */
  readonly namespace?: string
  /** 1 to 1,000. Default 2. */
  readonly minReplicas?: number
  /** `minReplicas` to 1,000. Default 20. */
  readonly maxReplicas?: number
  /** The most connections of one replica, all its pools together, overflow too. With it the text says whether the server has enough. */
  readonly poolMax?: number
  /** `max_connections` of the server; needs `poolMax`. Default 100, PostgreSQL's own. */
  readonly serverLimit?: number
}

const KNOWN = ['deployment', 'name', 'namespace', 'minReplicas', 'maxReplicas', 'poolMax', 'serverLimit']

/** The metric of a pod: how full the fullest of its pools is, in percent. */
const POD_METRIC = 'database_connection_pool_utilization'

/** Replicas, percent of a CPU request, and percent of a pool: the starting points of the scaling rules. */
const REPLICAS = { min: 2, max: 20 } as const
const CPU_PERCENT = 70
const POOL_PERCENT = 75

/** Up by half within a minute, down by a tenth within five: too many replicas cost less than too few. */
const UP = { percent: 50, everySeconds: 60, afterSeconds: 60 } as const
const DOWN = { percent: 10, everySeconds: 60, afterSeconds: 300 } as const

/**
 * A HorizontalPodAutoscaler (autoscaling/v2) as YAML: 2 to 20 replicas by CPU (70 %) and by `database_connection_pool_utilization`
 * (75 % on average over the pods), up by 50 % a minute after a minute, down by 10 % a minute after five. The metric comes from
 * {@link prometheusAdapterRule}.
 * @throws SLUICE_BAD_OPTION also for names that Kubernetes would refuse
 */
export function horizontalPodAutoscaler(options: AutoscalerOptions): string {
  const { deployment, fleet, maxReplicas, minReplicas, name, namespace } = readAutoscaler(options)
  const document = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, ...(namespace !== undefined && { namespace }) },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment },
      minReplicas,
      maxReplicas,
      metrics: metrics(),
      behavior: { scaleUp: pace(UP), scaleDown: pace(DOWN) },
    },
  }
  const note = fleet === undefined ? REMINDER : fleetFit(fleet).sentence
  return `${commented(note)}${stringify(document, { lineWidth: 0 })}`
}

/**
 * What the autoscaler of those options comes to at the server, in a sentence; undefined without `poolMax`.
 * @throws SLUICE_BAD_OPTION
 */
export function autoscalerFit(options: AutoscalerOptions): ReturnType<typeof fleetFit> | undefined {
  const { fleet } = readAutoscaler(options)
  return fleet && fleetFit(fleet)
}

/**
 * The rule of prometheus-adapter that gives each pod the metric `database_connection_pool_utilization`, as YAML for its
 * configuration: in percent, of the fullest pool where a pod has several. It needs the labels `namespace` and `pod` that
 * Prometheus gives to what it finds in Kubernetes.
 */
export function prometheusAdapterRule(): string {
  const utilization = series('utilization')
  const rule = {
    seriesQuery: series('utilization', 'namespace!="",pod!=""'),
    resources: { overrides: { namespace: { resource: 'namespace' }, pod: { resource: 'pod' } } },
    name: { matches: `^${utilization}$`, as: POD_METRIC },
    metricsQuery: 'max by (<<.GroupBy>>) (<<.Series>>{<<.LabelMatchers>>}) * 100',
  }
  return `${commented('For the configuration of prometheus-adapter (rules.custom of its Helm chart).')}${stringify({ rules: [rule] }, { lineWidth: 0 })}`
}

function metrics(): object[] {
  const cpu = { type: 'Utilization', averageUtilization: CPU_PERCENT }
  // A quantity, and so a text.
  const pool = { type: 'AverageValue', averageValue: String(POOL_PERCENT) }
  return [
    { type: 'Resource', resource: { name: 'cpu', target: cpu } },
    { type: 'Pods', pods: { metric: { name: POD_METRIC }, target: pool } },
  ]
}

function pace({ afterSeconds, everySeconds, percent }: typeof UP | typeof DOWN): object {
  return {
    stabilizationWindowSeconds: afterSeconds,
    policies: [{ type: 'Percent', value: percent, periodSeconds: everySeconds }],
  }
}

function readAutoscaler(options: AutoscalerOptions) {
  const given = readOptions(options, 'horizontalPodAutoscaler()', KNOWN)
  const deployment = readName(given, 'deployment')
  if (deployment === undefined)
    throw new SluiceError('SLUICE_BAD_OPTION', 'horizontalPodAutoscaler() needs a deployment')
  const minReplicas = readNumber(given, 'minReplicas', { min: 1, max: 1_000 }) ?? REPLICAS.min
  const maxReplicas =
    readNumber(given, 'maxReplicas', { min: minReplicas, max: 1_000 }) ?? Math.max(REPLICAS.max, minReplicas)
  return {
    deployment,
    name: readName(given, 'name') ?? deployment,
    namespace: readName(given, 'namespace'),
    minReplicas,
    maxReplicas,
    fleet: readFleet(given, maxReplicas),
  }
}

function readFleet(given: Given, replicas: number): Fleet | undefined {
  const poolMax = readNumber(given, 'poolMax', { min: 1, max: 100_000 })
  const limit = readNumber(given, 'serverLimit', { min: 1, max: 1_000_000 })
  if (poolMax !== undefined) return { replicas, poolMax, limit }
  if (limit === undefined) return undefined
  throw new SluiceError('SLUICE_BAD_OPTION', 'serverLimit needs poolMax: the connections of one replica')
}

/** A DNS label of RFC 1123, as Kubernetes wants for names. */
function readName(given: Given, option: string): string | undefined {
  const name = readString(given, option)
  if (name === undefined || /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) return name
  throw new SluiceError(
    'SLUICE_BAD_OPTION',
    `${option} must be 1 to 63 small letters, digits and hyphens, with a letter or digit at both ends`,
  )
}

const REMINDER =
  'Every replica has pools of its own: maxReplicas × their max must fit the server (sluice size --instances).'

function commented(sentence: string): string {
  return `# ${sentence}\n`
}
