/** The large figures at the top of a pool, each against its target. */
import type { PoolFrame } from '../frame.ts'
import { field, make, part, setAttribute, setShare, setText } from './dom.ts'
import { count, duration, NOTHING, percent, rate, share } from './format.ts'
import type { Tone } from './headline.ts'
import { BUSY_PERCENT, EXHAUSTED_WAITING } from './headline.ts'
import { STATES, signOf } from './words.ts'

/** Milliseconds to get a connection, on average: what it should stay below, and where there is an alert. */
export const WAIT_TARGET = { target: 10, alert: 50 } as const
/** Percent of connections that had been used before. */
export const REUSE_TARGET = { target: 95, alert: 90 } as const
/** Before that many loans the share says nothing. */
const ENOUGH_LOANS = 100

export class Vitals {
  readonly #root: HTMLElement

  constructor(root: HTMLElement) {
    this.#root = root
    const legend = part(root, 'legend')
    for (const state of STATES) {
      const item = make('li')
      const swatch = make('span', 'cell sample', signOf(state))
      swatch.setAttribute('aria-hidden', 'true')
      swatch.dataset.state = state
      const number = make('b')
      number.dataset.field = state
      item.append(swatch, number, make('span', '', state))
      legend.append(item)
    }
  }

  show(pool: PoolFrame): void {
    const { breaker, counts, latency, max, maxOverflow, perSecond, reuse, totals, utilization, wait } = pool
    for (const state of STATES) this.#write(state, count(counts[state]))
    this.#write('utilization', percent(utilization))
    this.#tone('utilization', utilization > 90 ? 'bad' : utilization > BUSY_PERCENT ? 'warn' : 'good')
    setShare(field(this.#root, 'utilization-bar'), utilization / 100)
    this.#write('total', count(counts.total))
    this.#write('max', maxOverflow > 0 ? `${count(max)} + ${count(maxOverflow)}` : count(max))
    this.#write('waiting', count(counts.waiting))
    this.#tone('waiting', toneOfQueue(counts))
    this.#write(
      'oldest',
      counts.waiting === 0 ? 'nobody waits' : `first for ${duration(pool.oldestWaitMillis)}`,
    )
    this.#write('answered', rate(perSecond.answered))
    this.#write('failed', rate(perSecond.failed))
    this.#tone('answered', toneOfAnswers(perSecond))
    this.#write('p50', duration(latency.p50))
    this.#write('p95', duration(latency.p95))
    this.#write('p99', duration(latency.p99))
    this.#write('wait', duration(wait.mean))
    this.#write('wait-p99', duration(wait.p99))
    this.#tone('wait', toneAbove(wait.mean ?? 0, WAIT_TARGET))
    this.#write('reuse', totals.acquired === 0 ? NOTHING : share(reuse))
    this.#tone('reuse', totals.acquired < ENOUGH_LOANS ? 'good' : toneAbove(-100 * reuse, NEGATED))
    this.#write('acquired', count(totals.acquired))
    this.#write('breaker', breaker === null ? 'none' : breaker.state)
    this.#write('breaker-note', noteOf(breaker))
    this.#tone('breaker', toneOfBreaker(breaker))
  }

  #write(name: string, text: string): void {
    setText(field(this.#root, name), text)
  }

  #tone(name: string, tone: Tone): void {
    const tile = field(this.#root, name).closest('.tile')
    if (tile !== null) setAttribute(tile, 'data-tone', tone)
  }
}

/** Reuse should stay above its targets: the same question, turned round. */
const NEGATED = { target: -REUSE_TARGET.target, alert: -REUSE_TARGET.alert } as const

function toneAbove(
  value: number,
  { alert, target }: { readonly alert: number; readonly target: number },
): Tone {
  if (value > alert) return 'bad'
  return value > target ? 'warn' : 'good'
}

/** Of the answers that are errors: some may be the callers' own, most are not. */
function toneOfAnswers({ answered, failed }: PoolFrame['perSecond']): Tone {
  if (failed === 0) return 'good'
  return failed > answered / 2 ? 'bad' : 'warn'
}

function toneOfQueue({ idle, waiting }: PoolFrame['counts']): Tone {
  if (waiting === 0) return 'good'
  return idle === 0 && waiting > EXHAUSTED_WAITING ? 'bad' : 'warn'
}

function toneOfBreaker(breaker: PoolFrame['breaker']): Tone {
  switch (breaker?.state) {
    case 'open':
      return 'bad'
    case 'half-open':
      return 'warn'
    case 'closed':
    case undefined:
      return 'good'
  }
}

function noteOf(breaker: PoolFrame['breaker']): string {
  switch (breaker?.state) {
    case undefined:
      return 'set circuitBreaker'
    case 'closed':
      return `${count(breaker.failures)} of ${count(breaker.calls)} failed`
    case 'open':
      return `tries in ${duration(breaker.retryAfterMillis)}`
    case 'half-open':
      return 'tries a few calls'
  }
}
