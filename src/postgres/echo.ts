/** Writes down which statements run and how long they take: their texts without literals, never a value. */
import { codeOf } from '../base/errors.ts'
import type { Hooks } from '../core/hooks.ts'

/** Where a line goes. */
export type EchoLine = (line: string) => void

/** What to attach for `echo`. */
export function echoHooks(write: EchoLine): Pick<Hooks<object>, 'answered'> {
  return {
    answered: ({ text }, { error, millis }) => {
      const took = `${millis.toFixed(1)} ms`
      // What the server says may repeat values; its code does not.
      write(
        `${text} -- ${error === undefined ? took : `failed after ${took}: ${codeOf(error) ?? 'no code'}`}`,
      )
    },
  }
}
