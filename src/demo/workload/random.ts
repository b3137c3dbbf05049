/** Random numbers that are the same for the same seed, everywhere. */

/** A stream of numbers and choices. */
export interface Random {
  /** 0 ≤ n < 1 */
  next(): number
  /** A whole number, both ends included. */
  between(low: number, high: number): number
  /** True with probability `share`. */
  chance(share: number): boolean
}

/** A stream of its own for every different list of `parts` (mulberry32, seeded by FNV-1a over the parts). */
export function randomOf(...parts: (string | number)[]): Random {
  let state = 0x811c9dc5
  for (const char of parts.join('/')) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193)
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    chance: (share) => next() < share,
  }
}
