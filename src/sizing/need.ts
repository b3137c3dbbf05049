/** Reads the numbers that a formula cannot do without. */
import { SluiceError } from '../base/errors.ts'
import { readNumber } from '../base/options.ts'
import { said } from './answer.ts'

/** The range of a number; by default whole, from `min`, without an end. */
export interface Range {
  readonly min: number
  readonly max?: number
  readonly whole?: boolean
  readonly unit?: string
}

/** A number that must be there and in its range. @throws SLUICE_BAD_OPTION naming it, its value and its range */
export function need(
  given: object,
  name: string,
  { max = Number.POSITIVE_INFINITY, ...range }: Range,
): number {
  const value = readNumber({ ...given }, name, { ...range, max })
  if (value !== undefined) return value
  const { min, whole = true, unit = '' } = range
  const end = max === Number.POSITIVE_INFINITY ? '' : ` to ${said(max)}`
  throw new SluiceError(
    'SLUICE_BAD_OPTION',
    `${name} must be given: a ${whole ? 'whole ' : ''}number from ${said(min)}${end}${unit}`,
  )
}

/** The same, for a number that has a default. @throws SLUICE_BAD_OPTION naming it, its value and its range */
export function orElse(given: object, name: string, range: Range, fallback: number): number {
  return (given as Record<string, unknown>)[name] === undefined ? fallback : need(given, name, range)
}
