/** Waiting for a while, unless there is a reason to go on at once. */
import { onAbort } from './aborts.ts'
import type { Clock } from './clock.ts'

/**
 * Calls `then` once: in `millis`, or when `signal` aborts, whichever is first.
 * @returns the way to call it now; without effect once it was called
 */
export function pause(
  clock: Clock,
  millis: number,
  signal: AbortSignal | undefined,
  then: () => void,
): () => void {
  let over = false
  const go = () => {
    if (over) return
    over = true
    clock.clearTimeout(timer)
    stop?.()
    then()
  }
  const timer = clock.setTimeout(go, signal?.aborted === true ? 0 : millis)
  const stop = signal?.aborted === false ? onAbort(signal, go) : undefined
  return go
}
