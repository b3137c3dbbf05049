import process from 'node:process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BudgetModel, budgetScenario } from './budget.ts'

const runs = Number(process.env.SLUICE_MODEL_RUNS ?? 300)

test(`in ${runs} random histories of two or three pools under one budget the cap holds after every step, nobody waits beside room, and every caller is answered`, {
  timeout: Math.max(120_000, runs * 60),
}, async () => {
  const property = fc.asyncProperty(budgetScenario, (played) => new BudgetModel(played).play())
  await expect(fc.assert(property, { numRuns: runs })).resolves.toBeUndefined()
})
