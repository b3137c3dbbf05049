/** One pool on the page: its part of the document, and everything that is drawn in it. */
import type { History, PoolFrame, SlowPoolFrame } from '../frame.ts'
import { AdviceList } from './advice.ts'
import { Connections } from './connections.ts'
import { Curves } from './curves.ts'
import { part, setAttribute, setHidden, setText } from './dom.ts'
import { Flows } from './flows.ts'
import { percent, several } from './format.ts'
import { headline } from './headline.ts'
import { Past } from './past.ts'
import { Slots } from './slots.ts'
import { Statements } from './statements.ts'
import type { TabNote } from './tabs.ts'
import { Vitals } from './vitals.ts'

export class PoolView {
  readonly root: HTMLElement
  readonly #past = new Past()
  readonly #vitals: Vitals
  readonly #slots: Slots
  readonly #curves: Curves
  readonly #flows: Flows
  readonly #advice: AdviceList
  readonly #statements: Statements
  readonly #connections: Connections
  #pool: PoolFrame | undefined
  #slow: SlowPoolFrame | undefined
  #at = 0
  /** The slow part has news that is not on the page yet. */
  #isStale = true

  /** @param template what a pool looks like */
  constructor(name: string, id: string, template: HTMLTemplateElement) {
    const root = template.content.firstElementChild?.cloneNode(true)
    if (!(root instanceof HTMLElement)) throw new Error('the page has no template of a pool')
    this.root = root
    root.id = id
    root.dataset.pool = name
    setText(part(root, 'name'), name)
    this.#vitals = new Vitals(root)
    this.#slots = new Slots(root)
    this.#curves = new Curves(root, this.#past)
    this.#flows = new Flows(root)
    this.#advice = new AdviceList(part(root, 'advice'))
    this.#statements = new Statements(part(root, 'statements'))
    this.#connections = new Connections(part(root, 'connections'))
  }

  recall(history: History): void {
    this.#past.recall(history)
  }

  /** Takes a frame; nothing is drawn. */
  see(pool: PoolFrame, at: number): void {
    this.#pool = pool
    this.#at = at
    this.#past.see(at, pool)
  }

  seeSlow(slow: SlowPoolFrame): void {
    this.#slow = slow
    this.#isStale = true
  }

  /** The server is another process: what was said of the old one's connections no longer holds. */
  forget(): void {
    this.#past.forget()
    this.#slots.forget()
    this.#connections.forget()
    this.#slow = undefined
    this.#isStale = true
  }

  /** Draws what is known. */
  draw(): void {
    const pool = this.#pool
    if (pool === undefined) return
    const { text, tone } = headline(pool, this.#slow)
    const line = part(this.root, 'headline')
    setText(line, text)
    setAttribute(line, 'data-tone', tone)
    const state = part(this.root, 'state')
    setText(state, pool.state)
    setAttribute(state, 'data-state', pool.state)
    this.#vitals.show(pool)
    this.#slots.show(pool)
    this.#curves.show()
    this.#flows.show(pool)
    this.#connections.show(pool.slots, this.#at)
    if (this.#isStale) this.#drawSlow()
  }

  repaint(): void {
    this.#curves.repaint()
  }

  /** What its tab says; undefined before the first frame. */
  note(): TabNote | undefined {
    if (this.#pool === undefined) return undefined
    const { counts, utilization } = this.#pool
    const waiting = counts.waiting === 0 ? '' : `, ${counts.waiting} waiting`
    return { tone: headline(this.#pool, this.#slow).tone, text: `${percent(utilization)}${waiting}` }
  }

  #drawSlow(): void {
    this.#isStale = false
    const endpoint = part(this.root, 'endpoint')
    setHidden(endpoint, typeof this.#slow?.endpoint !== 'string')
    setText(endpoint, this.#slow?.endpoint ?? '')
    const advice = this.#slow?.advice ?? []
    setText(part(this.root, 'advice-count'), advice.length === 0 ? '' : several(advice.length, 'finding'))
    this.#advice.show(advice)
    this.#statements.show(this.#slow?.statements ?? [])
  }
}
