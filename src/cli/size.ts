/** `sluice size`: how large a pool should be, with the arithmetic. */
import { Command } from 'commander'
import { SluiceError } from '../base/errors.ts'
import type { Recommendation } from '../sizing/recommend.ts'
import { recommend } from '../sizing/recommend.ts'
import { TIERS } from '../sizing/tiers.ts'
import { numberOption } from './numbers.ts'
import { toJson } from './paint.ts'
import { badInput } from './refusal.ts'
import type { Screen } from './screen.ts'
import { openScreen } from './screen.ts'
import { askFlags } from './size/ask.ts'
import type { Flags, NumberFlag } from './size/flags.ts'
import { questionFrom, ranges } from './size/flags.ts'
import { describeSizes } from './size/report.ts'

const words: readonly (readonly [flag: NumberFlag, description: string])[] = [
  ['agents', 'agents that run in one process at a time'],
  ['queries', 'statements that each agent has under way'],
  ['rps', 'requests a second that one process serves'],
  ['ms', 'milliseconds of the database for each request'],
  ['workers', 'workers of one process'],
  ['each', 'statements that each worker has under way'],
  ['tasks', 'tasks of one process that hold several connections'],
  ['held', 'connections that each of them holds at once'],
  ['cores', 'CPU cores of the database server'],
  ['disks', 'effective spindles: 1 a spinning disk, 4 to 8 an SSD; default 4 to 8'],
  ['multiplier', 'for agents, by what statements do; default 2 to 4'],
  ['instances', 'processes with such a pool on the same server'],
  ['limit', 'max_connections of the server; default that of the tier, or 100'],
  ['reserved', 'connections kept for others; default that of the tier, or a fifth'],
  ['surge', 'processes more while a rolling deploy runs'],
]

/** The command; `signal` ends it early. */
export function sizeCommand(signal: AbortSignal): Command {
  const command = new Command('size').description('say how large a pool should be, and why')
  command.option('--tier <name>', `the size of the database server: ${Object.keys(TIERS).join(', ')}`)
  for (const [flag, description] of words) command.addOption(numberOption(ranges[flag], description))
  return command
    .option('--json', 'one JSON object and nothing else')
    .addHelpText(
      'after',
      `
Examples:
  sluice size --tier medium
  sluice size --agents 50 --queries 3 --tier medium --instances 5
  sluice size --rps 100 --ms 50
  sluice size --instances 5 --limit 100 --reserved 20 --surge 2

Without a flag it asks. Give what you know: every formula that can answer does, and
one size is recommended. To find the size by experiment: sluice tune.`,
    )
    .action(async ({ json, ...flags }: Flags & { json?: true }) => {
      const screen = openScreen(process.stdout, process.env)
      const given = Object.keys(flags).length > 0 ? flags : await asked(screen, json === true, signal)
      const found = sized(given)
      if (json) console.log(toJson({ ok: true, ...found }))
      else screen.print('', ...describeSizes(found, screen.paint, screen.width))
      screen.close()
    })
}

/** Answers of a person, where one is there to answer. */
function asked({ paint, width }: Screen, json: boolean, signal: AbortSignal): Promise<Flags> {
  if (json || !process.stdin.isTTY || !process.stdout.isTTY)
    throw badInput(
      'Say what you know, such as: sluice size --agents 50 --queries 3, --tier medium, --instances 5, --rps 100 --ms 50; sluice size --help lists all.',
    )
  return askFlags({ input: process.stdin, output: process.stdout, paint, signal, width })
}

/** The flags of what the formulas call otherwise. */
const flagNames: Readonly<Record<string, NumberFlag>> = {
  statements: 'queries',
  perSecond: 'rps',
  millis: 'ms',
  spindles: 'disks',
}

/** A formula's sentence about one of its numbers, as one about the flag that it came from. */
function inFlags(sentence: string): string {
  return sentence.replace(/^(\w+)(?= must )/, (name) => `--${flagNames[name] ?? name}`)
}

function sized(flags: Flags): Recommendation {
  if (Object.keys(flags).length === 0)
    throw badInput('There is nothing to size by: answer one question at least.')
  const question = questionFrom(flags)
  try {
    return recommend(question)
  } catch (error) {
    if (SluiceError.is(error, 'SLUICE_BAD_OPTION'))
      throw badInput(inFlags(error.message).replace(/[^.?]$/, '$&.'))
    throw error
  }
}
