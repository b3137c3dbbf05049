/**
 * The turns of the agents of one level, in all lines together: start-time fair queueing with a turn as the unit. Each agent's next
 * turn has a number, one more than its last one by its weight, and never less than what others have come to meanwhile. Source:
 * Goyal, Vin and Cheng, "Start-time Fair Queuing", SIGCOMM 1996.
 */
import { Recent } from '../base/recent.ts'

/** A turn of an agent of weight 1. Whole parts of it, rounded up, so that n turns of weight n are never less than one. */
const TURN = 1_048_576

/** Agents that are remembered at least; one that is forgotten counts as one that comes anew. */
const REMEMBERED = 1_024

export class Rota {
  readonly #last = new Recent<string | undefined, number>(REMEMBERED)
  #now = 0
  #only: { readonly agent: string | undefined } | undefined
  /** Nothing is to be compared while there is only one. */
  #several = false

  /** The number of an agent's next turn. @param weight turns for each turn of the others */
  next(agent: string | undefined, weight: number): number {
    if (!this.#several) {
      this.#only ??= { agent }
      this.#several = this.#only.agent !== agent
      if (!this.#several) return 0
    }
    return Math.max(this.#now, this.#last.get(agent) ?? 0) + Math.ceil(TURN / weight)
  }

  /** An agent has had the turn of that number. */
  had(agent: string | undefined, turn: number): void {
    if (!this.#several) return
    this.#now = Math.max(this.#now, turn)
    // The turn may be one of an earlier number, in a line that has had none for long.
    this.#last.set(agent, Math.max(turn, this.#last.get(agent) ?? 0))
  }
}
