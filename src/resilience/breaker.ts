/** A circuit breaker: after too many failures it refuses calls at once, and lets one through now and then to see whether the server is back. */
import { equalJitter } from '../base/backoff.ts'
import type { SluiceErrorDetails } from '../base/errors.ts'
import { SluiceError } from '../base/errors.ts'
import { readGroup, readMillis, readNumber } from '../base/options.ts'
import type { Counts } from './window.ts'
import { Window } from './window.ts'

/** `closed` lets calls go, `open` refuses them, `half-open` lets one go to see. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** When a breaker opens, and for how long. */
export interface BreakerOptions {
  /** The part of the calls that must fail for it to open. 0.01 to 1; default 0.5. */
  readonly failureRate?: number | undefined
  /** Calls within the window below which the rate says nothing. 1 to 1,000,000; default 20. */
  readonly minimumCalls?: number | undefined
  /** How far back calls count, in milliseconds. 100 or more; default 10,000. */
  readonly windowMillis?: number | undefined
  /** Opens of connections that must fail in a row for it to open. 1 to 10,000; default 5. */
  readonly openFailures?: number | undefined
  /**
   * How long it stays open before one call may try, in milliseconds: doubled with each try that fails, then between half of
   * that and all of it, at random. 1 or more; default 1,000.
   */
  readonly cooldownMillis?: number | undefined
  /** The longest that `cooldownMillis` may become, in milliseconds. `cooldownMillis` or more; default 30,000, or `cooldownMillis` where that is more. */
  readonly maxCooldownMillis?: number | undefined
}

/** {@link BreakerOptions}, complete. */
export type BreakerSettings = { readonly [Name in keyof BreakerOptions]-?: number }

/** A breaker in numbers. */
export interface BreakerStats {
  readonly state: BreakerState
  /** Calls within the window; of a breaker that is not closed, those that it opened with. */
  readonly calls: number
  /** Those of `calls` that failed. */
  readonly failures: number
  /** Milliseconds until another call makes sense; 0 where it may go now. */
  readonly retryAfterMillis: number
  /** How often it has opened, failed probes included. */
  readonly openedTimes: number
}

/** Told of every change of state, with what led to it in words and numbers. Must not throw. */
export type BreakerListener = (state: BreakerState, reason: string) => void

/** What a call that may go carries: the state that let it go, so that its end is not taken for one of a later state. */
export type Pass = Closed | Probe

/** How long a probe keeps the next one waiting, at least. Statements may run without an end, and the server may have swallowed this one. */
const PROBE_MILLIS = 5_000

const NAMES = [
  'failureRate',
  'minimumCalls',
  'windowMillis',
  'openFailures',
  'cooldownMillis',
  'maxCooldownMillis',
] as const satisfies readonly (keyof BreakerOptions)[]

/**
 * Reads the option of that name: {@link BreakerOptions}, `true` for the defaults; undefined and `false` are no breaker.
 * @throws SLUICE_BAD_OPTION naming the option, its value and its range
 */
export function readBreaker(value: unknown, name = 'circuitBreaker'): BreakerSettings | undefined {
  const given = readGroup(value, name, NAMES)
  if (given === undefined) return undefined
  const of = (key: keyof BreakerOptions) => `${name}.${key}`
  const cooldownMillis = readMillis(given, of('cooldownMillis'), 1) ?? 1_000
  return {
    failureRate: readNumber(given, of('failureRate'), { min: 0.01, max: 1, whole: false }) ?? 0.5,
    minimumCalls: readNumber(given, of('minimumCalls'), { min: 1, max: 1_000_000 }) ?? 20,
    windowMillis: readMillis(given, of('windowMillis'), 100) ?? 10_000,
    openFailures: readNumber(given, of('openFailures'), { min: 1, max: 10_000 }) ?? 5,
    cooldownMillis,
    maxCooldownMillis:
      readMillis(given, of('maxCooldownMillis'), cooldownMillis) ?? Math.max(30_000, cooldownMillis),
  }
}

interface Closed {
  readonly kind: 'closed'
  readonly window: Window
  /** Opens that failed since the last one that did not. */
  openFailures: number
}

/** What a breaker opened for, and what has come since. */
interface Trouble {
  readonly reason: string
  readonly counts: Counts
  readonly failedProbes: number
}

interface Open {
  readonly kind: 'open'
  readonly until: number
  /** What `until` was reckoned from. */
  readonly cooldownMillis: number
  readonly trouble: Trouble
}

interface HalfOpen {
  readonly kind: 'half-open'
  readonly trouble: Trouble
  probe: Probe | undefined
  openFailures: number
}

interface Probe {
  readonly kind: 'probe'
  readonly of: HalfOpen
  /** When another call may try although this one has not ended. */
  readonly until: number
}

/**
 * The breaker of one pool. Arms no timers: an open breaker becomes half-open when its cooldown is over and a call asks.
 * Every `now` is one of {@link Clock.now}.
 */
export class Breaker {
  readonly #settings: BreakerSettings
  readonly #random: () => number
  readonly #changed: BreakerListener
  #state: Closed | Open | HalfOpen
  #openedTimes = 0

  /** @param random a number from 0 up to 1 */
  constructor(settings: BreakerSettings, random: () => number, changed: BreakerListener) {
    this.#settings = settings
    this.#random = random
    this.#changed = changed
    this.#state = this.#closed()
  }

  get state(): BreakerState {
    return this.#state.kind
  }

