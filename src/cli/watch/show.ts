/** Shows a dashboard's feed: drawn in place on a terminal, else a line for each pool now and then. */
import { wrap } from '../paint.ts'
import type { Screen } from '../screen.ts'
import type { Heard } from './feed.ts'
import type { Picture } from './picture.ts'
import { eventLine, plainLine, view } from './view.ts'

const plainEveryMillis = 2_000

/** The show of one dashboard on a screen. */
export class WatchShow {
  readonly #screen: Screen
  readonly #place: string
  readonly #picture: Picture
  #lastLinesAt = Number.NEGATIVE_INFINITY
  #wasLost = false
  #hasGreeted = false

  constructor(screen: Screen, place: string, picture: Picture) {
    this.#screen = screen
    this.#place = place
    this.#picture = picture
  }

  /** Shows what was heard. */
  take(heard: Heard): void {
    const greeted = heard.kind === 'hello' && !this.#hasGreeted
    const events = this.#picture.take(heard)
    if (this.#screen.live) return this.#draw()
    if (greeted) return this.#greet()
    this.#sayWhetherLost(heard)
    this.#screen.print(
      ...events
        .filter(({ level }) => level !== 'info')
        .flatMap((event) =>
          wrap(eventLine(event, this.#screen.paint), this.#screen.width, '                '),
        ),
    )
    if (heard.kind === 'frame') this.#printLines()
  }

  #draw(): void {
    if (!this.#picture.isWhole) return
    this.#screen.draw(view(this.#picture, this.#place, this.#screen))
  }

  /** What happened before one came is not news. */
  #greet(): void {
    this.#hasGreeted = true
    this.#screen.print(` Sluice ${this.#picture.version} at ${this.#place}`)
  }

  #sayWhetherLost(heard: Heard): void {
    const { width } = this.#screen
    if (heard.kind === 'lost') {
      if (!this.#wasLost)
        this.#screen.print(...wrap(` lost: ${heard.why.trouble.what} Trying again.`, width, '   '))
      this.#wasLost = true
    } else if (this.#wasLost) {
      this.#wasLost = false
      this.#screen.print(' back')
    }
  }

  #printLines(): void {
    const now = performance.now()
    if (now - this.#lastLinesAt < plainEveryMillis) return
    this.#lastLinesAt = now
    this.#screen.print(...this.#picture.pools.map(plainLine))
  }
}
