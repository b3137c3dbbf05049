/**
 * How long to wait before try number `attempt` (0 is the first one after a failure): exponential with full jitter, so that
 * clients who failed together do not return together. Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (2015).
 * @param random a number from 0 up to 1
 * @returns milliseconds, from 0 to min(cap, base × 2^attempt)
 */
export function fullJitter(
  attempt: number,
  baseMillis: number,
  capMillis: number,
  random: () => number,
): number {
  return random() * Math.min(capMillis, baseMillis * 2 ** attempt)
}

/**
 * The same, of which one half is fixed and the other random: for waits that must not be nothing. Source: as {@link fullJitter}.
 * @returns milliseconds, from half of min(cap, base × 2^attempt) to all of it
 */
export function equalJitter(
  attempt: number,
  baseMillis: number,
  capMillis: number,
  random: () => number,
): number {
  return fullJitter(attempt, baseMillis, capMillis, () => (1 + random()) / 2)
}
