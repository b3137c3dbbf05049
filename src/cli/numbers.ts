/** Numbers given as options. */
import { Option } from 'commander'
import { numberIn } from '../base/options.ts'
import { badInput } from './refusal.ts'

/** What a number may be. */
export interface NumberRange {
  /** The long flag, such as `--seconds`. */
  name: string
  min: number
  max: number
  /** Undefined for an option that need not be given. */
  fallback?: number
  /** Default true. */
  whole?: boolean
}

/** An option that takes a number; anything else is refused in a sentence naming option, value and range. */
export function numberOption(range: NumberRange, description: string): Option {
  const { name, min, max, fallback } = range
  const words = `${description} (${min} to ${max.toLocaleString('en-US')})`
  return new Option(`${name} <number>`, words)
    .default(fallback)
    .argParser((text: string) => readNumber(text, range))
}

/** The number that `text` spells. @throws Refusal naming option, value and range */
export function readNumber(text: string, { name, min, max, whole = true }: NumberRange): number {
  const value = numberIn(text) ?? Number.NaN
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value
  throw badInput(
    `${name} must be a ${whole ? 'whole ' : ''}number from ${min} to ${max.toLocaleString('en-US')}; it is ${JSON.stringify(text)}.`,
  )
}
