/**
 * For which values a statement is slow: a tenant that is larger than the others, a flag that makes it read everything. Kept
 * only for statements that were fast and slow under one text; what is slow for some values need not leave the lanes for all.
 */
import { Recent } from '../../base/recent.ts'
import type { Serialised } from './packet.ts'
import { SHORT_MILLIS, Times } from './times.ts'

/** How many values are remembered at least, of each parameter. */
const REMEMBERED = 128

/** Parameters beyond these, and values that are longer, tell nothing. */
const PARAMETERS = 8
export const LONGEST_VALUE = 100

/** A value that was fast so often is not what made a run slow. */
const PROVEN = 8

/** After so many fast runs in a row it is looked at whether there is still anything to know. */
const QUIET_RUNS = 2_000

export class Values {
  /** Has gaps where a value never told anything. */
  readonly #parameters: (Recent<string, Times> | undefined)[] = []
  #quietRuns = 0

  /** The times of the value that makes these slow, where one is known to. */
  slow(keys: readonly Serialised[]): Times | undefined {
    for (const [n, parameter] of this.#parameters.entries()) {
      const key = keyOf(keys[n])
      const times = key === undefined ? undefined : parameter?.get(key)
      if (times?.isSlow === true) return times
    }
    return undefined
  }

  /** Milliseconds that few runs exceed, for the slowest value. */
  get high(): number {
    let most = 0
    for (const parameter of this.#parameters)
      for (const { high } of parameter?.values() ?? []) most = Math.max(most, high)
    return most
  }

  /**
   * Notes a run with values none of which was known to be slow. Returns false when there is nothing left to know: a run that was
   * slow once, when its caches were cold, should not cost every later one.
   */
  note(keys: readonly Serialised[], own: number, size: number): boolean {
    const wasSlow = own > SHORT_MILLIS
    this.#quietRuns = wasSlow ? 0 : this.#quietRuns + 1
    if (this.#quietRuns === QUIET_RUNS && !this.#knowsSlow) return false
    if (this.#quietRuns === QUIET_RUNS) this.#quietRuns = 0
    for (let n = 0; n < keys.length && n < PARAMETERS; n++) {
      const key = keyOf(keys[n])
      if (key === undefined) continue
      const parameter = this.#parameters[n] ?? new Recent(REMEMBERED)
      this.#parameters[n] = parameter
      let times = parameter.get(key)
      if (wasSlow && times !== undefined && times.runs >= PROVEN) continue
      if (times === undefined) {
        times = new Times()
        parameter.set(key, times)
      }
      times.record(own, size)
    }
    return true
  }

  get #knowsSlow(): boolean {
    return this.#parameters.some((parameter) => parameter?.some(({ isSlow }) => isSlow))
  }
}

function keyOf(value: Serialised | undefined): string | undefined {
  if (value === null) return ''
  return typeof value === 'string' && value.length <= LONGEST_VALUE ? value : undefined
}
