/** Few words for the document: what does not change is not touched. */

/** An element with its class and text. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  text = '',
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag)
  if (className !== '') node.className = className
  if (text !== '') node.textContent = text
  return node
}

/** Where `data-part="name"` stands below `root`. */
export function part(root: ParentNode, name: string): HTMLElement {
  const found = root.querySelector<HTMLElement>(`[data-part="${name}"]`)
  if (found === null) throw new Error(`the page has no part ${name}`)
  return found
}

/** Where a number is written that others read: `data-field="name"`. */
export function field(root: ParentNode, name: string): HTMLElement {
  const found = root.querySelector<HTMLElement>(`[data-field="${name}"]`)
  if (found === null) throw new Error(`the page has no field ${name}`)
  return found
}

/** Changes the text that is there instead of putting another in its place. */
export function setText(node: Element, text: string): void {
  const old = node.firstChild
  if (!(old instanceof Text) || old.nextSibling !== null) {
    if (node.textContent !== text) node.textContent = text
  } else if (old.data !== text) old.data = text
}

/** Null takes the attribute away. */
export function setAttribute(node: Element, name: string, value: string | null): void {
  if (node.getAttribute(name) === value) return
  if (value === null) node.removeAttribute(name)
  else node.setAttribute(name, value)
}

/** A hidden element stays in its place. */
export function setHidden(node: HTMLElement, isHidden: boolean): void {
  if (node.hidden !== isHidden) node.hidden = isHidden
}

/** How much of a bar is full, 0 to 1, for the style to draw. */
export function setShare(node: HTMLElement, share: number): void {
  const text = Math.min(1, Math.max(0, share)).toFixed(3)
  if (node.style.getPropertyValue('--share') !== text) node.style.setProperty('--share', text)
}

/** One child of a {@link Rows}. */
export interface Row<T> {
  readonly node: HTMLElement
  show(item: T): void
}

/** The children of one element, one for each item, kept by key: a child that stays is only brought up to date. */
export class Rows<T> {
  readonly #parent: HTMLElement
  readonly #keyOf: (item: T) => string
  readonly #make: (item: T) => Row<T>
  readonly #rows = new Map<string, Row<T>>()
  /** Children that stood there before, such as the head of a table: they stay first. */
  readonly #before: number

  constructor(parent: HTMLElement, keyOf: (item: T) => string, makeRow: (item: T) => Row<T>) {
    this.#parent = parent
    this.#keyOf = keyOf
    this.#make = makeRow
    this.#before = parent.childElementCount
  }

  /** Shows these items in this order. */
  show(items: readonly T[]): void {
    const left = new Set(this.#rows.keys())
    for (const item of items) left.delete(this.#keyOf(item))
    for (const key of left) {
      this.#rows.get(key)?.node.remove()
      this.#rows.delete(key)
    }
    let next = this.#parent.children.item(this.#before)
    for (const item of items) {
      const { node } = this.#show(item)
      if (node === next) next = next.nextElementSibling
      else this.#parent.insertBefore(node, next)
    }
  }

  #show(item: T): Row<T> {
    const key = this.#keyOf(item)
    const row = this.#rows.get(key) ?? this.#make(item)
    this.#rows.set(key, row)
    row.show(item)
    return row
  }
}
