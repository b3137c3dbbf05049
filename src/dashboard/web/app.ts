/** The page: what the server tells goes to the pools' views, and is drawn when the browser is about to draw. */
import type { Frame, Hello, Slow } from '../frame.ts'
import { part, setAttribute, setHidden, setText } from './dom.ts'
import { EventLog } from './events.ts'
import type { FeedOwner, Link } from './feed.ts'
import { age } from './format.ts'
import { PoolView } from './pool-view.ts'
import type { TabNote } from './tabs.ts'
import { Tabs } from './tabs.ts'

export class App implements FeedOwner {
  readonly #root: Document
  readonly #template: HTMLTemplateElement
  readonly #panels: HTMLElement
  readonly #views = new Map<string, PoolView>()
  readonly #tabs: Tabs
  readonly #log: EventLog
  #run: string | undefined
  #title = 'Sluice'
  #selected: string | undefined
  #ids = 0
  #isDue = false

  constructor(root: Document) {
    this.#root = root
    this.#template = part(root, 'pool') as HTMLTemplateElement
    this.#panels = part(root, 'pools')
    this.#tabs = new Tabs(part(root, 'tabs'), (name) => this.#select(name))
    this.#log = new EventLog(part(root, 'events'))
    // While nobody sees the page nothing is drawn; then the newest is.
    root.addEventListener('visibilitychange', () => this.#draw())
  }

  hello({ events, history, run, slow, title = 'Sluice', version }: Hello): void {
    if (run !== this.#run) {
      for (const view of this.#views.values()) view.forget()
      this.#log.forget()
    }
    this.#run = run
    this.#title = title
    setText(part(this.#root, 'title'), title)
    setText(part(this.#root, 'version'), version)
    for (const past of history) this.#viewOf(past.name).recall(past)
    this.#log.add(events)
    this.slow({ pools: slow })
  }

  frame({ at, events, pools }: Frame): void {
    const names = new Set(pools.map(({ name }) => name))
    for (const [name, view] of this.#views) {
      if (names.has(name)) continue
      view.root.remove()
      this.#views.delete(name)
    }
    for (const pool of pools) this.#viewOf(pool.name).see(pool, at)
    this.#log.add(events)
    this.#draw()
  }

  slow({ pools }: Slow): void {
    for (const pool of pools) this.#viewOf(pool.name).seeSlow(pool)
    this.#draw()
  }

  link(link: Link): void {
    const node = part(this.#root, 'link')
    setAttribute(node, 'data-link', link.kind)
    setText(part(this.#root, 'link-text'), textOf(link))
    setText(part(this.#root, 'link-since'), sinceOf(link, Date.now()))
    setAttribute(this.#panels, 'data-stale', link.kind === 'live' ? null : '')
    setHidden(part(this.#root, 'waiting-room'), this.#views.size > 0)
  }

  /** Draws everything in other colours. */
  repaint(): void {
    for (const view of this.#views.values()) view.repaint()
  }

  #viewOf(name: string): PoolView {
    const known = this.#views.get(name)
    if (known !== undefined) return known
    this.#ids += 1
    const view = new PoolView(name, `pool-${this.#ids}`, this.#template)
    view.root.hidden = true
    view.root.setAttribute('aria-label', name)
    this.#views.set(name, view)
    this.#panels.append(view.root)
    return view
  }

  #select(name: string): void {
    this.#selected = name
    this.#draw()
  }

  #draw(): void {
    if (this.#isDue || this.#root.visibilityState === 'hidden') return
    this.#isDue = true
    requestAnimationFrame(() => {
      this.#isDue = false
      this.#drawNow()
    })
  }

  #drawNow(): void {
    const notes = new Map<string, TabNote>()
    for (const [name, view] of this.#views) {
      const note = view.note()
      if (note !== undefined) notes.set(name, note)
    }
    const [first] = notes.keys()
    if (this.#selected === undefined || !notes.has(this.#selected)) this.#selected = first
    setHidden(part(this.#root, 'waiting-room'), notes.size > 0)
    this.#log.show(Date.now())
    const selected = this.#selected
    if (selected === undefined) return
    this.#tabs.show(notes, selected, (name) => this.#viewOf(name).root.id)
    for (const [name, { root }] of this.#views) {
      setHidden(root, name !== selected)
      setAttribute(root, 'role', notes.size < 2 ? null : 'tabpanel')
    }
    this.#views.get(selected)?.draw()
    const isBad = [...notes.values()].some(({ tone }) => tone === 'bad')
    const title = isBad ? `● ${this.#title}` : this.#title
    if (this.#root.title !== title) this.#root.title = title
  }
}

function textOf(link: Link): string {
  switch (link.kind) {
    case 'connecting':
      return 'Connecting'
    case 'live':
      return 'Live'
    case 'lost':
      return 'Connection lost, trying again'
    case 'silent':
      return 'The server is silent'
    case 'refused':
      return link.status === 401
        ? 'The server wants a token: open the address that it printed'
        : `The server refuses (${link.status}), trying again`
  }
}

/** Apart from the text, so that it is not read out every second. */
function sinceOf(link: Link, now: number): string {
  switch (link.kind) {
    case 'lost':
    case 'silent':
      return age(now - link.since)
    case 'connecting':
    case 'live':
    case 'refused':
      return ''
  }
}
