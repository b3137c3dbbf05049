/** What a load test measured, for people: bars for one way, a table for three. */
import type { Paint } from '../paint.ts'
import { bar, brief, crop, left, millis, right, whole, wrap } from '../paint.ts'
import type { Screen } from '../screen.ts'
import type { Headline } from './headline.ts'
import { headlines, standing } from './headline.ts'
import type { LoadReport, Progress, WayReport } from './run.ts'
import { labels, wayNames } from './ways.ts'

const nameWidth = 24
/** What the longest names take. */
const narrowNameWidth = 20
const columnWidth = { least: 13, most: 16 } as const

/** The report, at most `width` wide. */
export function describe(report: LoadReport, { paint, width }: Pick<Screen, 'paint' | 'width'>): string[] {
  const { sluice } = report.ways
  const verdict = [
    ...headlines(report).flatMap((line) => headlineLines(line, paint, width)),
    ...standingLines(report, paint, width),
  ]
  const body =
    report.run.compare || sluice === undefined
      ? [...table(report, paint, width), '', ...verdict]
      : alone(sluice, paint, width)
  return ['', ...intro(report, paint, width), '', ...body, ...errorLines(report, paint, width)]
}

function intro(report: LoadReport, paint: Paint, width: number): string[] {
  const { callers, compare, connecting, latencyMillis, max, order, seconds, statements } = report.run
  const what =
    statements.length === 1 ? crop(String(statements[0]), 60) : `${statements.length} statements in turns`
  const far = latencyMillis === 0 ? '' : `, ${latencyMillis} ms added to each round trip`
  const text = compare
    ? `${callers} callers, ${seconds} s a way in turns (${order.map((name) => labels[name]).join(', ')})${far}: ${what}. Both pools may have ${max} connections; ${connectingText(connecting, callers)}. Times are those the callers saw, waiting included.`
    : `${callers} callers on at most ${max} connections for ${seconds} s${far}: ${what}. Times are those the callers saw, waiting included.`
  return [...wrap(` ${text}`, width, ' '), ...endLines(report, paint, width)]
}

function connectingText(connecting: number, callers: number): string {
  return connecting === callers
    ? 'callers that connect for each statement have one each'
    : `of the callers that connect for each statement only ${connecting} ask at a time, since the server has no room for more`
}

/** How it ended, where that was not when it should have. */
function endLines({ interrupted, run, ways }: LoadReport, paint: Paint, width: number): string[] {
  if (interrupted) {
    const missing = wayNames.filter((name) => run.order.includes(name) && ways[name] === undefined)
    const none =
      missing.length === 0 ? '' : ` Not measured: ${missing.map((name) => labels[name]).join(', ')}.`
    const measured = Object.values(ways).reduce((sum, way) => sum + way.seconds, 0)
    const text = `${paint.bad('Interrupted')} after ${measured.toFixed(1)} s of measuring: these are the figures until then.${none}`
    return ['', ...wrap(` ${text}`, width, ' ')]
  }
  return wayNames.flatMap((name) => {
    const took = ways[name]?.seconds ?? 0
    if (took < 1.2 * run.seconds) return []
    const text = `${labels[name]}: ${took.toFixed(1)} s instead of ${run.seconds}, since statements under way at the end are waited for and counted.`
    return wrap(` ${text}`, width, ' ')
  })
}

// One way --------------------------------------------------------------------------------------------------------------

function alone(sluice: WayReport, paint: Paint, width: number): string[] {
  const room = Math.max(10, Math.min(40, width - nameWidth - 12))
  const line = (name: string, text: string): string => ` ${left(name, nameWidth)}${text}`
  const times = (['p50', 'p95', 'p99', 'max'] as const).map((name) => {
    const share = sluice.max === 0 ? 0 : sluice[name] / sluice.max
    return line(name, `${right(millis(sluice[name]), 10)}  ${bar(share, room, paint)}`)
  })
  return [
    line('answered', `${whole(sluice.answered)}, ${whole(sluice.perSecond)} a second`),
    line('success', successText(sluice, paint)),
    ...times,
    line('connections opened', whole(sluice.opened)),
    line('reuse', `${(100 * sluice.reuse).toFixed(2)} % of the statements found one open`),
    line('sessions at most', `${whole(sluice.sessions)}, as the server counts them`),
    line('acquire timeouts', whole(sluice.timeouts)),
  ]
}

