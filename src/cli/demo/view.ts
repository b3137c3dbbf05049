/** One moment of a run as lines of text. */
import { statementKinds } from '../../demo/workload/statements.ts'
import type { Paint } from '../paint.ts'
import { bar, left, millis, right, whole } from '../paint.ts'
import type { SideFigures } from './meter.ts'
import type { PoolView, SideName } from './sides.ts'
import { labels, sideNames } from './sides.ts'

/** What is known in the middle of a run. */
export interface Moment {
  /** Who runs when. */
  readonly order: readonly SideName[]
  /** Whose turn it is. */
  readonly index: number
  readonly secondsPerTurn: number
  /** Seconds of this turn. */
  readonly elapsed: number
  /** Answered statements a second since the last moment. */
  readonly recentPerSecond: number
  readonly figures: Readonly<Record<SideName, SideFigures>>
  /** Of the pool whose turn it is. */
  readonly view: PoolView
}

const labelWidth = 13
const columns = [9, 9, 9] as const

/** The picture for a terminal. */
export function frame(moment: Moment, paint: Paint, width: number): string[] {
  const { order, index, elapsed, secondsPerTurn, figures } = moment
  const running = order[index] ?? 'sluice'
  const done = Math.min(1, (index + Math.min(1, elapsed / secondsPerTurn)) / order.length)
  const total = order.length * secondsPerTurn
  const clock = `${Math.min(total, done * total).toFixed(1)} of ${total} s`
  const now = `${paint.bold(labels[running])}, turn ${index + 1} of ${order.length}`
  return [
    '',
    ` ${left(now, 24)}${bar(done, Math.max(10, Math.min(40, width - 42)), paint)}  ${clock}`,
    '',
    head(running, paint),
    paint.dim(` ${left('', labelWidth)}${sideNames.map(() => columnHeads()).join('  ')}`),
    ...statementKinds.map((kind) => {
      const cells = sideNames.map((side) => kindCells(figures[side], kind, side === running, paint))
      return ` ${left(kind, labelWidth)}${cells.join('  ')}`
    }),
    ` ${left('all', labelWidth)}${sideNames.map((side) => left(right(rateOf(figures[side].perSecond), columns[0]), sum(columns))).join('  ')}`,
    '',
    ...slots(moment.view, paint, width),
  ]
}

function head(running: SideName, paint: Paint): string {
  const cells = sideNames.map((side) => {
    const label = right(`${side === running ? `${paint.glyphs.at} ` : ''}${labels[side]}`, sum(columns))
    return side === running ? paint.bold(label) : paint.dim(label)
  })
  return ` ${left('', labelWidth)}${cells.join('  ')}`
}

function columnHeads(): string {
  return right('per s', columns[0]) + right('p50', columns[1]) + right('p95', columns[2])
}

function kindCells(
  { statements }: SideFigures,
  kind: (typeof statementKinds)[number],
  running: boolean,
  paint: Paint,
): string {
  const { count, perSecond, p50, p95 } = statements[kind]
  const cells = count === 0 ? ['–', '–', '–'] : [rateOf(perSecond), millis(p50), millis(p95)]
  const text = cells.map((cell, index) => right(cell, columns[index] ?? 0)).join('')
  return running ? text : paint.dim(text)
}

function slots({ max, leased, idle, between, waiting }: PoolView, paint: Paint, width: number): string[] {
  const { glyphs, good, busy, dim } = paint
  // As wide as the words can get, so that the bar keeps its length.
  const widest = slotWords(max, max, max, max).length
  const room = Math.min(max, Math.max(10, width - labelWidth - widest - 3))
  // Where each part ends, counted in cells: rounded like this the parts never add up to more than the bar.
  const end = (count: number): number => Math.min(room, Math.round((count / max) * room))
  const ends = [end(leased), end(leased + between), end(leased + between + idle)] as const
  const picture =
    busy(glyphs.full.repeat(ends[0])) +
    good(glyphs.half.repeat(ends[1] - ends[0])) +
    good(glyphs.empty.repeat(ends[2] - ends[1])) +
    dim(glyphs.dot.repeat(room - ends[2]))
  return [
    ` ${left('slots', labelWidth)}${picture}  ${slotWords(max, leased, idle, between)}`,
    ` ${left('waiting', labelWidth)}${waiting.map(([label, count]) => `${label} ${count}`).join('   ')}`,
  ]
}

function slotWords(max: number, leased: number, idle: number, between: number): string {
  return `${leased} leased, ${idle} idle${between > 0 ? `, ${between} changing` : ''}, of ${max}`
}

/** The line that begins a turn where nothing is drawn. */
export function titleOf({ order, index, secondsPerTurn }: Moment, max: number): string {
  const name = labels[order[index] ?? 'sluice']
  return ` ${name}, turn ${index + 1} of ${order.length}: ${secondsPerTurn} s on ${max} connections`
}

/** The line for now and then. */
export function plainLine({ order, index, elapsed, recentPerSecond, figures, view }: Moment): string {
  const { lookup } = figures[order[index] ?? 'sluice'].statements
  const waiting = view.waiting.filter(([, count]) => count > 0)
  return [
    `${elapsed.toFixed(1)} s`.padStart(7),
    ` ${whole(recentPerSecond)}/s`.padStart(8),
    `  lookup p95 ${millis(lookup.p95)}`,
    `  ${view.leased} leased`,
    `  waiting ${waiting.length === 0 ? 0 : waiting.map(([label, count]) => `${count} ${label}`).join(' ')}`,
  ].join('')
}

function rateOf(perSecond: number): string {
  return perSecond < 9.95 ? perSecond.toFixed(1) : whole(perSecond)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
