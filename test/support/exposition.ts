/** Reads what a registry writes for Prometheus, and refuses whatever the format does not allow. */

/** One metric with all its series. */
export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}

/** One line with a number. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** What one scrape has said. */
export interface Scrape {
  readonly families: ReadonlyMap<string, Family>
  /** The number of one series, all its labels given; undefined where there is none. */
  value(name: string, labels: Readonly<Record<string, string>>): number | undefined
}

type Format = 'text' | 'openmetrics'

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const COMMENT = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`)
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.+)\\})? (\\S+)$`)
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/
const NUMBER = /^(?:[+-]Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/
const TYPES = ['counter', 'gauge', 'histogram']

function readLabels(text = ''): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {}
  for (let rest = text; rest !== ''; ) {
    const [whole, name = '', value = '', comma] = LABEL.exec(rest) ?? []
    if (whole === undefined || (comma === ',' && whole === rest)) throw new Error(`bad labels: ${text}`)
    if (name in labels) throw new Error(`label ${name} twice: ${text}`)
    labels[name] = value.replaceAll(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter))
    rest = rest.slice(whole.length)
  }
  return labels
}

function readNumber(text: string): number {
  if (!NUMBER.test(text)) throw new Error(`no number: ${text}`)
  return Number(text.replace('Inf', 'Infinity'))
}

function keyOf({ name, labels }: Pick<Sample, 'name' | 'labels'>): string {
  return name + JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The names that samples of a family may have. */
function namesOf({ name, type }: Family, format: Format): readonly string[] {
  if (type === 'histogram') return ['_bucket', '_sum', '_count'].map((suffix) => name + suffix)
  if (type !== 'counter' || format === 'text') return [name]
  if (name.endsWith('_total')) throw new Error(`the family of counter ${name} ends in _total`)
  return [`${name}_total`]
}

function checkHistogram({ name, samples }: Family): void {
  const without = (labels: Sample['labels']) =>
    JSON.stringify(Object.entries(labels).filter(([label]) => label !== 'le'))
  for (const group of new Set(samples.map(({ labels }) => without(labels)))) {
    const its = samples.filter(({ labels }) => without(labels) === group)
    const buckets = its.filter((sample) => sample.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels }) => readNumber(labels.le ?? 'none'))
    const rises = (values: number[], strictly: boolean) =>
      values.every((value, n) => n === 0 || value > values[n - 1]! || (!strictly && value === values[n - 1]))
    const count = its.filter((sample) => sample.name === `${name}_count`)
    const sum = its.filter((sample) => sample.name === `${name}_sum`)
    if (!rises(bounds, true) || bounds.at(-1) !== Number.POSITIVE_INFINITY)
      throw new Error(`${name}${group}: boundaries ${bounds.join()}`)
    if (
      !rises(
        buckets.map(({ value }) => value),
        false,
      )
    )
      throw new Error(`${name}${group}: counts fall`)
    if (count.length !== 1 || sum.length !== 1 || count[0]?.value !== buckets.at(-1)?.value)
      throw new Error(`${name}${group}: _count or _sum`)
  }
}

/** The lines between the beginning and the end that the format asks for. */
function linesOf(text: string, format: Format): readonly string[] {
  const end = format === 'text' ? '\n' : '\n# EOF\n'
  if (!text.endsWith(end)) throw new Error('the end is missing')
  const lines = text.slice(0, -end.length).split('\n')
  if (format === 'openmetrics' && lines.includes('')) throw new Error('an empty line')
  return lines.filter((line) => line !== '')
}

/** @throws what is wrong with the text */
export function readExposition(text: string, format: Format = 'text'): Scrape {
  const families = new Map<string, Family & { samples: Sample[] }>()
  const seen = new Map<string, number>()
  let help: readonly [name: string, text: string] | undefined
  let family: (Family & { samples: Sample[] }) | undefined
  for (const line of linesOf(text, format)) {
    const [, kind, name = '', rest = ''] = COMMENT.exec(line) ?? []
    if (kind === 'HELP') {
      help = [name, rest]
      family = undefined
    } else if (kind === 'TYPE') {
      if (help?.[0] !== name) throw new Error(`no HELP right before: ${line}`)
      if (!TYPES.includes(rest)) throw new Error(`no type: ${line}`)
      if (families.has(name)) throw new Error(`twice: ${line}`)
      family = { name, type: rest, help: help[1], samples: [] }
      families.set(name, family)
    } else {
      const [, sample, labels, value = ''] = SAMPLE.exec(line) ?? []
      if (sample === undefined || family === undefined || !namesOf(family, format).includes(sample))
        throw new Error(`not a sample of ${family?.name ?? 'anything'}: ${line}`)
      const read = { name: sample, labels: readLabels(labels), value: readNumber(value) }
      if (seen.has(keyOf(read))) throw new Error(`twice: ${line}`)
      if (family.type === 'counter' && !(read.value >= 0)) throw new Error(`a counter below 0: ${line}`)
      seen.set(keyOf(read), read.value)
      family.samples.push(read)
    }
  }
  for (const each of families.values()) if (each.type === 'histogram') checkHistogram(each)
  return { families, value: (name, labels) => seen.get(keyOf({ name, labels })) }
}