function successText({ failed, success }: WayReport, paint: Paint): string {
  const text = `${(100 * success).toFixed(2)} %`
  return failed === 0 ? paint.good(text) : `${paint.bad(text)}, ${whole(failed)} failed`
}

// Three ways -----------------------------------------------------------------------------------------------------------

const rows: readonly (readonly [name: string, cell: (way: WayReport) => string])[] = [
  ['answered a second', (way) => whole(way.perSecond)],
  ['success', (way) => `${(100 * way.success).toFixed(2)} %`],
  ['p50', (way) => timeCell(way, way.p50)],
  ['p95', (way) => timeCell(way, way.p95)],
  ['p99', (way) => timeCell(way, way.p99)],
  ['max', (way) => timeCell(way, way.max)],
  ['getting a connection', (way) => (way.getting === undefined ? '–' : brief(way.getting))],
  ['connections opened', (way) => whole(way.opened)],
  ['reuse', (way) => `${(100 * way.reuse).toFixed(2)} %`],
  ['sessions at most', (way) => whole(way.sessions)],
  ['acquire timeouts', (way) => whole(way.timeouts)],
]

function timeCell({ answered }: WayReport, time: number): string {
  return answered === 0 ? '–' : millis(time)
}

function table({ ways }: LoadReport, { bold }: Paint, width: number): string[] {
  const wide = width > nameWidth + wayNames.length * columnWidth.most
  const names = wide ? nameWidth : narrowNameWidth
  const columns = wide
    ? columnWidth.most
    : Math.max(columnWidth.least, Math.floor((width - 1 - names) / wayNames.length))
  const cells = (make: (way: WayReport) => string): string =>
    wayNames
      .map((name) => {
        const way = ways[name]
        return right(way === undefined ? '–' : make(way), columns)
      })
      .join('')
  return [
    ` ${left('', names)}${bold(wayNames.map((name) => right(labels[name], columns)).join(''))}`,
    ...rows.map(([name, cell]) => ` ${left(name, names)}${cells(cell)}`),
  ]
}

function headlineLines({ goal, says, verdict }: Headline, paint: Paint, width: number): string[] {
  const { glyphs } = paint
  const marks = {
    met: paint.good(glyphs.yes),
    missed: paint.bad(glyphs.no),
    'not-asked': paint.dim(glyphs.dot),
  } as const
  return wrap(` ${marks[verdict]} ${says} ${paint.dim(`(goal: ${goal})`)}`, width, '   ')
}

function standingLines(report: LoadReport, paint: Paint, width: number): string[] {
  const found = standing(report)
  return found === undefined ? [] : wrap(` ${paint.glyphs.at} ${found.says}`, width, '   ')
}

function errorLines({ ways }: LoadReport, paint: Paint, width: number): string[] {
  return wayNames.flatMap((name) =>
    Object.entries(ways[name]?.errors ?? {}).flatMap(([message, count]) =>
      wrap(` ${paint.bad('error')} ${labels[name]}, ${whole(count)} times: ${message}`, width, '   '),
    ),
  )
}

// Meanwhile ------------------------------------------------------------------------------------------------------------

/** One line on how far things are. */
export function progressLine({ way, turn, turns, share, figures }: Progress, paint: Paint): string {
  const done = (turn - 1 + share) / turns
  const failed = figures.failed === 0 ? '' : `  ${paint.bad(`${whole(figures.failed)} failed`)}`
  const times = figures.answered === 0 ? '' : `  p50 ${millis(figures.p50)}  p99 ${millis(figures.p99)}`
  const waiting = share < 1 ? '' : '  waiting for the last ones'
  return ` ${bar(done, 20, paint)} ${left(labels[way], 14)}${right(whole(figures.answered), 9)} answered${times}${failed}${waiting}`
}
