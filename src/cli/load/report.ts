/** What a load test measured, for people: bars for one way, a table for three. */
import type { Paint } from '../paint.ts'
import { bar, brief, crop, left, millis, right, whole, wrap } from '../paint.ts'
import type { Screen } from '../screen.ts'
import type { Headline } from './headline.ts'
import { headlines } from './headline.ts'
import type { LoadReport, Progress, WayReport } from './run.ts'
import type { WayName } from './ways.ts'
import { labels, wayNames } from './ways.ts'

const nameWidth = 24
const columnWidth = 16

/** The report, at most `width` wide. */
export function describe(report: LoadReport, { paint, width }: Pick<Screen, 'paint' | 'width'>): string[] {
  const { sluice } = report.ways
  if (sluice === undefined) return []
  const body = report.run.compare
    ? [...table(report, paint), '', ...headlines(report).flatMap((line) => headlineLines(line, paint, width))]
    : alone(sluice, paint, width)
  return ['', ...intro(report, width), '', ...body, ...errorLines(report, paint, width)]
}

function intro({ run }: LoadReport, width: number): string[] {
  const { callers, compare, latencyMillis, max, order, seconds, statements } = run
  const what =
    statements.length === 1 ? crop(String(statements[0]), 60) : `${statements.length} statements in turns`
  const far = latencyMillis === 0 ? '' : `, ${latencyMillis} ms added to each round trip`
  const text = compare
    ? `${callers} callers, ${seconds} s a way in turns (${order.map((name) => labels[name]).join(', ')})${far}: ${what}. Both pools may have ${max} connections; callers that connect for each statement have one each. Times are those the callers saw, waiting included.`
    : `${callers} callers on at most ${max} connections for ${seconds} s${far}: ${what}. Times are those the callers saw, waiting included.`
  return wrap(` ${text}`, width, ' ')
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

function table({ ways }: LoadReport, { bold }: Paint): string[] {
  const cells = (make: (name: WayName, way: WayReport) => string): string =>
    wayNames
      .map((name) => {
        const way = ways[name]
        return right(way === undefined ? '' : make(name, way), columnWidth)
      })
      .join('')
  return [
    ` ${left('', nameWidth)}${bold(cells((name) => labels[name]))}`,
    ...rows.map(([name, cell]) => ` ${left(name, nameWidth)}${cells((_, way) => cell(way))}`),
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
  return ` ${bar(done, 20, paint)} ${left(labels[way], 14)}${right(whole(figures.answered), 9)} answered${times}${failed}`
}
