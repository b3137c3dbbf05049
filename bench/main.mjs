/** Runs all benches, or the ones named: `npm run bench -- [acquire] [waiters] [postgres] [--rounds 7] [--cell 300] [--json]`. */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { table } from './harness.mjs'

const NAMES = ['acquire', 'waiters', 'postgres']

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '7' },
    cell: { type: 'string', default: '300' },
    json: { type: 'boolean', default: false },
  },
})
const settings = { rounds: Number(values.rounds), cellMillis: Number(values.cell) }
if (!(settings.rounds >= 1 && settings.cellMillis >= 1))
  throw new Error('--rounds and --cell take numbers from 1')
const unknown = positionals.find((name) => !NAMES.includes(name))
if (unknown !== undefined) throw new Error(`there is no bench ${unknown}; there are ${NAMES.join(', ')}`)

const machine = {
  cores: cpus().length,
  cpu: cpus()[0]?.model,
  node: process.version,
  platform: process.platform,
}
const report = { machine, settings, benches: /** @type {object[]} */ ([]) }
const say = values.json ? () => {} : console.log

say(
  `Node ${machine.node}, ${machine.cores} cores (${machine.cpu}); ${settings.rounds} rounds of ${settings.cellMillis} ms or more, medians`,
)
for (const name of NAMES) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  const { run } = await import(`./${name}.mjs`)
  const bench = await run(settings)
  report.benches.push(bench)
  for (const { title, notes = [], rows } of bench.sections)
    say([`\n## ${title}`, table(rows), ...notes].join('\n\n'))
  if (bench.goals.length > 0)
    say(
      `\n## Goals\n\n${table(bench.goals.map(({ goal, measured, met }) => ({ goal, measured, met: met ? 'yes' : 'no' })))}`,
    )
}
if (values.json) console.log(JSON.stringify(report, undefined, 2))
