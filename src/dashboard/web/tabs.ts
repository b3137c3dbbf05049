/** The tabs of several pools, with a word about each; arrow keys move between them. With one pool there are none. */
import { make, setAttribute, setHidden, setText } from './dom.ts'
import type { Tone } from './headline.ts'

/** What a tab says of its pool. */
export interface TabNote {
  readonly tone: Tone
  /** `85 %, 12 waiting`. */
  readonly text: string
}

interface Tab {
  readonly button: HTMLButtonElement
  readonly note: HTMLElement
}

export class Tabs {
  readonly #root: HTMLElement
  readonly #select: (name: string) => void
  readonly #tabs = new Map<string, Tab>()

  constructor(root: HTMLElement, select: (name: string) => void) {
    this.#root = root
    this.#select = select
    root.addEventListener('keydown', (event) => this.#walk(event))
  }

  /** @param idOf the panel of each, for those who cannot see that they belong together */
  show(notes: ReadonlyMap<string, TabNote>, selected: string, idOf: (name: string) => string): void {
    setHidden(this.#root, notes.size < 2)
    for (const [name, { button }] of this.#tabs) {
      if (notes.has(name)) continue
      button.remove()
      this.#tabs.delete(name)
    }
    for (const [name, { text, tone }] of notes) {
      const { button, note } = this.#tabs.get(name) ?? this.#add(name, idOf(name))
      const isOurs = name === selected
      setAttribute(button, 'aria-selected', String(isOurs))
      if (button.tabIndex !== (isOurs ? 0 : -1)) button.tabIndex = isOurs ? 0 : -1
      setAttribute(button, 'data-tone', tone)
      setText(note, text)
    }
  }

  #add(name: string, panel: string): Tab {
    const button = make('button', 'tab')
    button.type = 'button'
    button.id = `${panel}-tab`
    button.setAttribute('role', 'tab')
    button.setAttribute('aria-controls', panel)
    const note = make('span', 'tab-note')
    const dot = make('i', 'dot')
    button.append(dot, make('span', 'tab-name', name), note)
    button.addEventListener('click', () => this.#select(name))
    this.#root.append(button)
    const tab = { button, note }
    this.#tabs.set(name, tab)
    return tab
  }

  #walk(event: KeyboardEvent): void {
    const names = [...this.#tabs.keys()]
    const index = names.findIndex((name) => this.#tabs.get(name)?.button === event.target)
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (index < 0 || step === 0) return
    event.preventDefault()
    const name = names.at((index + step) % names.length)
    if (name === undefined) return
    this.#select(name)
    this.#tabs.get(name)?.button.focus()
  }
}
