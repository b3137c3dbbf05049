/** The output of a command: a terminal that is drawn over in place, or plain lines. */
import type { Paint } from './paint.ts'
import { crop, makePaint } from './paint.ts'

/** Where a command writes. */
export interface Screen {
  /** True when frames are drawn in place; false when only lines make sense. */
  readonly live: boolean
  readonly paint: Paint
  readonly width: number
  /** How many lines can be drawn. */
  readonly height: number
  /** Writes lines that stay. */
  print(...lines: string[]): void
  /** Draws lines in place of the ones last drawn; the next `print` takes them away. Nothing unless `live`. */
  draw(lines: readonly string[]): void
  /** Takes the drawn lines away and gives the cursor back. */
  close(): void
}

/** What a screen needs to know of the environment. */
export type ScreenEnvironment = Readonly<Record<string, string | undefined>>

const csi = '\u001B['
const widest = 120

/** The screen on a stream: in place and in colour on a terminal, unless NO_COLOR, CI or a dumb terminal says otherwise. */
export function openScreen(stream: NodeJS.WriteStream, env: ScreenEnvironment): Screen {
  const isSet = (name: string): boolean => (env[name] ?? '') !== ''
  const terminal = stream.isTTY === true && env.TERM !== 'dumb'
  const colours = terminal && !isSet('NO_COLOR')
  const live = colours && !isSet('CI')
  return new StreamScreen(stream, live, makePaint(colours, env.TERM))
}

/** A screen that shows nothing. */
export function noScreen(): Screen {
  const nothing = (): void => {}
  return {
    live: false,
    paint: makePaint(false, undefined),
    width: 80,
    height: 23,
    print: nothing,
    draw: nothing,
    close: nothing,
  }
}

class StreamScreen implements Screen {
  readonly live: boolean
  readonly paint: Paint
  readonly #stream: NodeJS.WriteStream
  #drawn = 0
  readonly #resized = (): void => {
    // A narrower terminal has broken the lines already drawn: nobody knows any more how far up they begin.
    if (this.#drawn > 0) this.#stream.write(`${csi}2J${csi}H`)
    this.#drawn = 0
  }
  readonly #showCursor = (): void => {
    if (this.#drawn > 0) this.#stream.write(`${csi}?25h`)
  }

  constructor(stream: NodeJS.WriteStream, live: boolean, paint: Paint) {
    this.#stream = stream
    this.live = live
    this.paint = paint
    if (!live) return
    stream.on('resize', this.#resized)
    // However the process ends, the cursor is not lost.
    process.on('exit', this.#showCursor)
  }

  get width(): number {
    return Math.min(widest, this.#stream.columns || 80)
  }

  get height(): number {
    // A frame taller than the terminal would scroll, and could not be drawn over.
    return Math.max(1, (this.#stream.rows || 24) - 1)
  }

  print(...lines: string[]): void {
    this.#stream.write(`${this.#erase()}${lines.map((line) => `${line}\n`).join('')}`)
  }

  draw(lines: readonly string[]): void {
    if (!this.live) return
    const shown = lines.slice(0, this.height)
    const body = shown.map((line) => `${crop(line, this.width)}${csi}K\n`).join('')
    // Letters of double width would break a line in two, and nobody would know any more how far up the first one is.
    this.#stream.write(`${csi}?25l${csi}?7l${this.#up()}${body}${csi}J${csi}?7h`)
    this.#drawn = shown.length
  }

  close(): void {
    if (this.#drawn > 0) this.#stream.write(this.#erase())
    this.#stream.off('resize', this.#resized)
    process.off('exit', this.#showCursor)
  }

  #erase(): string {
    if (this.#drawn === 0) return ''
    const text = `${this.#up()}${csi}J${csi}?25h`
    this.#drawn = 0
    return text
  }

  #up(): string {
    return this.#drawn > 0 ? `${csi}${this.#drawn}A\r` : ''
  }
}
