/** The statements that one connection keeps prepared for `pool.query`, and what is known of their results. */
import { createHash } from 'node:crypto'
import type { Client } from '../driver.ts'
import { connectionOf } from '../driver.ts'
import type { Shape } from '../results.ts'
import type { Decode } from './binary.ts'
import { decodersFor } from './binary.ts'

/** Names that Sluice gives begin so, which tells them from the callers' own. */
const PREFIX = 'sluice_'

/** What a text is prepared as: the same name on every connection, in every process, and none that two texts share. */
export function nameOf(text: string): string {
  return PREFIX + createHash('sha256').update(text).digest('base64url').slice(0, 16)
}

interface Kept {
  /** Undefined until the server has described it. */
  shape: Shape | undefined
  /** Undefined where its results have to come as text. */
  decoders: readonly Decode[] | undefined
  /** How often the server lost it: tells a flight that finds it lost whether that was mended already. */
  epoch: number
  /** Flights under way that use it. */
  users: number
  usedAt: number
}

const NONE: readonly string[] = Object.freeze([])

export class Names {
  readonly client: Client
  readonly #capacity: number
  readonly #binary: boolean
  readonly #kept = new Map<string, Kept>()
  #toClose: string[] | undefined
  #clock = 0

  /** @param binary whether results may come in binary */
  constructor(client: Client, capacity: number, binary = false) {
    this.client = client
    this.#capacity = capacity
    this.#binary = binary
  }

  get size(): number {
    return this.#kept.size
  }

  /** A flight is about to use a name; the one that was used longest ago makes room for a new one. Returns its epoch. */
  use(name: string): number {
    let kept = this.#kept.get(name)
    if (kept === undefined) {
      // More than one where all of a burst were in use when they came.
      let room = this.#kept.size < this.#capacity
      while (!room) room = !this.#dropOldest() || this.#kept.size < this.#capacity
      kept = { shape: undefined, decoders: undefined, epoch: 0, users: 0, usedAt: 0 }
      this.#kept.set(name, kept)
    }
    kept.users += 1
    kept.usedAt = ++this.#clock
    return kept.epoch
  }

  /** The flight has landed. */
  unuse(name: string): void {
    const kept = this.#kept.get(name)
    if (kept !== undefined) kept.users -= 1
  }

  /** What a statement returns, where it was described before: the server refuses to run it (0A000) when that has changed. */
  shapeOf(name: string): Shape | undefined {
    return this.#kept.get(name)?.shape
  }

  /** How to decode its results, where they may come in binary. */
  decodersOf(name: string): readonly Decode[] | undefined {
    return this.#binary ? this.#kept.get(name)?.decoders : undefined
  }

  learn(name: string | undefined, shape: Shape): void {
    const kept = name === undefined ? undefined : this.#kept.get(name)
    if (kept === undefined || kept.shape !== undefined) return
    kept.shape = shape
    if (this.#binary) kept.decoders = decodersFor(shape.fields, shape.parsers)
  }

  /**
   * The server does not have it any more, or not as it was; nothing when that was noted since `epoch`.
   * @param close whether the server is to be told
   */
  forget(name: string, close: boolean, epoch?: number): void {
    const kept = this.#kept.get(name)
    if (kept !== undefined) {
      if (epoch !== undefined && kept.epoch !== epoch) return
      kept.shape = undefined
      kept.epoch += 1
    }
    const { parsedStatements, submittedNamedStatements } = connectionOf(this.client)
    delete parsedStatements[name]
    delete submittedNamedStatements[name]
    if (close) this.#close(name)
  }

  /** The names to close in front of what is sent next. Each is told once. */
  toClose(): readonly string[] {
    if (this.#toClose === undefined) return NONE
    const names = this.#toClose
    this.#toClose = undefined
    return names
  }

  #close(name: string): void {
    this.#toClose ??= []
    this.#toClose.push(name)
  }

  /** What is under way is left alone: its ParseComplete would come after its Close. Returns whether there was anything else. */
  #dropOldest(): boolean {
    let oldest: string | undefined
    let usedAt = Number.POSITIVE_INFINITY
    for (const [name, kept] of this.#kept) {
      if (kept.users > 0 || kept.usedAt >= usedAt) continue
      oldest = name
      usedAt = kept.usedAt
    }
    if (oldest === undefined) return false
    this.forget(oldest, true)
    this.#kept.delete(oldest)
    return true
  }
}
