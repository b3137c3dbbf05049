/** How high a chart reaches, and where its lines are. */

/** A chart's data: when, and a list of values for each curve. */
export type Columns = readonly [readonly number[], ...(readonly (number | null)[])[]]

interface Limits {
  readonly min: number
  readonly max: number
}

/** From 0 to a little above the highest value, and never so low that noise looks like a mountain. */
export function evenly([, ...lists]: Columns): Limits {
  let top = 4
  for (const values of lists) for (const value of values) if (value !== null && value > top) top = value
  return { min: 0, max: top * 1.1 }
}

/** From the power of ten below the lowest value to that above the highest. */
export function tenfold([, ...lists]: Columns): Limits {
  let [low, high] = [1, 10]
  for (const values of lists) {
    for (const value of values) {
      if (value === null || value <= 0) continue
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
  }
  return { min: 10 ** Math.floor(Math.log10(low)), max: 10 ** Math.ceil(Math.log10(high)) }
}

/** The powers of ten among the ticks of a height that grows tenfold, the others null: nine lines to each would be a carpet. */
export function decades(ticks: readonly number[]): (number | null)[] {
  return ticks.map((tick) => {
    const power = Math.log10(tick)
    return Math.abs(power - Math.round(power)) < 1e-9 ? tick : null
  })
}
