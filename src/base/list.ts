/** A place in a {@link List}. One value may stand in several lists, with one link for each. */
export class Link<T> {
  readonly value: T
  /** The list that the link stands in; only the list writes it and its neighbours. */
  list: List<T> | undefined = undefined
  previous: Link<T> | undefined = undefined
  next: Link<T> | undefined = undefined

  constructor(value: T) {
    this.value = value
  }
}

/** A doubly linked list whose links belong to the values: add and remove in constant time, wherever the link stands. */
export class List<T> {
  #first: Link<T> | undefined
  #last: Link<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): T | undefined {
    return this.#first?.value
  }

  get firstLink(): Link<T> | undefined {
    return this.#first
  }

  get last(): T | undefined {
    return this.#last?.value
  }

  /** Appends a link. @throws when it stands in a list already. */
  push(link: Link<T>): void {
    if (link.list !== undefined) throw new Error('BUG: a link is pushed that stands in a list already')
    link.list = this
    link.previous = this.#last
    if (this.#last === undefined) this.#first = link
    else this.#last.next = link
    this.#last = link
    this.#size += 1
  }

  /** Puts a link behind the last one that need not stand after it, which costs a step for each that does. @throws when it stands in a list already */
  insert(link: Link<T>, standsAfter: (other: T) => boolean): void {
    if (link.list !== undefined) throw new Error('BUG: a link is inserted that stands in a list already')
    let next: Link<T> | undefined
    for (let other = this.#last; other !== undefined && standsAfter(other.value); other = other.previous)
      next = other
    this.#insert(link, next)
  }

  /** Takes a link out. Returns false, and changes nothing, when it does not stand in this list. */
  remove(link: Link<T>): boolean {
    if (link.list !== this) return false
    if (link.previous === undefined) this.#first = link.next
    else link.previous.next = link.next
    if (link.next === undefined) this.#last = link.previous
    else link.next.previous = link.previous
    link.list = undefined
    link.previous = undefined
    link.next = undefined
    this.#size -= 1
    return true
  }

  /** Lets the first link and another one of this list change places. */
  exchange(link: Link<T>): void {
    const first = this.#first
    if (first === undefined || link.list !== this)
      throw new Error('BUG: a link changes places in a list where it does not stand')
    if (first === link) return
    const { next } = link
    this.remove(link)
    this.remove(first)
    this.#insert(first, next)
    this.#insert(link, this.#first)
  }

  /** Puts a link before another one, or at the end. */
  #insert(link: Link<T>, next: Link<T> | undefined): void {
    const previous = next === undefined ? this.#last : next.previous
    link.list = this
    link.previous = previous
    link.next = next
    if (previous === undefined) this.#first = link
    else previous.next = link
    if (next === undefined) this.#last = link
    else next.previous = link
    this.#size += 1
  }

  /** The values from first to last. The value just given may be removed while walking. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    let link = this.#first
    while (link !== undefined) {
      const next: Link<T> | undefined = link.next
      yield link.value
      link = next
    }
  }
}
