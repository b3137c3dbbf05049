/** The table of connections; where a lease was taken can be unfolded. */
import type { SlotFrame } from '../frame.ts'
import { make, part, Rows, setAttribute, setHidden, setText } from './dom.ts'
import { age, count, NOTHING, several } from './format.ts'
import type { SortValue } from './sorting.ts'
import { Sorting } from './sorting.ts'
import { heldOf, signOf } from './words.ts'

/** More rows are shown when asked for. */
const FEW = 30

const COLUMNS: Readonly<Record<string, (slot: SlotFrame) => SortValue>> = {
  id: ({ id }) => id,
  state: ({ state }) => state,
  agent: ({ agent }) => agent,
  pid: ({ processId }) => processId,
  held: heldMillis,
  age: ({ ageMillis }) => ageMillis,
  uses: ({ uses }) => uses,
}

export class Connections {
  readonly #rows: Rows<SlotFrame>
  readonly #sorting: Sorting<SlotFrame>
  readonly #empty: HTMLElement
  readonly #table: HTMLElement
  readonly #more: HTMLElement
  /** Slots whose stack is unfolded. */
  readonly #open = new Set<number>()
  #slots: readonly SlotFrame[] = []
  #showsAll = false
  #sortedAt = 0
  #order: readonly SlotFrame[] = []

  constructor(root: HTMLElement) {
    this.#empty = part(root, 'empty')
    this.#table = part(root, 'table')
    this.#more = part(root, 'more')
    this.#rows = new Rows(
      part(root, 'rows'),
      ({ id }) => String(id),
      ({ id }) => this.#make(id),
    )
    this.#sorting = new Sorting(root, COLUMNS, 'held', () => this.#draw(true))
    this.#more.addEventListener('click', () => {
      this.#showsAll = !this.#showsAll
      this.#draw(true)
    })
  }

  show(slots: readonly SlotFrame[], at: number): void {
    this.#slots = slots
    const isDue = at - this.#sortedAt >= 1000 || at < this.#sortedAt
    if (isDue) this.#sortedAt = at
    this.#draw(isDue)
  }

  forget(): void {
    this.#open.clear()
  }

  /** Rows change places at most once a second, or they could not be read. */
  #draw(mayMove: boolean): void {
    this.#order = mayMove ? this.#sorting.order(this.#slots) : this.#stay()
    const shown = this.#showsAll ? this.#order : this.#order.slice(0, FEW)
    const ids = new Set(this.#slots.map(({ id }) => id))
    for (const id of this.#open) if (!ids.has(id)) this.#open.delete(id)
    setHidden(this.#empty, this.#order.length > 0)
    setHidden(this.#table, this.#order.length === 0)
    setHidden(this.#more, this.#order.length <= FEW)
    setText(this.#more, this.#showsAll ? `Show ${FEW}` : `Show all ${count(this.#order.length)}`)
    this.#rows.show(shown)
  }

  #stay(): readonly SlotFrame[] {
    const byId = new Map(this.#slots.map((slot) => [slot.id, slot]))
    const known = this.#order.flatMap(({ id }) => byId.get(id) ?? [])
    for (const { id } of known) byId.delete(id)
    return [...known, ...byId.values()]
  }

  /** A row is a `tbody` of two lines, the second for the stack. */
  #make(id: number) {
    const node = make('tbody')
    const [line, fold] = [make('tr'), make('tr', 'fold')]
    const name = make('th', '', `#${id}`)
    name.scope = 'row'
    const cells = Array.from({ length: 7 }, () => make('td'))
    const stack = make('pre')
    stack.tabIndex = 0
    const place = make('td')
    place.colSpan = 8
    place.append(stack)
    fold.append(place)
    const button = make('button', 'unfold')
    button.type = 'button'
    button.addEventListener('click', () => {
      if (!this.#open.delete(id)) this.#open.add(id)
      this.#draw(false)
    })
    cells.at(-1)?.append(button)
    line.append(name, ...cells)
    node.append(line, fold)
    const show = (slot: SlotFrame) => {
      setAttribute(node, 'data-held', heldOf(slot))
      setAttribute(node, 'data-state', slot.state)
      for (const [index, text] of textsOf(slot).entries()) setText(cells[index] ?? name, text)
      const isOpen = slot.stack !== null && this.#open.has(id)
      setHidden(button, slot.stack === null)
      setText(button, isOpen ? 'Hide stack' : 'Show stack')
      setAttribute(button, 'aria-label', `${isOpen ? 'Hide' : 'Show'} stack of slot ${id}`)
      setAttribute(button, 'aria-expanded', String(isOpen))
      setHidden(fold, !isOpen)
      setText(stack, isOpen ? (slot.stack ?? '') : '')
    }
    return { node, show }
  }
}

function heldMillis({ sinceMillis, state }: SlotFrame): number | null {
  return state === 'leased' ? sinceMillis : null
}

function textsOf(slot: SlotFrame): readonly string[] {
  const { agent, ageMillis, depth, processId, reason, state, uses } = slot
  const more = reason ?? (depth === null ? undefined : several(depth, 'statement'))
  return [
    `${signOf(state)} ${state}${more === undefined ? '' : ` (${more})`}`,
    age(heldMillis(slot)),
    agent ?? NOTHING,
    processId === null ? NOTHING : String(processId),
    age(ageMillis),
    count(uses),
  ]
}
