/** Numbers as findings write them. */

/** `12,345`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** `0.4 ms`, `12,345 ms`. */
export function millis(value: number): string {
  return `${(value < 10 ? Math.round(value * 10) / 10 : Math.round(value)).toLocaleString('en-US')} ms`
}

/** `12.3 %`. */
export function percent(value: number): string {
  return `${Math.round(value * 10) / 10} %`
}

/** `1 session`, `2 sessions`. */
export function several(n: number, what: string): string {
  return `${count(n)} ${what}${n === 1 ? '' : 's'}`
}

/** `7 days`, `10 minutes`, `90 seconds`: in the largest unit that goes in whole. */
export function span(millis: number): string {
  const units = [
    [86_400_000, 'day'],
    [3_600_000, 'hour'],
    [60_000, 'minute'],
    [1_000, 'second'],
  ] as const
  const unit = units.find(([length]) => millis >= length && millis % length === 0)
  return unit === undefined ? `${count(millis)} ms` : several(millis / unit[0], unit[1])
}
