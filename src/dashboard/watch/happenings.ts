/** What a pool tells through its hooks, as events for people: many of one kind are one event a second. */
import { harmless } from '../../base/harmless.ts'
import type { CloseReason } from '../../core/driver.ts'
import type { Hooks } from '../../core/hooks.ts'
import { errorType } from '../../monitor/recorder.ts'
import { millis, several } from '../../monitor/words.ts'
import type { EventFrame } from '../frame.ts'
import { failureOf } from './failures.ts'

/** A kind is told no more often. */
const STEP_MILLIS = 1_000

/** Kinds at one time; further codes of errors are `other`. */
const KINDS = 100

const LONGEST_AGENT = 100

type Level = EventFrame['level']
type Words = (count: number) => string

interface Kind {
  level: Level
  words: Words
  count: number
  toldAt: number
}

const LEVELS: Readonly<Record<CloseReason, Level>> = {
  idle: 'info',
  lifetime: 'info',
  'max-uses': 'info',
  'above-max': 'info',
  yielded: 'info',
  cleared: 'info',
  ended: 'info',
  late: 'info',
  destroyed: 'warn',
  lost: 'warn',
  unfit: 'warn',
  abandoned: 'warn',
  'check-failed': 'warn',
  dirty: 'warn',
  busy: 'warn',
  'cancel-failed': 'warn',
}

/** A label, short enough for a line and fit for one; no letter is cut in half. */
export function labelOf(agent: string | undefined): string | null {
  if (agent === undefined) return null
  if (agent.length <= LONGEST_AGENT) return harmless(agent)
  return `${harmless(agent.slice(0, LONGEST_AGENT).replace(/[\uD800-\uDBFF]$/, ''))}…`
}

/** Counts what happens until somebody asks. Errors are told by their codes: their texts may repeat values. */
export class Happenings implements Hooks<object> {
  readonly #kinds = new Map<string, Kind>()

  opened(): void {
    this.#count('opened', 'info', (n) => `${several(n, 'connection')} opened`)
  }

  openFailed(error: unknown): void {
    const code = this.#codeOf('open', error)
    this.#count(
      `open ${code}`,
      'error',
      (n) => `${several(n, 'connection')} could not be opened: ${failureOf(code)}`,
    )
  }

  closed(_: object, reason: CloseReason): void {
    this.#count(`closed ${reason}`, LEVELS[reason], (n) => `${several(n, 'connection')} closed: ${reason}`)
  }

  lost(_: object, reason: CloseReason): void {
    this.#count(
      'lost',
      'warn',
      (n) => `${several(n, 'close')} given up (${reason}): the server may still have the other end`,
    )
  }

  rejected(error: unknown): void {
    const code = this.#codeOf('left', error)
    this.#count(`left ${code}`, 'warn', (n) => `${several(n, 'caller')} left without a connection: ${code}`)
  }

  leaked({ agent }: { readonly agent: string | undefined }, heldMillis: number): void {
    const by = agent === undefined ? '' : ` by ${labelOf(agent)}`
    const held = `held for ${millis(heldMillis)}${by}`
    this.#count('leaked', 'warn', (n) => `${several(n, 'connection')} ${held} may be leaked`)
  }

  unleaked(_: unknown, heldMillis: number): void {
    const after = `after ${millis(heldMillis)}`
    this.#count('unleaked', 'info', (n) => `${several(n, 'leaked connection')} came back ${after}`)
  }

  nested(): void {
    this.#count(
      'nested',
      'warn',
      (n) => `${several(n, 'caller')} had to wait for a connection while holding one`,
    )
  }

  /** What has happened of those kinds that were not told of within the last second. */
  take(now: number): { level: Level; text: string }[] {
    const told: { level: Level; text: string }[] = []
    for (const [key, kind] of this.#kinds) {
      if (now - kind.toldAt < STEP_MILLIS) continue
      if (kind.count === 0) {
        this.#kinds.delete(key)
        continue
      }
      told.push({ level: kind.level, text: kind.words(kind.count) })
      kind.count = 0
      kind.toldAt = now
    }
    return told
  }

  #count(key: string, level: Level, words: Words): void {
    const kind = this.#kinds.get(key)
    if (kind === undefined) {
      this.#kinds.set(key, { level, words, count: 1, toldAt: Number.NEGATIVE_INFINITY })
      return
    }
    kind.words = words
    kind.count += 1
  }

  #codeOf(kind: string, error: unknown): string {
    const code = errorType(error)
    return this.#kinds.size < KINDS || this.#kinds.has(`${kind} ${code}`) ? code : 'other'
  }
}
