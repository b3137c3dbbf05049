/** A dashboard's pools as lines of text: as much as a terminal has room for. */
import type { EventFrame, PoolFrame } from '../../dashboard/frame.ts'
import type { Paint } from '../paint.ts'
import { bar, brief, left, millis, plain, right, whole, wrap } from '../paint.ts'
import type { Picture, WatchedPool } from './picture.ts'
import { legend, longestHeld, slotRows } from './slots.ts'

const label = (text: string): string => ` ${left(text, 11)}`
const labelWidth = label('').length
const mostRows = 5

/** What a view is drawn for. */
export interface Sheet {
  readonly paint: Paint
  readonly width: number
  readonly height: number
}

/** The whole screen. Where not all fits, pools are cut to what matters first, and events give way. */
export function view(picture: Picture, place: string, sheet: Sheet): string[] {
  const { height, paint } = sheet
  const head = ['', ...headline(picture, place, sheet)]
  const room = height - head.length - 1
  const full = picture.pools.map((pool) => ['', ...essentials(pool, sheet), ...details(pool, sheet)])
  const fits = full.flat().length + 3 <= room
  const pools = fits ? full : picture.pools.map((pool) => ['', ...essentials(pool, sheet)])
  const shared = fits ? pools : fill(pools, full, room - 3)
  const free = room - shared.flat().length - 1
  const events = free > 0 ? picture.events.slice(-free).map((event) => eventLine(event, paint)) : []
  return [...head, ...shared.flat(), ...(events.length > 0 ? ['', ...events] : [])]
}

/** Gives the lines that are left to the pools, from the first on. */
function fill(least: string[][], full: readonly string[][], room: number): string[][] {
  let spare = room - least.flat().length
  return least.map((lines, index) => {
    const more = (full[index] ?? []).slice(lines.length, lines.length + Math.max(0, spare))
    spare -= more.length
    return [...lines, ...more]
  })
}

function headline({ version, lost }: Picture, place: string, { paint, width }: Sheet): string[] {
  const name = ` ${paint.bold(`Sluice ${version}`)} at ${place}`
  const { yes, no } = paint.glyphs
  const state = lost === undefined ? paint.good(`${yes} live`) : paint.bad(`${no} lost, trying again`)
  const gap = ' '.repeat(Math.max(2, width - plain(name).length - plain(state).length))
  const why = lost === undefined ? [] : [` ${paint.bad(lost.why.trouble.what)}`]
  return [`${name}${gap}${state}`, ...why]
}

/** What has to be seen of each pool. */
function essentials({ frame, slow }: WatchedPool, { paint, width }: Sheet): string[] {
  const { name, state, utilization, max, perSecond, reuse, wait } = frame
  const room = width - labelWidth - 1
  const at = slow?.endpoint ? paint.dim(`   ${slow.endpoint}`) : ''
  const failed = `${rate(perSecond.failed)}/s failed`
  return [
    ` ${paint.bold(name)}  ${state === 'running' ? state : paint.bad(state)}  ${Math.round(utilization)} % of ${whole(max)} busy${at}`,
    ...slotRows(frame, room, paint).map((row, index) => `${label(index === 0 ? 'slots' : '')}${row}`),
    `${label('')}${legend(frame, paint)}`,
    `${label('answers')}${rate(perSecond.answered)}/s   ${perSecond.failed > 0 ? paint.bad(failed) : failed}   reuse ${Math.round(100 * reuse)} %   connection p95 ${wait.p95 === null ? '–' : brief(wait.p95)}`,
    waitingLine(frame, paint),
    ...warnings(frame, paint),
  ]
}

function waitingLine({ counts, oldestWaitMillis }: PoolFrame, paint: Paint): string {
  if (counts.waiting === 0) return `${label('waiting')}0`
  return `${label('waiting')}${paint.busy(whole(counts.waiting))}, the oldest for ${millis(oldestWaitMillis)}`
}

