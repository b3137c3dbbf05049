import process from 'node:process'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { scenario } from './commands.ts'
import { PoolModel } from './model.ts'

const runs = Number(process.env.SLUICE_MODEL_RUNS ?? 2_000)

const bugs: unknown[] = []
const note = (bug: unknown) => bugs.push(bug)
beforeEach(() => process.on('unhandledRejection', note))
afterEach(() => process.off('unhandledRejection', note))

test(`${runs} random histories of fifty and more events keep every invariant after every event`, {
  timeout: Math.max(120_000, runs * 60),
}, async () => {
  const property = fc.asyncProperty(scenario, async (played) => {
    await new PoolModel(played).play()
    if (bugs.length > 0) throw bugs.splice(0)[0]
  })
  await expect(fc.assert(property, { numRuns: runs })).resolves.toBeUndefined()
})
