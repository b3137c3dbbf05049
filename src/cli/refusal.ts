/** What ends a command early: a sentence for the person at the keyboard and a code for the shell. */

/** The exit codes of every command. */
export const exitCodes = { fine: 0, failed: 1, badInput: 2, warning: 3, critical: 4 } as const

/** Ends the command with its message and no stack. */
export class Refusal extends Error {
  readonly exitCode: number
  /** What `--json` says besides the message. */
  readonly details: object

  constructor(message: string, exitCode: number, details: object = {}) {
    super(message)
    this.exitCode = exitCode
    this.details = details
  }
}

/** The command cannot run because of what was asked of it. */
export function badInput(sentence: string): Refusal {
  return new Refusal(sentence, exitCodes.badInput)
}
