#!/usr/bin/env node
/** The `sluice` command. */
import { Command, CommanderError } from 'commander'
import { messageOf } from '../base/errors.ts'
import { redact } from '../base/redact.ts'
import { sluiceVersion } from '../base/version.ts'
import { fitHelp } from './help.ts'
import { Interrupted, interruption } from './interrupt.ts'
import { toJson } from './paint.ts'
import { exitCodes, Refusal } from './refusal.ts'

/** Every command, in the order of the help. Each is loaded when it is asked for: no command waits for what another one needs. */
const COMMANDS: Readonly<Record<string, (signal: AbortSignal) => Promise<Command>>> = {
  demo: async (signal) => (await import('./demo.ts')).demoCommand(signal),
  check: async (signal) => (await import('./check.ts')).checkCommand(signal),
  doctor: async (signal) => (await import('./doctor.ts')).doctorCommand(signal),
  config: async () => (await import('./config.ts')).configCommand(),
  size: async (signal) => (await import('./size.ts')).sizeCommand(signal),
  tune: async (signal) => (await import('./tune.ts')).tuneCommand(signal),
  load: async (signal) => (await import('./load.ts')).loadCommand(signal),
  watch: async (signal) => (await import('./watch.ts')).watchCommand(signal),
  emit: async () => (await import('./emit.ts')).emitCommand(),
}

/** The command that is asked for; all of them where none is, for the help and for what is misspelt. */
function asked(): readonly ((signal: AbortSignal) => Promise<Command>)[] {
  const name = process.argv.slice(2).find((word) => !word.startsWith('-')) ?? ''
  const one = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  return one === undefined ? Object.values(COMMANDS) : [one]
}

/** Commander says what is wrong itself; what it repeats of the command line may hold a password. */
async function makeProgram(signal: AbortSignal): Promise<Command> {
  const program = new Command('sluice')
    .description('The connection pool for agent workloads.')
    .version(sluiceVersion())
  for (const load of asked()) program.addCommand(await load(signal))
  for (const command of withAllBelow(program)) {
    command
      .exitOverride()
      .configureHelp({ minWidthToWrap: 20 })
      .configureOutput({
        writeOut: (text) => process.stdout.write(fitHelp(text, process.stdout.columns || 80)),
        outputError: (text, write) => write(redact(text)),
      })
  }
  return program
}

/** A command, and those that are named after it. */
function withAllBelow(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withAllBelow)]
}

/** The exit code for what a command threw, once it has been said: to people, and to whoever asked for JSON. */
function report(error: unknown): number {
  const exitCode = say(error)
  const message = redact(messageOf(error))
  if (exitCode !== exitCodes.fine && process.argv.includes('--json')) {
    const body =
      error instanceof Interrupted
        ? { interrupted: true, error: `Interrupted by ${message}.` }
        : { error: message }
    const details = error instanceof Refusal ? error.details : {}
    console.log(toJson({ ok: false, ...details, ...body }))
  }
  return exitCode
}

function say(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.fine : exitCodes.badInput
  if (error instanceof Interrupted) return error.exitCode
  if (error instanceof Refusal) {
    console.error(`sluice: ${redact(error.message)}`)
    return error.exitCode
  }
  // Nothing a person did: whoever reports it will want the stack.
  console.error(redact(error instanceof Error ? (error.stack ?? error.message) : String(error)))
  return exitCodes.failed
}

/** A driver's warnings run over many lines; the first one says it. */
function oneLineWarnings(): void {
  process.removeAllListeners('warning')
  process.on('warning', ({ message }) => console.error(`sluice: ${redact(message.split('\n', 1)[0] ?? '')}`))
}

oneLineWarnings()
const signal = interruption()
try {
  const program = await makeProgram(signal)
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}
// What an interrupted command still waits for holds the process up no longer.
if (signal.aborted) process.exit()
