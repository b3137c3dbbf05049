// What must hold after every event, whatever came before.
import type { ConnectionRow, PoolStats } from '../../src/core/stats.ts'
import type { Caller } from './caller.ts'

const KINDS = ['opening', 'idle', 'checking', 'leased', 'cancelling', 'closing'] as const
const COUNTED = ['acquired', 'timeouts', 'aborted', 'rejected', 'opened', 'openFailures'] as const

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
  readonly held: number
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

function sizes({ capacity, max, mode, most, sessions, stats }: View): Claim[] {
  const { closing, idle, lost, total } = stats
  const live = total - closing
  return [
    [stats.state === mode, `it is ${stats.state}, not ${mode}`],
    [total <= Math.max(most, capacity), `${total} slots where ${most} are allowed`],
    [sessions <= total + lost, `${sessions} sessions, but only ${total} slots and ${lost} lost`],
    [idle === 0 || live <= max, `${idle} idle while ${live} live of ${max}`],
  ]
}

function tallies({ counts, held, rows, stats, waiting }: View): Claim[] {
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
    [stats.leased === held, `${stats.leased} are leased, ${held} held`],
  ]
}

/** Nobody waits for nothing, nor for too long. */
function waits({ capacity, mode, now, rows, stats, waiting }: View): Claim[] {
  const late = now === undefined ? undefined : waiting.find(({ dueAt }) => dueAt <= now)
  const onTime: Claim = [late === undefined, `${late?.id} waits past its deadline`]
  if (mode === 'paused' || waiting.length === 0) return [onTime]
  const { idle, openFailures, opening, total } = stats
  const checking = rows.filter(({ sinceMillis, state }) => state === 'checking' && sinceMillis < SLOW).length
  const unserved = waiting.length - opening - checking
  const room = capacity - total
  return [
    onTime,
    [
      idle === 0 || waiting.length <= checking || now === undefined,
      `${idle} idle while ${waiting.length} wait`,
    ],
    [
      unserved <= 0 || now === undefined || room <= 0 || opening >= 4 || openFailures > 0,
      `${unserved} wait with nothing on its way and room for ${room}`,
    ],
  ]
}
