/** Gives every slot a place in the picture and keeps it there, so that a cell means one connection for as long as that lives. */
import type { SlotFrame } from '../frame.ts'

/** More cells than that nobody can tell apart; the server tells of no more slots either. */
export const MOST_PLACES = 500

/** One cell of the picture. */
export interface Place {
  /** Undefined where the place is empty. */
  readonly slot: SlotFrame | undefined
  /** Beyond `max`: a temporary connection, or one of a pool that was made smaller. */
  readonly isOverflow: boolean
}

export class Places {
  #taken: (number | undefined)[] = []

  /** The places up to `max` and, faintly, those of the overflow; each slot where it was before, a new one in the first that is free. */
  arrange(slots: readonly SlotFrame[], max: number, maxOverflow: number): readonly Place[] {
    const byId = new Map(slots.map((slot) => [slot.id, slot]))
    const taken = this.#taken.map((id) => (id !== undefined && byId.has(id) ? id : undefined))
    // What stands beyond max comes down as soon as there is room: beyond max there is nobody then.
    const stay = taken.slice(0, max)
    const placed = new Set(stay)
    for (const { id } of slots) {
      if (placed.has(id)) continue
      const free = stay.indexOf(undefined)
      if (free >= 0) stay[free] = id
      else stay.push(id)
    }
    this.#taken = stay
    const length = Math.min(MOST_PLACES, Math.max(max + maxOverflow, stay.length))
    return Array.from({ length }, (_, index) => {
      const id = stay[index]
      return { slot: id === undefined ? undefined : byId.get(id), isOverflow: index >= max }
    })
  }

  forget(): void {
    this.#taken = []
  }
}
