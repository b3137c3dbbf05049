/** Calls something again and again at equal distances. It never keeps the process up. */
import { Alarm } from '../base/alarm.ts'
import type { Clock } from '../base/clock.ts'

/** A beat that can be started and stopped. */
export class Beat {
  readonly #clock: Clock
  readonly #millis: number
  readonly #fire: () => void
  readonly #alarm: Alarm
  #dueAt: number | undefined

  constructor(clock: Clock, millis: number, fire: () => void) {
    this.#clock = clock
    this.#millis = millis
    this.#fire = fire
    this.#alarm = new Alarm(clock, () => this.#ring(), false)
  }

  get isRunning(): boolean {
    return this.#dueAt !== undefined
  }

  /** The first call comes after the distance. */
  start(): void {
    if (this.isRunning) return
    this.#arm(this.#clock.now() + this.#millis)
  }

  stop(): void {
    this.#dueAt = undefined
    this.#alarm.stop()
  }

  #arm(dueAt: number): void {
    this.#dueAt = dueAt
    this.#alarm.by(dueAt, this.#clock.now())
  }

  #ring(): void {
    if (this.#dueAt === undefined) return
    // What a standstill has swallowed is not made up for.
    this.#arm(Math.max(this.#dueAt + this.#millis, this.#clock.now()))
    this.#fire()
  }
}
