/** `log()`: writes what happens to pools with the logger that the program has, in lines of fields, without secrets and not too many. */
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { readBoolean, readMillis, readNumber, readOptions, readWord } from '../base/options.ts'
import { redact } from '../base/redact.ts'
import type { AllowanceParts } from './log/allowance.ts'
import { Allowance } from './log/allowance.ts'
import type { LogEvent, Tell } from './log/events.ts'
import { EVENTS, poolHooks, statementHooks } from './log/events.ts'
import type { FieldsFirst, LogFields, LoggerShape, MessageFirst, Write } from './log/logger.ts'
import { writerOf } from './log/logger.ts'
import type { MonitoredPool, NamedPools } from './monitored.ts'
import { readPools } from './monitored.ts'

export type { LogEvent } from './log/events.ts'
export type { FieldsFirst, LogFields, LoggerShape, LogLevel, MessageFirst } from './log/logger.ts'

/** Options of {@link log}. */
export interface LogOptions {
  /** Writes every statement at `debug`: its text without literals, its time, and the code of its error. Default false. */
  readonly echo?: boolean | undefined
  /** Writes statements that took longer than is expected of their class. Default true; without it and `echo` no single statement is looked at. */
  readonly slow?: boolean | undefined
  /** Lines of one event and pool that a window begins with; what comes after them is counted. 1 or more; default 10. */
  readonly first?: number | undefined
  /** The window, in milliseconds: at its end one line says how many were left out. 1 or more; default 60,000. */
  readonly windowMillis?: number | undefined
  /** What comes first in the logger's calls. Default: the fields for a pino or a bunyan, the message for everything else (winston, `console`). */
  readonly shape?: LoggerShape | undefined
}

/** What {@link log} takes from outside besides options; tests hand in their own. */
export interface LogSurroundings {
  readonly clock?: Clock
}

/** What the circuit breaker of a pool tells. */
export interface BreakerChange {
  readonly state: 'closed' | 'open' | 'half-open'
  readonly reason: string
}

/** A pool that can be logged: one that has a circuit breaker tells of it with an event. */
export interface LoggedPool extends MonitoredPool {
  on?(event: 'breaker', listener: (change: BreakerChange) => void): unknown
  off?(event: 'breaker', listener: (change: BreakerChange) => void): unknown
}

/** A log under way. */
export interface Log {
  /** Lines that the logger refused. */
  readonly failures: number
  /** Says what was left out so far, and writes nothing more. */
  stop(): void
  [Symbol.dispose](): void
}

/**
 * Writes what happens to pools. Connections opened and closed, and callers who gave up, are `debug`; the end of a pool and a
 * leak that came back `info`; failures, refusals, leaks and slow statements `warn`; opens that fail in a row and closes that were
 * given up `error`. Of each event the first lines are written, then one line a window that says how many were left out; `echo` leaves out none.
 * What the logger throws reaches nobody.
 * @throws SLUICE_BAD_OPTION
 */
export function log(
  pools: LoggedPool | NamedPools<LoggedPool>,
  logger: FieldsFirst | MessageFirst,
  options: LogOptions = {},
  { clock = systemClock }: LogSurroundings = {},
): Log {
  const named = readPools<LoggedPool>(pools, 'log()', ['stats', 'attach'])
  const given = readOptions(options, 'log()', ['echo', 'slow', 'first', 'windowMillis', 'shape'])
  const echo = readBoolean(given, 'echo') ?? false
  const slow = readBoolean(given, 'slow') ?? true
  const first = readNumber(given, 'first', { min: 1, max: 1_000_000 }) ?? 10
  const windowMillis = readMillis(given, 'windowMillis', 1) ?? 60_000
  const shape = readWord<LoggerShape>(given, 'shape', ['fields-first', 'message-first'])
  let failures = 0
  const failed = () => {
    failures += 1
  }
  const write = writerOf(logger, shape, failed)
  const logs = [...named].map(([name, pool]) => {
    const lines = new Lines(name, write, failed, { clock, first, windowMillis })
    return { lines, detach: attach(pool, lines.tell, echo, slow) }
  })
  const stop = () => {
    for (const { detach, lines } of logs.splice(0)) {
      detach()
      lines.flush()
    }
  }
  return {
    get failures() {
      return failures
    },
    stop,
    [Symbol.dispose]: stop,
  }
}

/** Listens to one pool. Returns the way to stop. */
function attach(pool: LoggedPool, tell: Tell, echo: boolean, slow: boolean): () => void {
  const detach = pool.attach({ ...poolHooks(tell), ...statementHooks(tell, echo, slow) })
  const changed = ({ reason, state }: BreakerChange) =>
    tell('breaker', () => ({ state, reason: redact(reason) }), state === 'open' ? 'warn' : 'info')
  pool.on?.('breaker', changed)
  return () => {
    detach()
    pool.off?.('breaker', changed)
  }
}

/** The lines about one pool. */
class Lines {
  readonly #pool: string
  readonly #write: Write
  readonly #failed: () => void
  readonly #parts: AllowanceParts
  readonly #allowances = new Map<LogEvent, Allowance>()

  constructor(pool: string, write: Write, failed: () => void, parts: AllowanceParts) {
    this.#pool = pool
    this.#write = write
    this.#failed = failed
    this.#parts = parts
  }

  readonly tell: Tell = (event, details, level = EVENTS[event][0]) => {
    // The last line of a pool: what was left out comes before it.
    if (event === 'ended') this.flush()
    if (event !== 'statement' && !this.#allowanceOf(event).take()) return
    try {
      const said = Object.entries(details()).filter(([, value]) => value !== undefined)
      const fields = Object.fromEntries(said) as LogFields
      this.#write(level, EVENTS[event][1], { pool: this.#pool, event, ...fields })
    } catch {
      this.#failed()
    }
  }

  #allowanceOf(event: LogEvent): Allowance {
    let allowance = this.#allowances.get(event)
    if (allowance === undefined) {
      const { windowMillis } = this.#parts
      allowance = new Allowance(this.#parts, (leftOut) =>
        this.#write(EVENTS[event][0], 'lines were left out', {
          pool: this.#pool,
          event,
          leftOut,
          windowMillis,
        }),
      )
      this.#allowances.set(event, allowance)
    }
    return allowance
  }

  /** Says what was left out so far. */
  flush(): void {
    for (const allowance of this.#allowances.values()) allowance.flush()
  }
}
