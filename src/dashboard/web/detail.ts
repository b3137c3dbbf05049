/** The words under the picture about the slot that is pointed at or focused; what is focused is also read out. */
import { make, part, Rows, setAttribute, setHidden, setText } from './dom.ts'
import type { Place } from './places.ts'
import { describe, heldOf, say } from './words.ts'

export class Detail {
  readonly #hint: HTMLElement
  readonly #title: HTMLElement
  readonly #facts: Rows<readonly [name: string, value: string]>
  readonly #list: HTMLElement
  readonly #spoken: HTMLElement
  #shown: readonly Place[] = []
  #pointed: number | undefined
  #focused: number | undefined

  constructor(root: HTMLElement) {
    this.#hint = part(root, 'hint')
    this.#title = part(root, 'detail-title')
    this.#list = part(root, 'facts')
    this.#spoken = part(root, 'spoken')
    this.#facts = new Rows(this.#list, ([name]) => name, makeFact)
  }

  /** What the pointer is over. */
  point(index: number | undefined): void {
    this.#pointed = index
    this.#draw()
  }

  /** What the keyboard is on. It is read out once, not with every frame. */
  focus(index: number | undefined): void {
    this.#focused = index
    this.#draw()
    const place = index === undefined ? undefined : this.#shown[index]
    setText(this.#spoken, place === undefined ? '' : place.slot === undefined ? 'Empty.' : say(place.slot))
  }

  show(shown: readonly Place[]): void {
    this.#shown = shown
    this.#draw()
  }

  #draw(): void {
    const index = this.#pointed ?? this.#focused
    const place = index === undefined ? undefined : this.#shown[index]
    setHidden(this.#hint, place !== undefined)
    setHidden(this.#title, place === undefined)
    setHidden(this.#list, place?.slot === undefined)
    if (place === undefined) return
    const { isOverflow, slot } = place
    const name = slot === undefined ? 'Empty place' : `Slot ${slot.id}`
    setText(this.#title, isOverflow ? `${name} (overflow)` : name)
    setAttribute(this.#list, 'data-held', slot === undefined ? null : heldOf(slot))
    this.#facts.show(slot === undefined ? [] : describe(slot))
  }
}

function makeFact([name]: readonly [string, string]) {
  const node = make('div')
  const value = make('dd')
  node.append(make('dt', '', name), value)
  return { node, show: ([, text]: readonly [string, string]) => setText(value, text) }
}
