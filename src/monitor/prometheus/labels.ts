/** The labels that a caller wants on every metric, to tell its process from others. */
import { SluiceError } from '../../base/errors.ts'
import { METRICS } from './metrics.ts'

/** Names and values of labels. */
export type Labels = Readonly<Record<string, string>>

/** What a metric has of its own; `le` is that of histograms, `quantile` would be that of summaries. */
const TAKEN: ReadonlySet<string> = new Set([
  'pool',
  'le',
  'quantile',
  ...Object.values(METRICS).flatMap(({ labels }) => labels),
])

function refuse(text: string): never {
  throw new SluiceError('SLUICE_BAD_OPTION', text)
}

/** Labels as given. None where there are none. @throws SLUICE_BAD_OPTION */
export function readLabels(given: unknown): Labels {
  if (given === undefined) return {}
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return refuse(`labels must be an object of names and strings; it is of type ${typeof given}`)
  for (const [name, value] of Object.entries(given)) {
    if (!/^[a-zA-Z_]\w*$/.test(name) || name.startsWith('__'))
      refuse(
        `labels has the name ${JSON.stringify(name)}; a label of Prometheus is letters, digits and _, and begins with neither a digit nor __`,
      )
    if (TAKEN.has(name)) refuse(`labels.${name} has the name of a label that metrics have already`)
    // An empty label is none at all to Prometheus.
    if (typeof value !== 'string' || value === '') refuse(`labels.${name} must be a string that is not empty`)
  }
  return { ...given }
}

/** The same text for the same labels in any order. */
export function labelsKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
}
