/** What the short forms of the chaos scenarios share: a run of Sluice, and what every row of it must say. */
import { expect } from 'vitest'
import type { Row, Scenario } from '../chaos/scenario.ts'
import { rowOf } from '../chaos/scenario.ts'
import { MAX } from '../chaos/subject.ts'

/** Runs a scenario with Sluice; nobody waits for ever, no write is lost or doubled, and the server never counts more than `max`. */
export async function run(scenario: Scenario, seconds: number, max: number = MAX): Promise<Row> {
  const row = rowOf(await scenario({ pool: 'sluice', seed: 1, seconds }))
  const { wrong, stuck, sessions } = row
  expect({ wrong, stuck }, JSON.stringify(row)).toEqual({ wrong: [], stuck: 0 })
  expect(sessions).toBeLessThanOrEqual(max)
  return row
}

/** How many statements failed. */
export function lost({ lost }: Row): number {
  return Object.values(lost).reduce((sum, count) => sum + count, 0)
}

/** A note that is a number. */
export function noted({ notes }: Row, name: string): number {
  const value = notes[name]
  if (typeof value !== 'number') throw new Error(`the scenario noted no number ${name}`)
  return value
}
