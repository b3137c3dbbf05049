/** What a tune comes to, in sentences and in code. */
import { millis, whole } from '../paint.ts'
import { rate } from './chart.ts'
import type { SizeRow } from './report.ts'
import type { CutTune, TuneReport } from './run.ts'

/** How sure a recommendation is. */
export function confidenceInWords(confidence: number): 'high' | 'fair' | 'low' {
  if (confidence >= 0.95) return 'high'
  return confidence >= 0.8 ? 'fair' : 'low'
}

/** The sentence for a person: what is enough, of what, and what more would do. */
export function conclusion(report: Pick<TuneReport, 'sizes' | 'best' | 'recommended' | 'server'>): string {
  const { best, recommended } = report
  const own = rowOf(report, recommended.max)
  const share = Math.round(100 * recommended.ofBest)
  const reached = `${rate(best.throughput)}/s at ${best.size}`
  const head =
    best.size === recommended.max
      ? `${connections(recommended.max)} the best (${rate(best.throughput)}/s)`
      : `${connections(recommended.max, share)} of the best (${reached})`
  if (recommended.atTheEnd)
    return `${head}, and that is as many as were tried: more may be better still. Try a larger --max${report.server.largest < report.server.free ? ' or --share' : ''}.`
  return `${head}; ${beyond(report, own)}`
}

function connections(count: number, share?: number): string {
  const gives = share === undefined ? '' : ` ${share} %`
  return count === 1 ? `1 connection gives${gives}` : `${count} connections give${gives}`
}

/** What the largest size does that the recommended one does not. */
function beyond({ sizes }: Pick<TuneReport, 'sizes'>, own: SizeRow): string {
  const last = sizes.at(-1) as SizeRow
  const lost = 1 - last.throughput / own.throughput
  const slower = last.p99 / own.p99
  const times = `p99 ${millis(own.p99)} → ${millis(last.p99)}`
  if (lost > 0.05)
    return `more takes away: ${last.size} give ${Math.round(100 * lost)} % less than that, ${times}.`
  if (slower > 1.15) return `more only adds waiting: ${times} at ${last.size}.`
  return `more only moves the waiting from the pool into the database: ${times} at ${last.size}.`
}

function rowOf({ sizes }: Pick<TuneReport, 'sizes'>, size: number): SizeRow {
  const row = sizes.find((row) => row.size === size)
  if (row === undefined) throw new Error('BUG: the recommended size was not measured')
  return row
}

/** What to write into the code. */
export function code({ recommended: { max, min } }: Pick<TuneReport, 'recommended'>): string {
  return `new Pool({ max: ${max}, min: ${min} })`
}

/** What a careful reader wants to know besides. */
export function remarks(report: TuneReport): string[] {
  return [
    sureness(report),
    curve(report),
    fleet(report),
    sharing(report),
    timing(report),
    report.workload.leftOut ?? '',
  ].filter((sentence) => sentence !== '')
}

function sureness({ recommended, run }: TuneReport): string {
  const { confidence, reaches } = recommended
  const level = confidenceInWords(confidence)
  const [low, high] = [percent(reaches.low), percent(reaches.high)]
  const range = low === high ? high : `${low} to ${high}`
  const advice = level === 'high' ? '' : ' Give more --seconds, on machines that do nothing else.'
  return `Confidence ${level}: drawn anew from its ${run.rounds} rounds it reaches 95 % of the best in ${percent(confidence)} of the cases, and in nine of ten ${range}.${advice}`
}

function curve({ fit }: TuneReport): string {
  if (fit === undefined)
    return 'No curve fits these figures (of the Universal Scalability Law, R² below 0.5): the recommendation rests on the measured sizes alone.'
  const peak = Number.isFinite(fit.peak) ? `throughput falls beyond ${whole(fit.peak)}` : 'it never falls'
  return `Universal Scalability Law: σ ${small(fit.sigma)} (waiting one's turn), κ ${small(fit.kappa)} (keeping in step), so that ${peak}; R² ${fit.rSquared.toFixed(3)}, knee at ${fit.knee}.`
}

function fleet({ instances, recommended, server }: TuneReport): string {
  const { max } = recommended
  const room = `The server has room for ${whole(instances)} such pool${instances === 1 ? '' : 's'} (${server.usable} connections for ordinary roles, ${server.free} of them free)`
  const shared = Math.max(1, Math.floor(max / 2))
  return max === 1
    ? `${room}, but one connection is what it does best with in all.`
    : `${room}, but ${max} is what it does best with in all: two instances do with max: ${shared} each.`
}

function sharing({ workload }: TuneReport): string {
  if (!workload.lanes)
    return 'Measured without lanes: with them (the default) short reads share connections, and fewer may do.'
  return workload.shared
    ? 'Short reads shared connections, as they do by default. Transactions, writes and slow statements take one each: leave room for those that you run at once, or measure with --no-lanes.'
    : 'No statement was short enough to share a connection, so that the size is what runs at once.'
}

function timing({ run }: TuneReport): string {
  const { leftOut, seconds } = run
  if (leftOut === 0) return ''
  return `${leftOut} size${leftOut === 1 ? ' was' : 's were'} left out of the sweep, since ${seconds} s are little: more --seconds look at all.`
}

/** What there is to say of a tune that was ended early. */
export function cutShort({ run }: CutTune): string {
  return `Interrupted after ${run.rounds} rounds: these are the figures so far, and no size is recommended by them. Let it run to its end for that.`
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}

function small(value: number): string {
  return value === 0 ? '0' : Number(value.toPrecision(2)).toString()
}
