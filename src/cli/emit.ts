/** `sluice emit`: files for the programs around a pool. */
import { Command } from 'commander'
import { SluiceError } from '../base/errors.ts'
import type { Emitted } from './emit/texts.ts'
import { textCommands } from './emit/texts.ts'
import { write } from './emit/write.ts'
import { badInput } from './refusal.ts'

/** The command. It asks nobody anything, so there is nothing to interrupt. */
export function emitCommand(): Command {
  const command = new Command('emit').description(
    'write files for Prometheus, Grafana, Kubernetes and the server',
  )
  const texts = textCommands((destination, make) => write(made(make), destination))
  for (const text of texts) command.addCommand(text)
  const names = texts.map((text) => text.name()).join(', ')
  // Every flag is one of a text; without a text there is only one thing to say.
  command.allowUnknownOption().allowExcessArguments()
  return command
    .argument('[what]')
    .usage('<what> [options]')
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Examples:
  sluice emit alerts --runbook-url https://wiki.example/alerts/ --output sluice.rules.yml
  sluice emit grafana --output sluice.json
  sluice emit hpa --deployment shop --pool-max 10 --server-limit 500
  sluice emit postgresql.conf --memory 16GB --role shop

The flags of each: sluice emit alerts --help. Connects to nothing.`,
    )
    .action((what?: string) => {
      const isNamed = what !== undefined && !what.startsWith('-')
      const which = isNamed ? `There is no ${JSON.stringify(what)} to emit` : 'Say what to emit'
      throw badInput(`${which}: ${names}.`)
    })
}

/** What a function refuses of its options is said of the flag that it came from. */
function made(make: () => Emitted): Emitted {
  try {
    return make()
  } catch (error) {
    throw SluiceError.is(error, 'SLUICE_BAD_OPTION') ? badInput(`${inFlags(error.message)}.`) : error
  }
}

/** `minReplicas must be …` and `labels.team is …`, as sentences about `--min-replicas` and `--label team`. */
function inFlags(sentence: string): string {
  return sentence
    .replace(/^labels\.(?=.)/, '--label ')
    .replace(/^[a-z][a-zA-Z]*(?= (?:must|needs) )/, (name) => flagOf(name))
    .replace(/(?<=^--server-limit needs )poolMax/, flagOf)
}

function flagOf(option: string): string {
  return `--${option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}
