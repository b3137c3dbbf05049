// What must hold after every event, whatever came before.
import { OPEN_PATIENCE_MILLIS } from '../../src/core/callers.ts'
import type { ConnectionRow, PoolStats } from '../../src/core/stats.ts'
import type { Caller } from './caller.ts'
import type { Needs } from './share.ts'

const KINDS = ['opening', 'idle', 'checking', 'leased', 'shared', 'cancelling', 'closing'] as const
const COUNTED = ['acquired', 'timeouts', 'aborted', 'rejected', 'shed', 'opened', 'openFailures'] as const

/** A check that takes longer keeps nobody waiting. The engine begins to doubt after 100 ms, and looks again every 100 ms. */
const SLOW = 200

/** How often each thing has happened, as the model saw it. */
export type Counts = Record<(typeof COUNTED)[number] | 'closed', number>

/** The pool as it is, and as the model has it. */
export interface View {
  readonly stats: PoolStats
  readonly rows: readonly ConnectionRow[]
  /** Sessions at the server. */
  readonly sessions: number
  readonly mode: PoolStats['state']
  readonly max: number
  /** max + maxOverflow */
  readonly capacity: number
  /** What there may be of slots: the capacity, or what a larger one has left behind. */
  readonly most: number
  readonly waiting: readonly Caller[]
  readonly needs: Needs
  /** For how long callers have needed connections that are not on their way although there is room. */
  readonly shortFor: number
  readonly wholeWanted: number
  /** Leases that are out, and those of them that are shared. */
  readonly held: number
  readonly shared: number
  /** Slots that limited work holds, and how many those may be. */
  readonly limited: number
  readonly limitedMost: number
  /** Agents that hold more than they may. */
  readonly overfull: readonly string[]
  readonly counts: Counts
  /** The time; undefined while it has jumped and no timer has fired since. */
  readonly now: number | undefined
}

/** Everything that does not hold, as sentences. */
export function broken(view: View): string[] {
  return [...sizes(view), ...tallies(view), ...waits(view)]
    .filter(([holds]) => !holds)
    .map(([, sentence]) => sentence)
}

type Claim = readonly [holds: boolean, otherwise: string]

function sizes({
  capacity,
  limited,
  limitedMost,
  max,
  mode,
  most,
  overfull,
  sessions,
  stats,
}: View): Claim[] {
  const { closing, idle, lost, total } = stats
  const live = total - closing
  return [
    [stats.state === mode, `it is ${stats.state}, not ${mode}`],
    [total <= Math.max(most, capacity), `${total} slots where ${most} are allowed`],
    [sessions <= total + lost, `${sessions} sessions, but only ${total} slots and ${lost} lost`],
    [limited <= limitedMost, `${limited} slots are held against a share of ${limitedMost}`],
    [overfull.length === 0, `${overfull.join(', ')} hold more than they may`],
    [idle === 0 || live <= max, `${idle} idle while ${live} live of ${max}`],
  ]
}

function tallies({ counts, held, rows, shared, stats, waiting }: View): Claim[] {
  const open = rows.filter(({ createdAt }) => createdAt !== undefined).length
  const levels = stats.waitingByPriority.reduce((sum, count) => sum + count, 0)
  return [
    ...KINDS.map((kind): Claim => {
      const count = rows.filter(({ state }) => state === kind).length
      return [stats[kind] === count, `${stats[kind]} are said to be ${kind}, ${count} are`]
    }),
    ...COUNTED.map(
      (name): Claim => [stats[name] === counts[name], `${name}: ${stats[name]}, not ${counts[name]}`],
    ),
    [stats.total === rows.length, `total is ${stats.total} of ${rows.length}`],
    [stats.waiting === waiting.length, `${stats.waiting} wait, not ${waiting.length}`],
    [stats.waiting === levels, `${levels} wait by priority, ${stats.waiting} in all`],
    [stats.opened === open + counts.closed, `${stats.opened} opened, ${open} open, ${counts.closed} closed`],
    [stats.leased === held - shared, `${stats.leased} are leased, ${held - shared} held`],
    [stats.shared === shared, `${stats.shared} are shared, ${shared} held`],
  ]
}

function isSlowOpen({ sinceMillis, state }: ConnectionRow): boolean {
  return state === 'opening' && sinceMillis >= OPEN_PATIENCE_MILLIS
}

/** Nobody waits for nothing, nor for too long. */
function waits({ capacity, mode, needs, now, rows, shortFor, stats, waiting, wholeWanted }: View): Claim[] {
  const { idle, openFailures, opening, total } = stats
  const room = capacity - total
  const late = now === undefined ? undefined : waiting.find(({ dueAt }) => dueAt <= now)
  // Room is none while the server lets nobody in; whether it does just now is not to be seen from outside.
  const opens = openFailures === 0 && rows.every((row) => !isSlowOpen(row))
  const wanted = idle > 0 || (opens && room > 0) ? 0 : needs.wholeWanted
  const may = wholeWanted === wanted || (wholeWanted === 0 && room > 0)
  const always: Claim[] = [
    [late === undefined, `${late?.id} waits past its deadline`],
    [may, `${wholeWanted} shared ones should come back, not ${wanted}`],
  ]
  if (mode === 'paused' || now === undefined) return always
  const checking = rows.filter(({ sinceMillis, state }) => state === 'checking' && sinceMillis < SLOW).length
  const unserved = needs.demand - opening - checking
  // What is lent may serve a burst before an open could; the pool does not hope for longer than an open takes.
  const hoping = stats.leased > 0 && shortFor <= stats.open.max
  return [
    ...always,
    [idle === 0 || needs.demand <= checking, `${idle} idle while ${needs.demand} are needed`],
    [
      unserved <= 0 || room <= 0 || opening >= 4 || openFailures > 0 || hoping,
      `${unserved} needed with nothing on its way and room for ${room}`,
    ],
  ]
}
