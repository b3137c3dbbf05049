/** Callers in closed loops: each asks, waits for the answer, thinks a little, and asks again. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../src/demo/workload/random.ts'
import { randomOf } from '../../src/demo/workload/random.ts'
import type { Ledger } from './ledger.ts'
import type { Subject } from './subject.ts'

export interface LoadOptions {
  readonly callers?: number
  /** Leaves writes out, and with them leases and transactions. */
  readonly readsOnly?: boolean
  readonly thinkMillis?: readonly [low: number, high: number]
  /** The part of statements that their callers give up within a few milliseconds. */
  readonly cancelled?: number
}

/** A load that goes on. */
export interface Load {
  /** Nobody asks anything new; resolves to how many were not answered within the grace. */
  stop(graceMillis: number): Promise<number>
}

export const LOOKUP = 'SELECT $1::int AS n'
const WRITE = 'INSERT INTO chaos_writes (tag) VALUES ($1)'
/** A caller whose statement failed at once would else keep the process busy. */
const AFTER_FAILURE_MILLIS = 20

export function startLoad(
  subject: Subject,
  ledger: Ledger,
  seed: number,
  { callers = 200, readsOnly = false, thinkMillis = [5, 35], cancelled = 0.05 }: LoadOptions = {},
): Load {
  const stopping = new AbortController()
  const [low, high] = thinkMillis
  const call = async (caller: number): Promise<void> => {
    const random = randomOf('load', seed, caller)
    await sleep(random.next() * high)
    for (let n = 0; !stopping.signal.aborted; n++) {
      const kind = readsOnly ? 0 : random.next()
      const done = await ask({ subject, ledger, random, cancelled }, kind, `${caller}/${n}`)
      await sleep(done ? random.between(low, high) : AFTER_FAILURE_MILLIS)
    }
  }
  const all = Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)))
  all.catch(() => undefined)
  return {
    async stop(graceMillis) {
      stopping.abort()
      await Promise.race([all, sleep(graceMillis, undefined, { ref: false })])
      return ledger.open
    },
  }
}

interface Caller {
  readonly subject: Subject
  readonly ledger: Ledger
  readonly random: Random
  readonly cancelled: number
}

/** 70 % lookups, 15 % writes, 7 % leases, 8 % transactions. */
function ask({ subject, ledger, random, cancelled }: Caller, kind: number, tag: string): Promise<boolean> {
  const n = random.between(0, 1_000_000)
  const single = (text: string, values: unknown[], written?: string): Promise<boolean> => {
    if (!random.chance(cancelled)) return ledger.note(() => subject.query(text, values), written)
    const giveUp = new AbortController()
    const timer = setTimeout(() => giveUp.abort(), random.between(0, 5))
    return ledger
      .note(() => subject.query(text, values, { signal: giveUp.signal }), written)
      .finally(() => clearTimeout(timer))
  }
  if (kind < 0.7) return single(LOOKUP, [n])
  if (kind < 0.85) return single(WRITE, [tag], tag)
  if (kind < 0.92) {
    return ledger.note(() =>
      subject.lease(async (query) => {
        await query(LOOKUP, [n])
        await query(LOOKUP, [n + 1])
      }),
    )
  }
  return ledger.note(
    () =>
      subject.transaction(async (query) => {
        await query(WRITE, [tag])
        await query(LOOKUP, [n])
      }),
    tag,
  )
}
