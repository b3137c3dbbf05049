/** What moves through a pool, as bars: who waits, how deep its lanes are, why it opens and closes. */
import type { PoolFrame } from '../frame.ts'
import type { Bar } from './bars.ts'
import { Bars } from './bars.ts'
import { part, setText } from './dom.ts'
import { age, count, duration, several } from './format.ts'

/** More lanes than that are told in one line. */
const MOST_LANES = 8

const CALLS = [
  ['timeouts', 'acquire timeouts'],
  ['rejected', 'rejected: full queue'],
  ['shed', 'shed: too late anyway'],
  ['aborted', 'aborted by the caller'],
  ['leaked', 'leaks reported'],
  ['retries', 'run again'],
] as const

export class Flows {
  readonly #root: HTMLElement
  readonly #queue: Bars
  readonly #lanes: Bars
  readonly #opens: Bars
  readonly #calls: Bars

  constructor(root: HTMLElement) {
    this.#root = root
    this.#queue = new Bars(part(root, 'queue'))
    this.#lanes = new Bars(part(root, 'lanes'))
    this.#opens = new Bars(part(root, 'opens'))
    this.#calls = new Bars(part(root, 'calls'))
  }

  show(pool: PoolFrame): void {
    this.#queue.show(queueBars(pool))
    const { more } = pool.queue
    setText(part(this.#root, 'queue-more'), more === 0 ? '' : `${several(more, 'caller')} more in other rows`)
    const lanes = laneBars(pool)
    this.#lanes.show(lanes.slice(0, MOST_LANES))
    setText(part(this.#root, 'lanes-note'), laneNote(lanes))
    this.#opens.show(openBars(pool))
    const failure = pool.lastOpenFailure
    setText(
      part(this.#root, 'open-failure'),
      failure === null ? '' : `Last open failure, ${age(failure.ageMillis)} ago: ${failure.message}`,
    )
    this.#calls.show(callBars(pool))
  }
}

function queueBars({ queue }: PoolFrame): readonly Bar[] {
  return queue.rows.map(({ agent, oldestMillis, priority, waiting }) => ({
    key: `${priority} ${agent === null ? '' : `a${agent}`}`,
    name: `P${priority} · ${agent ?? 'no agent'}`,
    value: waiting,
    text: count(waiting),
    note: duration(oldestMillis),
    kind: `priority-${Math.min(3, priority)}`,
  }))
}

function laneBars({ slots }: PoolFrame): readonly Bar[] {
  return slots
    .filter(({ state }) => state === 'shared')
    .map(({ depth, id }) => ({
      key: String(id),
      name: `slot ${id}`,
      value: depth ?? 0,
      text: count(depth ?? 0),
      kind: 'shared',
    }))
}

function laneNote(lanes: readonly Bar[]): string {
  if (lanes.length === 0) return ''
  const together = lanes.reduce((sum, { value }) => sum + value, 0)
  const hidden = lanes.length - MOST_LANES
  const rest = hidden > 0 ? `; ${several(hidden, 'lane')} not drawn` : ''
  return `${several(together, 'statement')} on ${several(lanes.length, 'lane')}${rest}`
}

function openBars({ totals }: PoolFrame): readonly Bar[] {
  const reasons = Object.entries(totals.closed)
    .filter(([, n]) => n > 0)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return [
    ...plain('opened', 'opened', totals.opened, 'opened'),
    ...plain('failures', 'opens that failed', totals.openFailures, 'bad'),
    ...reasons.flatMap(([reason, n]) => plain(`closed ${reason}`, `closed: ${reason}`, n, 'closed')),
  ]
}

function callBars({ totals }: PoolFrame): readonly Bar[] {
  return CALLS.flatMap(([key, name]) => plain(key, name, totals[key], key === 'retries' ? 'closed' : 'bad'))
}

/** What has never happened is left out. */
function plain(key: string, name: string, value: number, kind: string): readonly Bar[] {
  return value === 0 ? [] : [{ key, name, value, text: count(value), kind }]
}
