/** Callers of the monitor bench, who each ask again as soon as they are answered. */
import { anyAid, LOOKUP } from './accounts.mjs'

export const CALLERS = 100

/** @typedef {{ rate: number, cpuMicros: number }} Cell lookups a millisecond, and what one takes of this process */

/** @param {import('../dist/index.js').Pool} pool @param {number} millis @returns {Promise<Cell>} */
export async function lookups(pool, millis) {
  let answered = 0
  const cpu = process.cpuUsage()
  const begin = performance.now()
  const until = begin + millis
  const call = async () => {
    while (performance.now() < until) {
      await pool.query(LOOKUP, [anyAid()])
      answered++
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, call))
  const { user, system } = process.cpuUsage(cpu)
  return { rate: answered / (performance.now() - begin), cpuMicros: (user + system) / answered }
}
