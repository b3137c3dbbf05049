/** A list of bars: a name, a number, and how long it is beside the others. */
import { make, part, Rows, setAttribute, setHidden, setShare, setText } from './dom.ts'

/** One bar. */
export interface Bar {
  readonly key: string
  readonly name: string
  readonly value: number
  /** The number as it is written. */
  readonly text: string
  /** A few words in smaller type. */
  readonly note?: string
  /** Which colour it has, as a word of the style. */
  readonly kind?: string
}

export class Bars {
  readonly #rows: Rows<Bar>
  readonly #empty: HTMLElement
  #most = 1

  /** @param root holds the list, `data-part="bars"`, and what stands there while it is empty, `data-part="empty"` */
  constructor(root: HTMLElement) {
    this.#empty = part(root, 'empty')
    this.#rows = new Rows(
      part(root, 'bars'),
      ({ key }) => key,
      () => this.#make(),
    )
  }

  show(bars: readonly Bar[]): void {
    this.#most = Math.max(1, ...bars.map(({ value }) => value))
    setHidden(this.#empty, bars.length > 0)
    this.#rows.show(bars)
  }

  #make() {
    const node = make('li', 'bar')
    const [name, note, value, line] = [
      make('span', 'bar-name'),
      make('span', 'bar-note'),
      make('b', 'bar-value'),
      make('span', 'bar-line'),
    ]
    line.setAttribute('aria-hidden', 'true')
    node.append(name, note, value, line)
    return {
      node,
      show: (bar: Bar) => {
        setText(name, bar.name)
        setAttribute(name, 'title', bar.name)
        setText(note, bar.note ?? '')
        setText(value, bar.text)
        setAttribute(node, 'data-kind', bar.kind ?? null)
        setShare(line, bar.value / this.#most)
      },
    }
  }
}
