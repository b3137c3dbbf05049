/** The alert rules of Prometheus, as the text of a rule file. */
import { stringify } from 'yaml'
import { SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import { readOptions, readString } from '../base/options.ts'
import { poolRules } from './alerts/pool.ts'
import type { AlertRule } from './alerts/rule.ts'
import { databaseRules, servingRules } from './alerts/traffic.ts'
import type { Labels } from './prometheus/labels.ts'
import { readLabels } from './prometheus/labels.ts'

/** How the rules are to be written. */
export interface AlertOptions {
  /** What stands before an alert's name in the address of its runbook, such as `https://wiki.example/alerts/`. Default: no runbooks. */
  readonly runbookUrl?: string
  /** Labels of every alert besides `severity`, such as `{ team: 'data' }`: what Alertmanager sends them on by. Default: none. */
  readonly labels?: Readonly<Record<string, string>>
}

/**
 * Names of labels that alerts have already, of the metrics, of Prometheus or of Kubernetes. One of the same name would take their place: two
 * programs would have the same alert, which Prometheus refuses to evaluate.
 */
const TAKEN = ['severity', 'alertname', 'alertstate', 'pool', 'job', 'instance', 'namespace', 'pod']

/**
 * A rule file for Prometheus: saturation, waits, errors, slow statements, and one alert for each target of a pool and its server.
 * None fires for a pool that idles, has no traffic or has just begun. The metrics are those of `prometheus()`; those about the
 * server's sessions need its option `activity`.
 * @throws SLUICE_BAD_OPTION for an address that is none, and for a label that cannot be one or that alerts have already
 */
export function alertRules(options?: AlertOptions): string {
  const given = readOptions(options, 'alertRules()', ['runbookUrl', 'labels'])
  const runbook = readRunbook(given)
  const labels = readPlainLabels(given)
  const rules = [...poolRules(), ...servingRules(), ...databaseRules()]
  const file = {
    groups: [{ name: 'sluice', interval: '30s', rules: rules.map((rule) => written(rule, labels, runbook)) }],
  }
  return `# Alert rules of Sluice, for rule_files of Prometheus.\n${stringify(file, { lineWidth: 0 })}`
}

function written(rule: AlertRule, labels: Labels, runbook: string | undefined) {
  const { name, expression, afterMillis, severity, summary, description, action } = rule
  return {
    alert: name,
    expr: expression,
    ...(afterMillis > 0 && { for: `${afterMillis / 1_000}s` }),
    labels: { severity, ...labels },
    annotations: {
      summary,
      description,
      action,
      ...(runbook !== undefined && { runbook_url: `${runbook}${name}` }),
    },
  }
}

function readRunbook(given: Given): string | undefined {
  const url = readString(given, 'runbookUrl')
  if (url === undefined) return undefined
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  // An address with a password is not repeated, and none belongs into a file of rules.
  const isPlain = parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.username === ''
  if (isPlain && parsed.password === '' && !/[{}\s]/.test(url)) return url
  throw new SluiceError(
    'SLUICE_BAD_OPTION',
    'runbookUrl must be an http or https address without a user, a password, blanks or braces',
  )
}

function readPlainLabels(given: Given): Labels {
  const labels = readLabels(given, TAKEN, 'alerts')
  // Prometheus would read braces as a template.
  const braced = Object.entries(labels).find(([, value]) => value.includes('{{'))
  if (braced !== undefined)
    throw new SluiceError('SLUICE_BAD_OPTION', `labels.${braced[0]} must be a plain text without {{`)
  return labels
}
