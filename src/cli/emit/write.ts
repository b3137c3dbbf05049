/** Takes a text to a file or to standard output. */
import { writeFileSync } from 'node:fs'
import { codeOf } from '../../base/errors.ts'
import { toJson } from '../paint.ts'
import { badInput, exitCodes, Refusal } from '../refusal.ts'
import type { Destination, Emitted } from './texts.ts'

/** Writes the text where it is to go. @throws Refusal when the file is there already, or cannot be written */
export function write({ text, warning }: Emitted, { force, json, output }: Destination): void {
  if (output === undefined && force === true) throw badInput('--force needs --output: there is no file.')
  if (output !== undefined) writeTo(output, text, force === true)
  if (warning !== undefined) console.error(`sluice: ${warning}`)
  if (json === true) console.log(toJson({ ok: true, output: output ?? null, warning: warning ?? null, text }))
  else if (output === undefined) process.stdout.write(text)
  else console.log(`Wrote ${output}.`)
}

function writeTo(file: string, text: string, force: boolean): void {
  try {
    writeFileSync(file, text, { flag: force ? 'w' : 'wx' })
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST') throw badInput(`${file} is there already: --force replaces it.`)
    if (code === undefined) throw error
    throw new Refusal(`${file} cannot be written (${code}).`, exitCodes.failed)
  }
}
