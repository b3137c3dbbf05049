/** A timer that a {@link Clock} has armed. `unref` lets the process end although it is armed; `ref` takes that back. */
export interface Timer {
  ref(): unknown
  unref(): unknown
}

/** The only source of time in Sluice, so that tests can own it. */
export interface Clock {
  /** Milliseconds on a clock that never jumps back; only differences mean something. */
  now(): number
  /** Milliseconds since 1970, for timestamps that people read. */
  epoch(): number
  /** Calls `fire` once, `millis` from now. */
  setTimeout(fire: () => void, millis: number): Timer
  clearTimeout(timer: Timer): void
  /** Calls `fire` when this turn of the event loop has done what came to it. */
  endOfTurn(fire: () => void): void
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  epoch: () => Date.now(),
  setTimeout: (fire, millis) => setTimeout(fire, millis),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  endOfTurn: (fire) => void setImmediate(fire),
}
