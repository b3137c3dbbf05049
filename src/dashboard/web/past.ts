/** The last five minutes of one pool, a point a second, for the curves. */
import type { ClassFrame, History, PoolFrame } from '../frame.ts'

/** How far back the curves go. */
export const PAST_SECONDS = 300

/** What is chosen where no class is: none has an empty name. */
export const ALL = ''

type Value = number | null

/** One point of every curve. */
interface Point {
  /** Seconds since 1970, as uPlot counts. */
  readonly at: number
  readonly answered: Value
  readonly failed: Value
  readonly waiting: Value
  readonly busy: Value
  readonly total: Value
  readonly latency: ReadonlyMap<string, Pick<ClassFrame, 'p50' | 'p95' | 'p99'>>
}

/** Seconds without a point after which a curve is broken instead of drawn through. */
const GAP_SECONDS = 3

/** A point without values. */
const BREAK = {
  answered: null,
  failed: null,
  waiting: null,
  busy: null,
  total: null,
  latency: new Map(),
} as const

export class Past {
  readonly #points: Point[] = []

  /** When the newest point was; another with every point, for whoever draws. */
  get newest(): number {
    return this.#points.at(-1)?.at ?? 0
  }

  /** What the server remembers takes the place of what is known, except for the classes, which it does not remember. */
  recall(history: History): void {
    const known = new Map(this.#points.map((point) => [point.at, point]))
    this.#points.length = 0
    for (const [index, at] of history.at.entries()) {
      const second = Math.floor(at / 1000)
      const all = {
        p50: history.p50[index] ?? null,
        p95: history.p95[index] ?? null,
        p99: history.p99[index] ?? null,
      }
      this.#add({
        at: second,
        answered: history.answered[index] ?? 0,
        failed: history.failed[index] ?? 0,
        waiting: history.waiting[index] ?? 0,
        busy: history.busy[index] ?? 0,
        total: history.total[index] ?? 0,
        latency: new Map([...(known.get(second)?.latency ?? []), [ALL, all]]),
      })
    }
  }

  /** Takes the first frame of each second. */
  see(at: number, { classes, counts, latency, perSecond }: PoolFrame): void {
    this.#add({
      at: Math.floor(at / 1000),
      ...perSecond,
      waiting: counts.waiting,
      busy: counts.leased + counts.shared + counts.checking + counts.cancelling,
      total: counts.total,
      latency: new Map([...classes.map((one) => [one.class, one] as const), [ALL, latency]]),
    })
  }

  forget(): void {
    this.#points.length = 0
  }

  /** The classes of which anything is known. */
  classes(): readonly string[] {
    const names = new Set(this.#points.flatMap(({ latency }) => [...latency.keys()]))
    names.delete(ALL)
    return [ALL, ...[...names].sort()]
  }

  throughput(): [number[], ...Value[][]] {
    return this.#columns(({ answered, failed }) => [answered, failed], 2)
  }

  connections(): [number[], ...Value[][]] {
    return this.#columns(({ busy, total, waiting }) => [total, busy, waiting], 3)
  }

  latency(className: string): [number[], ...Value[][]] {
    return this.#columns(({ latency }) => {
      const { p50 = null, p95 = null, p99 = null } = latency.get(className) ?? {}
      return [p50, p95, p99]
    }, 3)
  }

  #add(point: Point): void {
    if (point.at === this.newest) return
    // After a clock was set back what it said before has not been yet: the curve would be drawn over itself.
    while (this.#points.length > 0 && this.newest >= point.at) this.#points.pop()
    if (this.newest > 0 && point.at - this.newest > GAP_SECONDS)
      this.#points.push({ ...BREAK, at: this.newest + 1 })
    this.#points.push(point)
    while ((this.#points[0]?.at ?? point.at) <= point.at - PAST_SECONDS) this.#points.shift()
  }

  #columns(of: (point: Point) => readonly Value[], width: number): [number[], ...Value[][]] {
    const rows = this.#points.map(of)
    const columns = Array.from({ length: width }, (_, column) => rows.map((row) => row[column] ?? null))
    return [this.#points.map(({ at }) => at), ...columns]
  }
}
