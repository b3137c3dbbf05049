/** `sluice config`: what the environment makes of a pool, and where each value came from. */
import { Command, Option } from 'commander'
import { SluiceError } from '../base/errors.ts'
import { ENVIRONMENT_NAMES, TRAFFIC_NAMES } from '../profiles/environments.ts'
import { explainConfig } from '../profiles/explain.ts'
import { poolConfigFromEnv } from '../profiles/from-env.ts'
import { PROFILE_NAMES } from '../profiles/profiles.ts'
import type { Choices } from '../profiles/said.ts'
import { describeConfig } from './config/table.ts'
import { toJson } from './paint.ts'
import { badInput, exitCodes } from './refusal.ts'
import { openScreen } from './screen.ts'

interface ConfigOptions extends Choices {
  json?: true
}

/** The command. It asks nobody but the environment, so there is nothing to interrupt. */
export function configCommand(): Command {
  const choice = (name: string, words: readonly string[], description: string) =>
    new Option(`--${name} <${name}>`, description).choices([...words])
  return new Command('config')
    .description('print what the environment makes of a pool, and where each value came from')
    .addOption(choice('environment', [...ENVIRONMENT_NAMES, 'none'], 'the row of the environment table'))
    .addOption(choice('traffic', TRAFFIC_NAMES, 'sizes by traffic'))
    .addOption(choice('profile', PROFILE_NAMES, 'values for what the tables leave open'))
    .option('--json', 'one JSON object and nothing else')
    .addHelpText(
      'after',
      `
Reads DATABASE_URL and its parameters, DATABASE_POOL_URL, DB_*, POOL_*, PG*, SLUICE_PROFILE
and SLUICE_ENVIRONMENT, else NODE_ENV, as poolConfigFromEnv() does. Connects to nothing, and
shows no password.

Exit code: 0 complete, 1 something is missing, 2 a value or the command makes no sense.`,
    )
    .action((options: ConfigOptions) => {
      const { json, ...choices } = options
      const rows = explained(choices)
      const missing = missingOf(choices)
      if (json) console.log(toJson({ ok: missing === undefined, missing: missing ?? null, options: rows }))
      else {
        const screen = openScreen(process.stdout, process.env)
        screen.print(...describeConfig(rows, missing, screen.paint, screen.width))
        screen.close()
      }
      process.exitCode = missing === undefined ? exitCodes.fine : exitCodes.failed
    })
}

function explained(choices: Choices): ReturnType<typeof explainConfig> {
  try {
    const rows = explainConfig(process.env, { ...choices })
    // All that the command says itself comes from its command line.
    return rows.map((row) => (row.source === 'code' ? { ...row, source: `--${row.option}` } : row))
  } catch (error) {
    throw SluiceError.is(error) ? badInput(`${error.message}.`) : error
  }
}

/** What would keep a pool from being made, in a sentence. */
function missingOf(choices: Choices): string | undefined {
  try {
    poolConfigFromEnv(process.env, choices)
    return undefined
  } catch (error) {
    if (SluiceError.is(error)) return error.message
    throw error
  }
}
