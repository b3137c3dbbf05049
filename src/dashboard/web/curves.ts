/** The three charts of a pool: what it answers, how fast, and with how many connections. */
import { Chart } from './chart.ts'
import { make, part, setAttribute } from './dom.ts'
import { count, duration, rate } from './format.ts'
import type { Past } from './past.ts'
import { ALL } from './past.ts'

export class Curves {
  readonly #throughput: Chart
  readonly #latency: Chart
  readonly #connections: Chart
  readonly #choice: HTMLSelectElement
  readonly #past: Past
  #drawn = 0
  #known: string | undefined

  constructor(root: HTMLElement, past: Past) {
    this.#past = past
    this.#throughput = new Chart(
      part(root, 'throughput'),
      part(root, 'throughput-legend'),
      [
        { label: 'answered/s', colour: '--answered', isFilled: true },
        { label: 'failed/s', colour: '--bad', dash: [4, 3] },
      ],
      rate,
    )
    this.#latency = new Chart(
      part(root, 'latency'),
      part(root, 'latency-legend'),
      [
        { label: 'p50', colour: '--answered' },
        { label: 'p95', colour: '--second', dash: [6, 3] },
        { label: 'p99', colour: '--third', dash: [2, 3] },
      ],
      duration,
      'tenfold',
    )
    this.#connections = new Chart(
      part(root, 'connections-curve'),
      part(root, 'connections-legend'),
      [
        { label: 'open', colour: '--muted', dash: [6, 3] },
        { label: 'busy', colour: '--leased', isFilled: true },
        { label: 'waiting', colour: '--bad', dash: [2, 3] },
      ],
      count,
    )
    this.#choice = part(root, 'class') as HTMLSelectElement
    this.#choice.addEventListener('change', () => this.#draw())
  }

  /** Draws when there is a new point: once a second. */
  show(): void {
    if (this.#past.newest === this.#drawn) return
    this.#draw()
  }

  repaint(): void {
    for (const chart of [this.#throughput, this.#latency, this.#connections]) chart.repaint()
  }

  #draw(): void {
    this.#drawn = this.#past.newest
    this.#offer(this.#past.classes())
    this.#throughput.show(this.#past.throughput())
    this.#latency.show(this.#past.latency(this.#choice.value))
    this.#connections.show(this.#past.connections())
  }

  #offer(classes: readonly string[]): void {
    const key = classes.join('\n')
    if (key === this.#known) return
    this.#known = key
    const chosen = this.#choice.value
    this.#choice.replaceChildren(
      ...classes.map((name) => {
        const option = make('option', '', name === ALL ? 'all classes' : name)
        setAttribute(option, 'value', name)
        return option
      }),
    )
    this.#choice.value = classes.includes(chosen) ? chosen : ALL
  }
}