/** What is wrong now, and nothing where nothing is. */
function warnings({ breaker, counts, lastOpenFailure }: PoolFrame, paint: Paint): string[] {
  const lines: string[] = []
  if (breaker !== null) {
    // One that opened because no connection could be opened has seen no call fail.
    const hasCounted = breaker.state === 'closed' || breaker.failures > 0
    const failures = `, ${whole(breaker.failures)} of ${whole(breaker.calls)} calls failed`
    const retry = breaker.state === 'open' ? `, next try in ${millis(breaker.retryAfterMillis)}` : ''
    const said = `${breaker.state}${hasCounted ? failures : ''}${retry}`
    lines.push(`${label('breaker')}${breaker.state === 'closed' ? said : paint.bad(said)}`)
  }
  if (counts.leaking > 0)
    lines.push(`${label('leaks')}${paint.bad(`${whole(counts.leaking)} held for too long`)}`)
  if (counts.lost > 0)
    lines.push(`${label('lost')}${paint.bad(`${whole(counts.lost)} whose end nobody has seen`)}`)
  if (lastOpenFailure !== null && lastOpenFailure.ageMillis < 60_000)
    lines.push(
      `${label('opens')}${paint.bad(`failed ${millis(lastOpenFailure.ageMillis)} ago: ${lastOpenFailure.message}`)}`,
    )
  return lines
}

function details({ frame, slow }: WatchedPool, { paint, width }: Sheet): string[] {
  const longest = longestHeld(frame)
  const advice = slow?.advice ?? []
  return [
    ...queue(frame, paint, width),
    ...(longest === undefined ? [] : [`${label('longest')}${longest}`]),
    ...classes(frame, paint),
    ...advice.slice(0, mostRows).flatMap(({ severity, title, change }, index) => {
      const mark = severity === 'advice' ? paint.busy : paint.bad
      const line = `${label(index === 0 ? 'advice' : '')}${mark(severity)}: ${title}. ${change}`
      return wrap(line, width, label(''))
    }),
  ]
}

function queue({ queue: { rows, more }, counts }: PoolFrame, paint: Paint, width: number): string[] {
  const shown = rows.slice(0, mostRows)
  const most = Math.max(1, ...shown.map(({ waiting }) => waiting))
  const rest = rows.slice(mostRows).reduce((sum, { waiting }) => sum + waiting, more)
  const room = Math.max(5, Math.min(30, width - labelWidth - 50))
  const lines = shown.map(
    ({ priority, agent, waiting, oldestMillis }, index) =>
      `${label(index === 0 ? 'queue' : '')}${priority}  ${left((agent ?? 'no agent').slice(0, 24), 24)} ${right(whole(waiting), 6)} ${bar(waiting / most, room, paint)} ${right(millis(oldestMillis), 8)}`,
  )
  if (rest > 0 && counts.waiting > 0) lines.push(`${label('')}${paint.dim(`and ${whole(rest)} more`)}`)
  return lines
}

function classes({ classes }: PoolFrame, paint: Paint): string[] {
  if (classes.length === 0) return []
  const head = ['per s', 'p50', 'p95', 'p99'].map((text) => right(text, 10)).join('')
  return [
    paint.dim(`${label('class')}${head}`),
    ...classes.map(({ class: name, perSecond, p50, p95, p99 }) => {
      const times = [p50, p95, p99].map((time) => right(time === null ? '–' : millis(time), 10))
      return `${label(name)}${right(rate(perSecond), 10)}${times.join('')}`
    }),
  ]
}

/** `12:30:01 warn  planner has held a connection for 30 s`. */
export function eventLine({ at, level, text }: EventFrame, paint: Paint): string {
  const clock = new Date(at).toTimeString().slice(0, 8)
  const mark = level === 'info' ? paint.dim : level === 'warn' ? paint.busy : paint.bad
  return ` ${paint.dim(clock)} ${mark(left(level, 5))} ${text}`
}

/** The line of one pool for where nothing is drawn. */
export function plainLine({ frame }: WatchedPool): string {
  const { name, state, utilization, max, perSecond, classes, counts } = frame
  const busiest = [...classes].sort((a, b) => b.perSecond - a.perSecond)[0]
  return [
    `  ${name.slice(0, 14)}${state === 'running' ? '' : ` ${state}`}`,
    `${Math.round(utilization)} % of ${max} busy`,
    `${rate(perSecond.answered)}/s`,
    ...(perSecond.failed > 0 ? [`${rate(perSecond.failed)}/s failed`] : []),
    ...(busiest !== undefined && busiest.p95 !== null
      ? [`${busiest.class.slice(0, 12)} p95 ${millis(busiest.p95)}`]
      : []),
    `waiting ${counts.waiting}`,
  ].join('  ')
}

function rate(perSecond: number): string {
  return perSecond > 0 && perSecond < 9.95 ? perSecond.toFixed(1) : whole(perSecond)
}