  /**
   * Asks for a call to go. One that has its pass says once how it ended: `succeeded`, `failed` or `neutral`. Undefined is a
   * refusal: {@link refusal} is its error.
   */
  admit(now: number): Pass | undefined {
    const state = this.#state
    switch (state.kind) {
      case 'closed':
        return state
      case 'open':
        if (now < state.until) return undefined
        return this.#probe(
          this.#halve(state, `the cooldown of ${show(state.cooldownMillis)} ms is over`),
          now,
        )
      case 'half-open':
        if (state.probe !== undefined && now < state.probe.until) return undefined
        return this.#probe(state, now)
    }
  }

  /** The server has answered, be it with an error. */
  succeeded(pass: Pass, now: number): void {
    if (pass.kind === 'closed') pass.window.call(now)
    // Also a probe that took so long that another was let go: the server answers.
    else if (pass.of === this.#state) this.#enter(this.#closed(), 'the probe was answered')
  }

  /** The server has not answered, or could not be reached. */
  failed(pass: Pass, now: number): void {
    const state = this.#state
    if (pass.kind === 'closed') {
      pass.window.call(now)
      pass.window.mark(now)
      if (pass === state) this.#judge(pass, now)
    } else if (state.kind === 'half-open' && state.probe === pass)
      this.#reopen(state.trouble, 'the probe failed', now)
  }

  /** The call's end says nothing about the server: its caller gave up, or it was never sent. */
  neutral(pass: Pass): void {
    if (pass.kind === 'probe' && pass.of.probe === pass) pass.of.probe = undefined
  }

  /** A connection could be opened. */
  opened(): void {
    const state = this.#state
    if (state.kind === 'open') this.#halve(state, 'a connection could be opened')
    else state.openFailures = 0
  }

  /** A connection could not be opened. */
  openFailed(now: number): void {
    const state = this.#state
    if (state.kind === 'open') return
    state.openFailures += 1
    if (state.openFailures < this.#settings.openFailures) return
    const reason = `${show(state.openFailures)} opens in a row failed`
    if (state.kind === 'half-open') this.#reopen(state.trouble, reason, now)
    else this.#open({ reason, counts: state.window.sum(now), failedProbes: 0 }, reason, now)
  }

  /** Milliseconds until another call makes sense; 0 where it may go now. */
  retryAfterMillis(now: number): number {
    const state = this.#state
    switch (state.kind) {
      case 'closed':
        return 0
      case 'open':
        return Math.max(0, Math.ceil(state.until - now))
      case 'half-open': {
        // The probe is likely to end long before the next may go.
        const left = Math.max(0, Math.ceil((state.probe?.until ?? now) - now))
        return Math.min(this.#settings.cooldownMillis, left)
      }
    }
  }

  /** The error of a call that may not go. @param pool what else the error is to carry */
  refusal(now: number, pool: Pick<SluiceErrorDetails, 'numbers' | 'lastOpenFailure'> = {}): SluiceError {
    const retryAfterMillis = this.retryAfterMillis(now)
    return new SluiceError(
      'SLUICE_BREAKER_OPEN',
      `the circuit breaker is ${this.#state.kind}${this.#why()}; nothing was sent; try again in ${show(retryAfterMillis)} ms`,
      { ...pool, phase: 'queue', retryAfterMillis, outcome: 'not-sent' },
    )
  }

  stats(now: number): BreakerStats {
    const state = this.#state
    const { calls, marked } = state.kind === 'closed' ? state.window.sum(now) : state.trouble.counts
    return Object.freeze({
      state: state.kind,
      calls,
      failures: marked,
      retryAfterMillis: this.retryAfterMillis(now),
      openedTimes: this.#openedTimes,
    })
  }

  /** What a refusal says of the trouble. */
  #why(): string {
    if (this.#state.kind === 'closed') return ''
    const { failedProbes, reason } = this.#state.trouble
    const since =
      failedProbes === 0
        ? ''
        : ` and ${show(failedProbes)} ${failedProbes === 1 ? 'try' : 'tries'} after that`
    const out = this.#state.kind === 'open' ? '' : ', and one call is out to see whether the server is back'
    return `, since ${reason}${since}${out}`
  }

  #judge({ window }: Closed, now: number): void {
    const { failureRate, minimumCalls, windowMillis } = this.#settings
    const counts = window.sum(now)
    if (counts.calls < minimumCalls || counts.marked / counts.calls < failureRate) return
    const failed = `${show(counts.marked)} of ${show(counts.calls)} calls`
    const reason = `${failed} in the last ${show(windowMillis)} ms failed`
    this.#open({ reason, counts, failedProbes: 0 }, reason, now)
  }

  #closed(): Closed {
    return { kind: 'closed', window: new Window(this.#settings.windowMillis), openFailures: 0 }
  }

  #open(trouble: Trouble, reason: string, now: number): void {
    const { cooldownMillis: base, maxCooldownMillis } = this.#settings
    const cooldownMillis = Math.ceil(equalJitter(trouble.failedProbes, base, maxCooldownMillis, this.#random))
    this.#openedTimes += 1
    this.#enter({ kind: 'open', until: now + cooldownMillis, cooldownMillis, trouble }, reason)
  }

  #reopen(trouble: Trouble, reason: string, now: number): void {
    this.#open({ ...trouble, failedProbes: trouble.failedProbes + 1 }, reason, now)
  }

  #halve({ trouble }: Open, reason: string): HalfOpen {
    const state: HalfOpen = { kind: 'half-open', trouble, probe: undefined, openFailures: 0 }
    this.#enter(state, reason)
    return state
  }

  #probe(state: HalfOpen, now: number): Probe {
    const until = now + Math.max(PROBE_MILLIS, this.#settings.cooldownMillis)
    state.probe = { kind: 'probe', of: state, until }
    return state.probe
  }

  #enter(state: Closed | Open | HalfOpen, reason: string): void {
    this.#state = state
    this.#changed(state.kind, reason)
  }
}

function show(value: number): string {
  return value.toLocaleString('en-US')
}
