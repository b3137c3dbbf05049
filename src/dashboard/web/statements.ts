/** The table of the slowest statements. */
import type { StatementFrame } from '../frame.ts'
import { make, part, Rows, setHidden, setText } from './dom.ts'
import { count, duration } from './format.ts'
import { Sorting } from './sorting.ts'

export class Statements {
  readonly #rows: Rows<StatementFrame>
  readonly #sorting: Sorting<StatementFrame>
  readonly #empty: HTMLElement
  readonly #table: HTMLElement
  #statements: readonly StatementFrame[] = []

  constructor(root: HTMLElement) {
    this.#empty = part(root, 'empty')
    this.#table = part(root, 'table')
    this.#rows = new Rows(part(root, 'rows'), ({ text }) => text, makeStatement)
    const columns = {
      text: ({ text }: StatementFrame) => text,
      calls: ({ calls }: StatementFrame) => calls,
      mean: ({ meanMillis }: StatementFrame) => meanMillis,
      high: ({ highMillis }: StatementFrame) => highMillis,
      all: ({ calls, meanMillis }: StatementFrame) => calls * meanMillis,
    }
    this.#sorting = new Sorting(root, columns, 'mean', () => this.#draw())
  }

  show(statements: readonly StatementFrame[]): void {
    this.#statements = statements
    this.#draw()
  }

  #draw(): void {
    setHidden(this.#empty, this.#statements.length > 0)
    setHidden(this.#table, this.#statements.length === 0)
    this.#rows.show(this.#sorting.order(this.#statements))
  }
}

function makeStatement({ text }: StatementFrame) {
  const node = make('tr')
  const name = make('th', 'sql')
  name.scope = 'row'
  const code = make('code', '', text)
  code.title = text
  name.append(code)
  const cells = Array.from({ length: 4 }, () => make('td'))
  node.append(name, ...cells)
  return {
    node,
    show: ({ calls, highMillis, meanMillis }: StatementFrame) => {
      const texts = [count(calls), duration(meanMillis), duration(highMillis), duration(calls * meanMillis)]
      for (const [index, cell] of cells.entries()) setText(cell, texts[index] ?? '')
    },
  }
}
