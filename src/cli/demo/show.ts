/** What a person sees while the demo works: pictures drawn in place on a terminal, else a line now and then. */
import { bar, millis, whole, wrap } from '../paint.ts'
import type { Screen } from '../screen.ts'
import type { Target } from '../target.ts'
import { placeOf } from '../target.ts'
import type { Moment } from './view.ts'
import { frame, plainLine, titleOf } from './view.ts'

/** Told of every step of the demo. */
export interface Show {
  /** The embedded server is being started. */
  starting(): void
  /** A server answers: that of the user, or the embedded one. */
  server(version: string, given: Target | undefined): void
  /** The dashboard can be looked at. */
  dashboard(url: string): void
  loading(done: number, total: number, label: string): void
  /** `tookMillis` is `undefined` where the data was there already. */
  loaded(rows: number, tookMillis: number | undefined): void
  /** Both pools run for a moment that is not measured. */
  warming(): void
  tick(moment: Moment): void
  /** The comparison is over, and work goes on for the dashboard. */
  serving(url: string): void
  /** Something went wrong that does not end the demo. */
  warn(sentence: string): void
  /** Takes away what was only for the meantime. */
  finish(): void
}

const plainEveryMillis = 2_000

/** The show on a screen. */
export function makeShow(screen: Screen, max: number): Show {
  return new ScreenShow(screen, max)
}

class ScreenShow implements Show {
  readonly #screen: Screen
  readonly #max: number
  #lastLineAt = performance.now()
  #turn = -1

  constructor(screen: Screen, max: number) {
    this.#screen = screen
    this.#max = max
  }

  starting(): void {
    this.#screen.draw([' Starting an embedded Postgres …'])
  }

  server(version: string, given: Target | undefined): void {
    const where = given === undefined ? 'embedded, for this demo only' : `at ${placeOf(given)}`
    this.#done(`PostgreSQL ${version}, ${where}`)
  }

  dashboard(url: string): void {
    const { paint } = this.#screen
    this.#screen.print('', ` ${paint.glyphs.at} Dashboard  ${paint.bold(url)}`, '')
  }

  loading(done: number, total: number, label: string): void {
    const { paint, width } = this.#screen
    const share = `${whole(done)} of ${whole(total)} rows, ${label}`
    if (this.#screen.live) {
      const room = Math.max(10, Math.min(40, width - share.length - 12))
      this.#screen.draw([` Loading  ${bar(done / total, room, paint)}  ${share}`])
    } else if (this.#isDue()) this.#screen.print(`  loading: ${share}`)
  }

  loaded(rows: number, tookMillis: number | undefined): void {
    const how = tookMillis === undefined ? 'were there already' : `loaded in ${millis(tookMillis)}`
    this.#done(`${whole(rows)} rows of documents, chunks, memory and events ${how}`)
  }

  warming(): void {
    this.#screen.draw(['', ' Warming up …'])
  }

  tick(moment: Moment): void {
    const { paint, width } = this.#screen
    if (this.#screen.live) return this.#screen.draw(frame(moment, paint, width))
    if (moment.index !== this.#turn) {
      this.#turn = moment.index
      this.#screen.print(titleOf(moment, this.#max))
      this.#lastLineAt = performance.now()
    } else if (this.#isDue()) this.#screen.print(plainLine(moment))
  }

  serving(url: string): void {
    const { paint, width } = this.#screen
    const words = `Some agents go on at ${paint.bold(url)} until Ctrl-C.`
    this.#screen.print('', ...wrap(` ${paint.glyphs.at} ${words}`, width, '   '))
  }

  warn(sentence: string): void {
    // Whatever is shown, or hidden, on the screen: somebody has to do something.
    console.error(`sluice: ${sentence}`)
  }

  finish(): void {
    this.#screen.close()
  }

  #done(text: string): void {
    const { paint } = this.#screen
    this.#screen.print(` ${paint.good(paint.glyphs.yes)} ${text}`)
  }

  #isDue(): boolean {
    const now = performance.now()
    if (now - this.#lastLineAt < plainEveryMillis) return false
    this.#lastLineAt = now
    return true
  }
}
