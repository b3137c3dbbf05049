/** One pool, measured once in this process: prints the nanoseconds of CPU time an operation. Its one argument is a cell as JSON. */
import { cpuMillis } from './harness.mjs'
import { peers } from './peers.mjs'

const { name, callers, max, acquireTimeoutMillis, cellMillis } = JSON.parse(process.argv[2] ?? '')
const peer = peers.find((one) => one.name === name)
if (peer === undefined) throw new Error(`there is no peer ${name}`)

/** How often each caller goes around, until a cell is long enough; the short ones are the warm-up. */
let times = Math.ceil(20_000 / callers)
for (;;) {
  const nanos = await measure()
  const millis = (nanos * times * callers) / 1e6
  if (millis >= cellMillis) break
  times = Math.ceil(times * Math.min(5, (1.2 * cellMillis) / millis))
}
// Twice more: what is optimised last is optimised by now.
await measure()
console.log(await measure())

async function measure() {
  const { caller, end } = peer.open(max, acquireTimeoutMillis)
  const all = (/** @type {number} */ each) => Promise.all(Array.from({ length: callers }, () => caller(each)))
  // Opens every connection before the clock starts. No collection is forced here: it would lift what the pool has made so far
  // into the old space, from where generic-pool’s list keeps its garbage alive, and double that peer’s time.
  await all(20)
  const begin = cpuMillis()
  await all(times)
  const millis = cpuMillis() - begin
  await end()
  return (1e6 * millis) / (times * callers)
}
