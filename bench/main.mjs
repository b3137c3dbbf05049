/**
 * Runs all benches, or the ones named: `npm run bench -- [acquire] [waiters] [postgres] [lanes] [mixed] [packing] [sizing] [headline] [monitor]
 * [--rounds 7] [--cell 300] [--json] [--save]`. A bench may have rounds and a cell of its own where none are given. `--save` writes
 * bench/results/NAME.json, which bench/draw.mjs draws.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { table } from './harness.mjs'

const NAMES = ['acquire', 'waiters', 'postgres', 'lanes', 'mixed', 'packing', 'sizing', 'headline', 'monitor']
const DEFAULTS = { rounds: 7, cellMillis: 300 }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    cell: { type: 'string' },
    json: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
  },
})
const given = {
  ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
  ...(values.cell === undefined ? {} : { cellMillis: Number(values.cell) }),
}
if (!Object.values(given).every((number) => number >= 1))
  throw new Error('--rounds and --cell take numbers from 1')
const unknown = positionals.find((name) => !NAMES.includes(name))
if (unknown !== undefined) throw new Error(`there is no bench ${unknown}; there are ${NAMES.join(', ')}`)

const machine = {
  cores: cpus().length,
  cpu: cpus()[0]?.model,
  node: process.version,
  platform: process.platform,
}
const report = { machine, benches: /** @type {object[]} */ ([]) }
const say = values.json ? () => {} : console.log

say(`Node ${machine.node}, ${machine.cores} cores (${machine.cpu})`)
for (const name of NAMES) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  const { run, defaults = DEFAULTS } = await import(`./${name}.mjs`)
  const settings = { ...defaults, ...given }
  const bench = await run(settings)
  report.benches.push({ ...bench, settings })
  if (values.save) save(name, { machine, benches: [{ ...bench, settings }] })
  say(`\n# ${name}: medians of measurements of ${settings.cellMillis} ms or more, rounds: ${settings.rounds}`)
  for (const { title, notes = [], rows } of bench.sections)
    say([`\n## ${title}`, table(rows), ...notes].join('\n\n'))
  if (bench.goals.length > 0)
    say(
      `\n## Goals\n\n${table(bench.goals.map(({ goal, measured, met }) => ({ goal, measured, met: met ? 'yes' : 'no' })))}`,
    )
}
if (values.json) console.log(JSON.stringify(report, undefined, 2))

/** @param {string} name @param {object} content */
function save(name, content) {
  writeFileSync(
    new URL(`results/${name}.json`, import.meta.url),
    `${JSON.stringify(content, undefined, 2)}\n`,
  )
}
