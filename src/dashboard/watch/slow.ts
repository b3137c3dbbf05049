/** What takes more work to find out about a pool, and changes slowly: advice, statements, endpoint. */
import type { Clock } from '../../base/clock.ts'
import { harmless } from '../../base/harmless.ts'
import { advise } from '../../monitor/advise.ts'
import { Past } from '../../monitor/health/past.ts'
import { snapshotOf } from '../../monitor/snapshot.ts'
import type { Source } from '../../monitor/source.ts'
import type { SlowPoolFrame, StatementFrame } from '../frame.ts'
import type { DashboardPool, DashboardStats } from '../pool.ts'
import { sourceOf } from '../pool.ts'
import { rounded } from './recent.ts'

const STATEMENTS = 20
const LONGEST_TEXT = 1_000

/** Looks at one pool every few seconds. */
export class SlowLook {
  readonly #name: string
  readonly #pool: DashboardPool
  readonly #source: Source | undefined
  readonly #clock: Clock
  /** Advice is about the last five minutes. */
  readonly #past = new Past()

  constructor(name: string, pool: DashboardPool, clock: Clock) {
    this.#name = name
    this.#pool = pool
    this.#source = sourceOf(pool)
    this.#clock = clock
  }

  /** Keeps a picture for later ones to be compared with, when it is time. */
  remember(stats: DashboardStats): void {
    if (this.#source !== undefined) this.#past.add(this.#source, stats, this.#clock.now())
  }

  take(): SlowPoolFrame {
    return {
      name: this.#name,
      advice: this.#advice(),
      statements: this.#pool.statements?.(STATEMENTS).map(statementOf) ?? [],
      endpoint: endpointOf(this.#pool),
    }
  }

  #advice(): SlowPoolFrame['advice'] {
    const source = this.#source
    if (source === undefined) return []
    const clock = this.#clock
    const earlier = this.#past.add(source, source.stats(), clock.now())
    return advise(snapshotOf(source, { earlier }, { clock }))
  }
}

function statementOf({ calls, highMillis, meanMillis, text }: StatementFrame): StatementFrame {
  return {
    text: harmless(text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)} …` : text),
    calls,
    meanMillis: rounded(meanMillis),
    highMillis: rounded(highMillis),
  }
}

function endpointOf(pool: DashboardPool): string | null {
  const facts = pool.endpoint?.()
  if (facts === undefined) return null
  return facts.pooler === undefined ? facts.endpoint : `${facts.endpoint} (${facts.pooler})`
}
