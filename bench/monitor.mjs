/**
 * What watching costs: lookups by primary key through Sluice with nothing attached, with each exporter, with the dashboard and a
 * viewer of its own process. `SLUICE_BENCH_BASE=FOLDER` adds the build of another commit (its `dist`) to the same rounds.
 */
import { anyAid, LOOKUP, openAccounts } from './accounts.mjs'
import { atLeast, compare, figureOf, median, ratio, spread } from './harness.mjs'
import { WATCHERS } from './watchers.mjs'

const CALLERS = 100
const MAX = 10
/** How much of a cell runs before it, uncounted. */
const WARM = 0.3

export const defaults = { rounds: 9, cellMillis: 1_000 }

const NOTHING = 'nothing attached'

/** @param {import('./harness.mjs').Settings} settings */
export async function run(settings) {
  const server = await openAccounts()
  const { SLUICE_BENCH_BASE: base } = process.env
  const watchers = [
    { name: NOTHING, watch: nobody },
    // The same again: what differs between these two is noise.
    { name: `${NOTHING}, again`, watch: nobody },
    ...(base === undefined ? [] : [{ name: 'the other build, nothing attached', watch: nobody, base }]),
    ...WATCHERS,
  ]
  try {
    const subjects = watchers.map((watcher) => subjectOf(server.url, watcher, settings.cellMillis))
    const figures = await compare(subjects, settings)
    const bare = figureOf(figures, NOTHING)
    const rows = figures.map((one, i) => ({
      watched: one.name,
      'lookups/s': Math.round(1e6 / one.median),
      '± %': spread(one.rounds),
      'CPU µs/lookup': median(subjects[i].cpu),
      'rate ÷ nothing attached': ratio(bare, one),
      'CPU ÷ nothing attached': median(subjects[i].cpu.map((cpu, round) => cpu / subjects[0].cpu[round])),
    }))
    const title = `Lookups in pgbench’s accounts, ${CALLERS} callers, ${MAX} connections, PostgreSQL ${server.version}`
    const notes = [
      'CPU is this process’s alone, which also does what the exporters do; the server, and the viewer of the dashboard, share the machine’s cores. Exporters that work now and then do so every second here.',
    ]
    return { name: 'monitor', sections: [{ title, rows, notes }], goals: goalsOf(figures) }
  } finally {
    await server.close()
  }
}

/** @param {import('./harness.mjs').Figures[]} figures */
function goalsOf(figures) {
  const bare = figureOf(figures, NOTHING)
  return figures
    .filter(({ name }) => name.startsWith('dashboard'))
    .map((one) => atLeast(`${one.name}: rate ÷ nothing attached`, ratio(bare, one), 0.98))
}

async function nobody() {
  return async () => {}
}

/**
 * @param {string} url
 * @param {import('./watchers.mjs').Watcher & { base?: string }} watcher
 * @param {number} cellMillis
 */
function subjectOf(url, { name, watch, base }, cellMillis) {
  const cpu = /** @type {number[]} */ ([])
  const measure = async () => {
    const { Pool } = await import(base === undefined ? '../dist/index.js' : `${base}/index.js`)
    const pool = new Pool({ connectionString: url, max: MAX })
    pool.on('error', () => {})
    const stop = await watch(pool)
    await loop(pool, cellMillis * WARM)
    const { wallMicros, cpuMicros } = await loop(pool, cellMillis)
    await stop()
    await pool.end()
    cpu.push(cpuMicros)
    return wallMicros
  }
  return { name, measure, cpu }
}

/** @param {import('../dist/index.js').Pool} pool @param {number} cellMillis */
async function loop(pool, cellMillis) {
  let answered = 0
  const cpu = process.cpuUsage()
  const begin = performance.now()
  const until = begin + cellMillis
  const call = async () => {
    while (performance.now() < until) {
      await pool.query(LOOKUP, [anyAid()])
      answered++
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, call))
  const { user, system } = process.cpuUsage(cpu)
  return { wallMicros: (1e3 * (performance.now() - begin)) / answered, cpuMicros: (user + system) / answered }
}
