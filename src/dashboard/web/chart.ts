/** One chart of uPlot: its colours are those of the style, its legend is HTML, and who cannot see it is told its newest values. */
import { make, setAttribute, setText } from './dom.ts'
import { timeOfDay } from './format.ts'
import { PAST_SECONDS } from './past.ts'
import type { Columns } from './scale.ts'
import { decades, evenly, tenfold } from './scale.ts'
import uPlot from './uPlot.esm.js'

/** One curve. */
export interface Curve {
  readonly label: string
  /** The name of the colour in the style: `--answered`. */
  readonly colour: string
  readonly isFilled?: boolean
  /** Dashes, so that curves are told apart without colours. */
  readonly dash?: number[]
}

const HEIGHT = 150

/** How a chart's height grows: evenly from 0, or tenfold from line to line, for what is told apart by factors. */
export type Growth = 'even' | 'tenfold'

export class Chart {
  readonly #box: HTMLElement
  readonly #curves: readonly Curve[]
  readonly #write: (value: number) => string
  readonly #growth: Growth
  readonly #values: HTMLElement[] = []
  readonly #time: HTMLElement
  readonly #plot: uPlot
  #columns: Columns = [[]]

  /** @param write how a value is written in legend and axis */
  constructor(
    root: HTMLElement,
    legend: HTMLElement,
    curves: readonly Curve[],
    write: (value: number) => string,
    growth: Growth = 'even',
  ) {
    this.#curves = curves
    this.#growth = growth
    this.#write = write
    this.#box = root
    this.#time = make('span', 'legend-time')
    for (const curve of curves) legend.append(this.#legendOf(curve))
    legend.append(this.#time)
    this.#plot = new uPlot(this.#options(), [[], ...curves.map(() => [])], root)
    new ResizeObserver(() => this.#resize()).observe(root)
  }

  show(columns: Columns): void {
    this.#columns = columns
    // uPlot's types want lists that it may write to; it does not.
    this.#plot.setData(columns as uPlot.AlignedData, false)
    const now = columns[0].at(-1) ?? 0
    this.#plot.batch(() => {
      this.#plot.setScale('x', { min: now - PAST_SECONDS + 1, max: now })
      this.#plot.setScale('y', this.#growth === 'even' ? evenly(columns) : tenfold(columns))
    })
    this.#tell()
  }

  /** Draws anew, in the colours that hold now. */
  repaint(): void {
    this.#plot.redraw(false, true)
  }

  #legendOf({ colour, dash, label }: Curve): HTMLElement {
    const item = make('span', 'legend-item')
    const swatch = make('i', dash === undefined ? 'swatch' : 'swatch dashed')
    swatch.style.setProperty('--curve', `var(${colour})`)
    const value = make('b')
    this.#values.push(value)
    item.append(swatch, make('span', '', label), value)
    return item
  }

  #colour(name: string): string {
    return getComputedStyle(this.#box).getPropertyValue(name).trim()
  }

  #options(): uPlot.Options {
    const axis = {
      stroke: () => this.#colour('--muted'),
      grid: { stroke: () => this.#colour('--line'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    }
    const height: uPlot.Axis = {
      ...axis,
      size: 58,
      space: 28,
      // A tick that the filter has left out is null.
      values: (_, ticks) => ticks.map((tick: number | null) => (tick === null ? '' : this.#write(tick))),
    }
    const filter = (_: uPlot, ticks: number[]) => decades(ticks)
    return {
      width: Math.max(200, this.#box.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { time: true, auto: false },
        y: { auto: false, ...(this.#growth === 'even' ? {} : { distr: 3 }) },
      },
      axes: [
        {
          ...axis,
          size: 24,
          space: 48,
          values: (_, ticks) => ticks.map((at) => timeOfDay(at * 1000).slice(0, 5)),
        },
        this.#growth === 'even' ? height : { ...height, filter, grid: { ...axis.grid, filter } },
      ],
      series: [{}, ...this.#curves.map((curve) => this.#series(curve))],
      hooks: { setCursor: [() => this.#tell()] },
    }
  }

  #series({ colour, dash, isFilled, label }: Curve): uPlot.Series {
    return {
      label,
      width: 1.5,
      stroke: () => this.#colour(colour),
      points: { show: false },
      ...(dash === undefined ? {} : { dash }),
      ...(isFilled === true ? { fill: () => `${this.#colour(colour)}26` } : {}),
    }
  }

  #resize(): void {
    const width = Math.floor(this.#box.clientWidth)
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT })
  }

  /** The values under the pointer, else the newest. */
  #tell(): void {
    const [times, ...lists] = this.#columns
    const pointed = this.#plot?.cursor.idx
    const index = pointed ?? times.length - 1
    const texts = lists.map((values) => {
      const value = values[index]
      return value === null || value === undefined ? '–' : this.#write(value)
    })
    for (const [at, text] of texts.entries()) {
      const node = this.#values[at]
      if (node !== undefined) setText(node, text)
    }
    const time = times[index]
    setText(
      this.#time,
      pointed === null || pointed === undefined || time === undefined ? '' : timeOfDay(time * 1000),
    )
    const newest = this.#curves.map(({ label }, at) => `${label} ${texts[at] ?? '–'}`)
    setAttribute(this.#box, 'aria-label', `The last five minutes; now ${newest.join(', ')}`)
  }
}
