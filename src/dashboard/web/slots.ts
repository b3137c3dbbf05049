/** The slots as a living picture: a cell for each, and a few words about the one that is looked at. */
import type { PoolFrame } from '../frame.ts'
import { Detail } from './detail.ts'
import { make, part, setAttribute, setHidden, setText } from './dom.ts'
import { count, several } from './format.ts'
import type { Place } from './places.ts'
import { MOST_PLACES, Places } from './places.ts'
import { cellName, cellText, heldOf } from './words.ts'

/** Up to so many cells are large enough for three characters; beyond the second number they are tiny. */
const ROOMY = 60
const MANY = 200

export class Slots {
  readonly #grid: HTMLElement
  readonly #note: HTMLElement
  readonly #cells: HTMLButtonElement[] = []
  readonly #places = new Places()
  readonly #detail: Detail
  #shown: readonly Place[] = []
  /** The one cell that the Tab key leads to. */
  #current = 0

  constructor(root: HTMLElement) {
    this.#grid = part(root, 'grid')
    this.#note = part(root, 'slots-note')
    this.#detail = new Detail(part(root, 'detail'))
    this.#grid.addEventListener('keydown', (event) => this.#walk(event))
    this.#grid.addEventListener('pointerover', (event) => this.#point(event.target))
    this.#grid.addEventListener('pointerleave', () => this.#detail.point(undefined))
    this.#grid.addEventListener('focusin', (event) => this.#focus(event.target))
    this.#grid.addEventListener('focusout', () => this.#detail.focus(undefined))
    this.#grid.addEventListener('click', (event) => this.#focus(event.target))
  }

  show({ counts, max, maxOverflow, slots }: PoolFrame): void {
    this.#shown = this.#places.arrange(slots, max, maxOverflow)
    const { length } = this.#shown
    setAttribute(this.#grid, 'data-size', length <= ROOMY ? 'roomy' : length <= MANY ? 'many' : 'tiny')
    this.#fit(length)
    for (const [index, place] of this.#shown.entries()) this.#paint(index, place, length <= ROOMY)
    const beyond = Math.max(max + maxOverflow, counts.total) - MOST_PLACES
    setHidden(this.#note, beyond <= 0)
    setText(
      this.#note,
      beyond <= 0
        ? ''
        : `The first ${count(MOST_PLACES)} places; ${several(beyond, 'more place')} not drawn.`,
    )
    this.#detail.show(this.#shown)
  }

  forget(): void {
    this.#places.forget()
  }

  #fit(length: number): void {
    while (this.#cells.length > length) this.#cells.pop()?.remove()
    while (this.#cells.length < length) {
      const cell = make('button', 'cell')
      cell.type = 'button'
      cell.tabIndex = -1
      this.#cells.push(cell)
      this.#grid.append(cell)
    }
    if (this.#current >= length) this.#current = 0
    this.#mark(this.#current)
  }

  #paint(index: number, { isOverflow, slot }: Place, hasRoom: boolean): void {
    const cell = this.#cells[index]
    if (cell === undefined) return
    setAttribute(cell, 'data-state', slot?.state ?? 'empty')
    setAttribute(cell, 'data-overflow', isOverflow ? '' : null)
    setAttribute(cell, 'data-held', slot === undefined ? null : heldOf(slot))
    setAttribute(cell, 'aria-label', slot === undefined ? emptyName(isOverflow) : cellName(slot, isOverflow))
    // Drawn by the style: the name says it in words.
    setAttribute(cell, 'data-text', slot === undefined ? '' : cellText(slot, hasRoom))
  }

  #mark(index: number): void {
    const [before, now] = [this.#cells[this.#current], this.#cells[index]]
    if (before !== undefined && before !== now) before.tabIndex = -1
    if (now !== undefined && now.tabIndex !== 0) now.tabIndex = 0
    this.#current = index
  }

  #indexOf(target: EventTarget | null): number {
    return target instanceof HTMLButtonElement ? this.#cells.indexOf(target) : -1
  }

  #point(target: EventTarget | null): void {
    const index = this.#indexOf(target)
    if (index >= 0) this.#detail.point(index)
  }

  #focus(target: EventTarget | null): void {
    const index = this.#indexOf(target)
    if (index < 0) return
    this.#mark(index)
    this.#detail.focus(index)
  }

  #walk(event: KeyboardEvent): void {
    const index = this.#indexOf(event.target)
    if (index < 0 || event.ctrlKey || event.altKey || event.metaKey) return
    const to = this.#step(index, event.key)
    if (to === undefined) return
    event.preventDefault()
    this.#cells[Math.min(this.#cells.length - 1, Math.max(0, to))]?.focus()
  }

  #step(index: number, key: string): number | undefined {
    switch (key) {
      case 'ArrowRight':
        return index + 1
      case 'ArrowLeft':
        return index - 1
      case 'ArrowDown':
        return index + this.#columns() < this.#cells.length ? index + this.#columns() : index
      case 'ArrowUp':
        return index >= this.#columns() ? index - this.#columns() : index
      case 'Home':
        return 0
      case 'End':
        return this.#cells.length - 1
      default:
        return undefined
    }
  }

  /** How many cells stand in the first line. */
  #columns(): number {
    const top = this.#cells[0]?.offsetTop
    const second = this.#cells.findIndex(({ offsetTop }) => offsetTop !== top)
    return second < 0 ? this.#cells.length : second
  }
}

function emptyName(isOverflow: boolean): string {
  return isOverflow ? 'Empty place for overflow' : 'Empty place'
}
