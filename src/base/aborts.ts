/** The listeners of each signal. One DOM listener a signal, because the eleventh makes Node print a warning. */
const listeners = new WeakMap<AbortSignal, Set<() => void>>()

/** Calls `listener` when the signal aborts. Returns the way to take that back; both cost O(1). The signal must not be aborted yet. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  let set = listeners.get(signal)
  if (set === undefined) {
    set = new Set()
    listeners.set(signal, set)
    signal.addEventListener('abort', fire, { once: true })
  }
  set.add(listener)
  const all = set
  return () => {
    all.delete(listener)
    if (all.size > 0 || listeners.get(signal) !== all) return
    listeners.delete(signal)
    signal.removeEventListener('abort', fire)
  }
}

function fire(this: AbortSignal): void {
  const set = listeners.get(this)
  listeners.delete(this)
  for (const listener of set ?? []) listener()
}
