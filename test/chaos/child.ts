/** The process that `frozenClient` stops: takes a run as its argument, says its row to its parent. */
import { frozenHere } from './client-stalls.ts'
import type { Run } from './scenario.ts'

const run = JSON.parse(process.argv[2] ?? '') as Run
const row = await frozenHere(run, (message) => process.send?.(message))
process.send?.({ row }, () => process.disconnect())
