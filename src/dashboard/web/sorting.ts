/** A table whose columns sort: by a click on a heading, or Enter; again turns it round. */
import { setAttribute } from './dom.ts'

/** What a column sorts by; rows without a value come last. */
export type SortValue = number | string | null

/** Compares by a column; equal ones stay as they are. */
export function sorted<T>(
  items: readonly T[],
  keyOf: (item: T) => SortValue,
  isDescending: boolean,
): readonly T[] {
  return items.toSorted((a, b) => {
    const [x, y] = [keyOf(a), keyOf(b)]
    if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1
    if (x === y) return 0
    return x < y === isDescending ? 1 : -1
  })
}

export class Sorting<T> {
  readonly #heads: readonly HTMLElement[]
  readonly #columns: Readonly<Record<string, (item: T) => SortValue>>
  #by: string
  #isDescending = true

  /**
   * @param table its headings `<th data-sort="name">` hold a button each
   * @param columns what each of those sorts by
   * @param by the column in the beginning, the largest first
   * @param changed is told when the order is another
   */
  constructor(
    table: HTMLElement,
    columns: Readonly<Record<string, (item: T) => SortValue>>,
    by: string,
    changed: () => void,
  ) {
    this.#columns = columns
    this.#by = by
    this.#heads = [...table.querySelectorAll<HTMLElement>('th[data-sort]')]
    for (const head of this.#heads) {
      head.querySelector('button')?.addEventListener('click', () => {
        const name = head.dataset.sort ?? by
        this.#isDescending = name === this.#by ? !this.#isDescending : true
        this.#by = name
        this.#tell()
        changed()
      })
    }
    this.#tell()
  }

  order(items: readonly T[]): readonly T[] {
    const keyOf = this.#columns[this.#by]
    return keyOf === undefined ? items : sorted(items, keyOf, this.#isDescending)
  }

  #tell(): void {
    for (const head of this.#heads) {
      const isOurs = head.dataset.sort === this.#by
      setAttribute(head, 'aria-sort', isOurs ? (this.#isDescending ? 'descending' : 'ascending') : 'none')
    }
  }
}
