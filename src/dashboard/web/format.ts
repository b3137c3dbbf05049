/** Numbers as the page writes them: short, and of a width that does not jump. */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** What stands where there is no number. */
export const NOTHING = '–'

/** `12,345`; above a million `1.23 M`. */
export function count(value: number): string {
  return value >= 1e6 ? `${(value / 1e6).toFixed(2)} M` : whole.format(value)
}

/** A rate: `0.4`, `12,345`. */
export function rate(value: number): string {
  return value > 0 && value < 9.95 ? value.toFixed(1) : count(value)
}

/** How long something takes: `0.42 ms`, `12.3 ms`, `123 ms`, `1.2 s`, `2 min 5 s`. */
export function duration(millis: number | null): string {
  if (millis === null) return NOTHING
  if (millis < 0.995) return `${millis.toFixed(2)} ms`
  if (millis < 99.95) return `${millis.toFixed(1)} ms`
  if (millis < 999.5) return `${Math.round(millis)} ms`
  return millis < 59_950 ? `${(millis / 1000).toFixed(1)} s` : age(Math.max(60_000, millis))
}

/** How long something has lasted, in whole seconds: `0 s`, `42 s`, `2 min 5 s`, `3 h 12 min`, `4 d 2 h`. */
export function age(millis: number | null): string {
  if (millis === null) return NOTHING
  const seconds = Math.max(0, Math.floor(millis / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** The same in at most three characters and a unit, for a cell: `42s`, `5m`, `3h`. */
export function shortAge(millis: number): string {
  const seconds = Math.max(0, Math.floor(millis / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

/** `85 %`. */
export function percent(value: number): string {
  return `${Math.round(value)} %`
}

/** A share that ought to be whole, 0 to 1: `85 %`, `99.8 %`, and `100 %` only where it is. */
export function share(part: number): string {
  return part > 0.99 && part < 1 ? `${(Math.floor(part * 1000) / 10).toFixed(1)} %` : percent(part * 100)
}

/** `1 lane`, `2 lanes`. */
export function several(n: number, what: string): string {
  return `${count(n)} ${what}${n === 1 ? '' : 's'}`
}

/** The time of day, in the viewer's zone, `14:05:09`. */
export function timeOfDay(at: number): string {
  const date = new Date(at)
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((n) => String(n).padStart(2, '0'))
    .join(':')
}
