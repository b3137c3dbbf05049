/** The labels that callers add to metrics and alerts. */
import { SluiceError } from '../../base/errors.ts'
import type { Given } from '../../base/options.ts'
import { readString } from '../../base/options.ts'
import { METRICS } from './metrics.ts'

/** Names and values of labels. */
export type Labels = Readonly<Record<string, string>>

/** What metrics have of their own; `le` is that of histograms, `quantile` would be that of summaries. */
export const METRIC_LABELS: readonly string[] = [
  'pool',
  'le',
  'quantile',
  ...Object.values(METRICS).flatMap(({ labels }) => labels),
]

function refuse(text: string): never {
  throw new SluiceError('SLUICE_BAD_OPTION', text)
}

/**
 * The option `labels`. None where it is not given.
 * @param taken names that those have already who get the labels
 * @param whose who they are: `metrics`
 * @throws SLUICE_BAD_OPTION for a label that cannot be one or is taken
 */
export function readLabels({ labels }: Given, taken: readonly string[], whose: string): Labels {
  if (labels === undefined) return {}
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels))
    return refuse('labels must be an object of names and texts')
  for (const [name, value] of Object.entries(labels)) {
    const label = `labels.${name}`
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) || name.startsWith('__'))
      refuse(`${label} is no name of a label: letters, digits and _ make one, without a digit or __ in front`)
    if (taken.includes(name)) refuse(`${label} is taken: ${whose} have a label ${name} already`)
    // To Prometheus an empty label is none: what it should tell apart would be one.
    if ((readString({ [label]: value }, label) ?? '') === '')
      refuse(`${label} must be a text that is not empty`)
  }
  return { ...labels }
}

/** The same text for the same labels in any order. */
export function labelsKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
}
